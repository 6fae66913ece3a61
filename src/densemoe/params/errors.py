"""The one exception for bad input: a sentence for the user, naming file, key, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError


class InputError(ValueError):
    """Something the user wrote cannot be used. Its text is a full sentence; commands print it without a traceback."""


def allowed(names: Iterable[str]) -> str:
    """The allowed values, sorted, for the end of a sentence."""
    return ", ".join(sorted(names)) or "none"


def sentence(where: str, error: ValidationError, owner_of: dict[str, str] | None = None) -> str:
    """Turn pydantic's first finding into one sentence: `where`, the key, what was found, what is allowed.

    `owner_of` maps a dotted key to the layer that set it, so that the sentence names the file to edit.
    """
    first = error.errors(include_url=False)[0]
    # pydantic puts the tag of a discriminated union into the location; it is not a key of the file
    input_ = first.get("input")
    tags = {"vit", "hrnet", "scenes", "archive", "adam", "sgd", "poly", *_DECODER_TAGS}
    parts = [str(p) for i, p in enumerate(first["loc"]) if not (i > 0 and str(p) in tags)]
    key = ".".join(parts) or "the whole entry"
    owner = _owner(key, owner_of or {})
    setter = f" (set by {owner})" if owner else ""
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key '{key}'{setter}; it is not an option here."
    if first["type"] == "missing":
        return f"{where}: key '{key}' is missing."
    if first["type"] == "value_error":
        reason = str(first["ctx"]["error"])
        return f"{where}: {reason}" if key == "the whole entry" else f"{where}: key '{key}'{setter}: {reason}"
    if first["type"] == "union_tag_invalid":
        return (
            f"{where}: key '{key}.kind'{setter} is '{first['ctx']['tag']}'; allowed are {first['ctx']['expected_tags']}."
        )
    found = repr(input_) if not isinstance(input_, dict | list) else type(input_).__name__
    return f"{where}: key '{key}'{setter} is {found}; {first['msg'][0].lower()}{first['msg'][1:]}."


_DECODER_TAGS = (
    "baseline",
    "mlore",
    "pad_net",
    "mti_net",
    "atrc",
    "inv_pt",
    "task_prompter",
    "task_expert",
    "m3vit",
    "mod_squad",
    "low_rank",
    "standard",
    "none",
    "noisy_top_k",
    "vanilla",
    "cv_squared_importance",
)


def _owner(key: str, owner_of: dict[str, str]) -> str:
    while key:
        if key in owner_of:
            return owner_of[key]
        below = {v for k, v in owner_of.items() if k.startswith(key + ".")}
        if len(below) == 1:
            return below.pop()
        key = key.rpartition(".")[0]
    return ""
