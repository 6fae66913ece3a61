"""Reading a JSON file of results: what is missing is None, what does not fit is refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densemoe.params.errors import InputError, allowed


def read_document(file: Path, name: str, keys: Sequence[str]) -> dict[str, Any] | None:
    """Content of a file; None when there is none.

    Args:
        file: where it lies.
        name: what a sentence calls it, the same wherever the checkout lies.
        keys: that it must have.

    Raises:
        InputError: not readable, not complete JSON, not a mapping, or without one of the keys.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror}); mend or delete it.") from None
    except (ValueError, RecursionError):
        raise InputError(f"{name}: is not complete, readable JSON; delete it and measure again.") from None
    if not isinstance(data, dict):
        raise InputError(f"{name}: is {type(data).__name__}, not a mapping; delete it and measure again.")
    if lacking := [k for k in keys if k not in data]:
        raise InputError(f"{name}: key '{lacking[0]}' is missing; needed are {allowed(keys)}.")
    return data


def check_said(name: str, data: Mapping[str, Any], said_by: Mapping[str, tuple[str, Any]]) -> None:
    """Compare keys with what path or plan say, key -> (who, what). Raises InputError at the first that differs."""
    for key, (who, value) in said_by.items():
        if data[key] != value or isinstance(data[key], bool):
            raise InputError(f"{name}: '{key}' is {short(data[key])}, but the {who} says {short(value)}.")


def short(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
