"""What a value of a variant rests on: the note of the layer that set it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from densemoe.params.files import SELECTORS, Layer, Params, Source, When
from densemoe.params.resolve import Resolved


@dataclass(frozen=True)
class OpenChoice:
    """Values that the papers' texts leave open: their keys, where they were taken from, and why."""

    keys: tuple[str, ...]
    origin: str
    note: str


def open_choices(params: Params, resolved: Resolved, chosen: Mapping[str, str]) -> list[OpenChoice]:
    """What of a variant rests on released code or on our own decision, in the order of its keys.

    What a scale decides is not among them: a small scale is another experiment, not a reading of the papers.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for key, value in leaves(resolved.variant.model_dump(mode="json")):
        owner = nearest(key, resolved.owner_of) or ""
        source = source_of(params, owner, chosen, key, value)
        if source is not None and source.origin != "paper" and not owner.startswith("scale "):
            found.setdefault((source.origin, source.note), []).append(key)
    return [OpenChoice(tuple(keys), origin, note) for (origin, note), keys in found.items()]


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of everything in a nested mapping that is not itself a mapping."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def nearest(key: str, table: Mapping[str, Any]) -> Any:
    """The entry of the key itself, or of the closest group around it: `recipe.optimizer` for `recipe.optimizer.lr`."""
    while key:
        if key in table:
            return table[key]
        key = key.rpartition(".")[0]
    return None


def source_of(params: Params, owner: str, chosen: Mapping[str, str], key: str, value: Any) -> Source | None:
    """Source note of a value in the layer that set it; the note of one condition does not speak for another."""
    if owner == "base.yaml":
        return nearest(key, params.base().sources)
    kind, _, name = owner.partition(" ")
    folder = f"{kind}s"
    if kind not in (*SELECTORS, "scale") or name not in params.names(folder):
        return None  # a table, group or row: its file is named, and the printed table is the source
    layer = params.layer(folder, name)
    setter = _setter(layer, chosen, key, value)
    if setter is None:
        return None
    own = nearest(key, setter.sources)
    if isinstance(setter, When) and own is None and key not in dict(leaves(layer.set)):
        own = nearest(key, layer.sources)  # the layer sets the key in its conditions alone: the note is about them
    if setter is layer and kind in chosen and own is None:
        own = _of_extending(params, folder, chosen[kind], name, key)
    return own


def _setter(layer: Layer, chosen: Mapping[str, str], key: str, value: Any) -> Layer | When | None:
    """The layer itself or the condition of it that set the key to this value; of several the last, which wins."""
    held = [w for w in layer.when if all(chosen.get(k) == v for k, v in w.condition.items() if k in SELECTORS)]
    for entry in reversed([layer, *held]):
        found = dict(leaves(entry.set))
        if key in found and found[key] == value:
            return entry
    return None


def _of_extending(params: Params, folder: str, chosen: str, owner: str, key: str) -> Source | None:
    """Note of a layer that extends the owner, e.g. single_task on what it takes from baseline."""
    layer = params.layer(folder, chosen)
    return nearest(key, layer.sources) if layer.extends == owner else None
