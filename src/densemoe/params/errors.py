"""The one exception for bad input: a sentence for the user, naming file, key, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError


class InputError(ValueError):
    """Something the user wrote cannot be used. Its text is a full sentence; commands print it without a traceback."""


def allowed(names: Iterable[str]) -> str:
    """The allowed values, sorted, for the end of a sentence."""
    return ", ".join(sorted(names)) or "none"


def sentence(where: str, error: ValidationError, data: Any, owner_of: dict[str, str] | None = None) -> str:
    """Turn pydantic's first finding about `data` into one sentence: `where`, the key, what was found, what is allowed.

    `owner_of` maps a dotted key to the layer that set it, so that the sentence names the file to edit.
    """
    first = error.errors(include_url=False)[0]
    key = ".".join(_keys(first["loc"], data))
    owner = _owner(key, owner_of or {})
    subject = f"key '{key}'" + (f" (set by {owner})" if owner else "") if key else "the entry"
    context = first.get("ctx", {})
    match first["type"]:
        case "extra_forbidden":
            return f"{where}: {subject} is an unknown key here."
        case "missing":
            return f"{where}: {subject} is missing."
        case "value_error":
            return f"{where}: {context['error']}." if not key else f"{where}: {subject}: {context['error']}."
        case "union_tag_invalid":
            tags = context["expected_tags"].replace("'", "")
            return f"{where}: {subject} is of the unknown kind '{context['tag']}'; allowed are {tags}."
        case _:
            value = first.get("input")
            found = f"a {type(value).__name__}" if isinstance(value, dict | list) else repr(value)
            return f"{where}: {subject} is {found}; {first['msg'][0].lower()}{first['msg'][1:]}."


def _keys(location: tuple[int | str, ...], data: Any) -> list[str]:
    """The location without the tags that pydantic adds for unions: those are not keys of the data."""
    keys: list[str] = []
    node = data
    for i, part in enumerate(location):
        inside = (isinstance(node, dict) and part in node) or (
            isinstance(node, list) and isinstance(part, int) and part < len(node)
        )
        if inside:
            node = node[part]
        if inside or i == len(location) - 1:
            keys.append(str(part))
    return keys


def _owner(key: str, owner_of: dict[str, str]) -> str:
    """Who set a key, or the only one who set something below it, or above it."""
    while key:
        if key in owner_of:
            return owner_of[key]
        below = {v for k, v in owner_of.items() if k.startswith(key + ".")}
        if len(below) == 1:
            return below.pop()
        key = key.rpartition(".")[0]
    return ""
