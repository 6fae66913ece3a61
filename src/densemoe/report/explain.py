"""Who set each value of a run, and what the value rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from densemoe.params.errors import InputError, allowed
from densemoe.params.files import SELECTORS, Layer, Params, Source, When
from densemoe.params.plan import Plan


def explain_run(params: Params, plan: Plan, run: str) -> dict[str, Any]:
    """Every dotted key of a run's variant: its value, the layer that set it, and the source note where there is one.

    Raises InputError when the plan has no such run.
    """
    if run not in plan.runs:
        near = get_close_matches(run, plan.runs, n=3, cutoff=0.0)
        raise InputError(
            f"Unknown run '{run}' at scale {plan.scale}; the nearest of the {len(plan.runs)} allowed are "
            f"{allowed(near)}, and `python -m stages.plan --scale {plan.scale}` lists all."
        )
    planned = plan.runs[run]
    keys = []
    for key, value in _leaves(planned.variant.model_dump(mode="json")):
        owner = _nearest(key, planned.resolved.owner_of) or "default of the schema"
        source = _source(params, owner, planned.chosen, key, value)
        keys.append(
            {
                "key": key,
                "value": value,
                "set_by": owner,
                "from": source.origin if source else "",
                "note": source.note if source else "",
            }
        )
    return {"scale": plan.scale, "run": run, "title": planned.title, "keys": keys}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _nearest(key: str, table: Mapping[str, Any]) -> Any:
    """The entry of the key itself, or of the closest group around it: `recipe.optimizer` for `recipe.optimizer.lr`."""
    while key:
        if key in table:
            return table[key]
        key = key.rpartition(".")[0]
    return None


def _source(params: Params, owner: str, chosen: Mapping[str, str], key: str, value: Any) -> Source | None:
    """Source note of a value in the layer that set it; the note of one condition does not speak for another."""
    if owner == "base.yaml":
        return _nearest(key, params.base().sources)
    kind, _, name = owner.partition(" ")
    folder = f"{kind}s"
    if kind not in (*SELECTORS, "scale") or name not in params.names(folder):
        return None  # a table, group or row: its file is named, and the printed table is the source
    layer = params.layer(folder, name)
    setter = _setter(layer, chosen, key, value)
    if setter is None:
        return None
    own = _nearest(key, setter.sources)
    if isinstance(setter, When) and own is None and key not in dict(_leaves(layer.set)):
        own = _nearest(key, layer.sources)  # the layer sets the key in its conditions alone: the note is about them
    if setter is layer and kind in chosen and own is None:
        own = _of_extending(params, folder, chosen[kind], name, key)
    return own


def _setter(layer: Layer, chosen: Mapping[str, str], key: str, value: Any) -> Layer | When | None:
    """The layer itself or the condition of it that set the key to this value; of several the last, which wins."""
    held = [w for w in layer.when if all(chosen.get(k) == v for k, v in w.condition.items() if k in SELECTORS)]
    for entry in reversed([layer, *held]):
        leaves = dict(_leaves(entry.set))
        if key in leaves and leaves[key] == value:
            return entry
    return None


def _of_extending(params: Params, folder: str, chosen: str, owner: str, key: str) -> Source | None:
    """Note of a layer that extends the owner, e.g. single_task on what it takes from baseline."""
    layer = params.layer(folder, chosen)
    return _nearest(key, layer.sources) if layer.extends == owner else None
