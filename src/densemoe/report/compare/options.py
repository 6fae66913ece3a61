"""Options of two runs against each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = "its default"


@dataclass(frozen=True)
class OptionChange:
    """One option, its values as text; `DEFAULT` where a plan leaves it out."""

    key: str
    before: str
    after: str


def dotted(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"router": {"k": 9}}` -> `{"router.k": 9}`; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, value in options.items():
        if isinstance(value, dict):
            flat |= dotted(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def changed_options(
    before: Mapping[str, Any], after: Mapping[str, Any], *, without: tuple[str, ...] = ()
) -> tuple[OptionChange, ...]:
    """The options that differ, in the order of `before`.

    Where the kind of a component differs, its other options go with it and are not listed.

    Args:
        before: dotted option -> value,
        after: likewise.
        without: options that do not count.
    """
    keys = [k for k in dict.fromkeys([*before, *after]) if _text(before, k) != _text(after, k) and k not in without]
    kinds = [k.removesuffix("kind") for k in keys if k.endswith(".kind")]
    listed = [k for k in keys if not any(k.startswith(p) and k != f"{p}kind" for p in kinds)]
    return tuple(OptionChange(k, _text(before, k), _text(after, k)) for k in listed)


def _text(options: Mapping[str, Any], key: str) -> str:
    if key not in options:
        return DEFAULT
    value = options[key]
    return value if isinstance(value, str) else json.dumps(value)
