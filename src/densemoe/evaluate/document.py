"""The file of one measurement: metrics, or routing statistics. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densemoe.params.variant import Variant

DECIMALS = 6


def metrics_document(
    scale: str,
    run: str,
    measure: str,
    variant: Variant,
    *,
    flavour: str,
    images: int,
    protocol: Mapping[str, int],
    metrics: Mapping[str, float],
    imported: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The file's content: nested dicts of scalars, since DVC drops lists without a word; no time, no machine.

    `flavour` is the edition of the data set that was measured on: numbers of two are not comparable. `protocol` names
    the versions of the definitions, e.g. pixel_metrics: 1. `metrics` maps keys such as `semseg.miou` to numbers; a
    metric that was not measured is left out, never zero. `imported` names the checkpoint of weights that were not
    trained here.
    """
    nested: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        task, _, metric = key.partition(".")
        nested.setdefault(task, {})[metric] = round(value, DECIMALS)
    head = _head(scale, run, measure, variant, flavour, images, protocol)
    document = {**head, "metrics": nested}
    return document | ({"imported": dict(imported)} if imported else {})


def routing_document(
    scale: str, run: str, variant: Variant, *, flavour: str, images: int, protocol: int, routing: Mapping[str, Any]
) -> dict[str, Any]:
    """The file of a run's routing statistics, in the same form; `routing` is the tree of `routing.py`."""
    head = _head(scale, run, "routing", variant, flavour, images, {"routing": protocol})
    return {**head, "routing": _rounded(routing)}


def _head(
    scale: str, run: str, measure: str, variant: Variant, flavour: str, images: int, protocol: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "scale": scale,
        "run": run,
        "measure": measure,
        "dataset": variant.dataset,
        "flavour": flavour,
        "seed": variant.seed,
        "images": images,
        "protocol": dict(protocol),
    }


def _rounded(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _rounded(v) if isinstance(v, Mapping) else round(v, DECIMALS) for k, v in tree.items()}
