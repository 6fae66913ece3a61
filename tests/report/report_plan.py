"""A small plan made by hand, and metrics files for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from densemoe.params.tolerances import Tolerances
from densemoe.report.results import Results

TOLERANCES = Tolerances.model_validate(
    {
        "noise_factor": 2.0,
        "noise_reason": "made up",
        "metrics": {
            "semseg.miou": {"absolute": 0.5, "seed_std": 0.25, "reason": "made up"},
            "normals.mean_deg": {"absolute": 0.1, "reason": "made up"},
            "gain": {"absolute": 0.5, "reason": "made up"},
            "cost.macs": {"relative": 0.01, "reason": "made up"},
        },
    }
)
BASELINE = {"semseg": "single_semseg", "normals": "single_normals"}


def index_of(
    *runs: str, scale: str = "smoke", pending: dict[str, str] | None = None, costs: bool = False
) -> dict[str, Any]:
    """The index of a plan in which each run has one plain measure, and a cost if asked for."""
    return {
        "scale": scale,
        "runs": {r: {"title": r, "variant": {"dataset": "pascal_context", "seed": seed_of(r)}} for r in runs},
        "modules": {},
        "scores": {},
        "costs": {r: {"run": r, "of": "model", "protocol": 1} for r in runs} if costs else {},
        "measures": {f"{r}__plain": {"run": r, "measure": "plain", "protocol": 1} for r in runs},
        "pending": {r: {"title": r, "reason": reason} for r, reason in (pending or {}).items()},
    }


def seed_of(run: str) -> int:
    """`a_seed2` is of seed 2, any other run of seed 0."""
    return int(run.partition("_seed")[2] or 0)


def note(kind: str, text: str, *columns: str) -> dict[str, Any]:
    """A declared footnote."""
    return {"kind": kind, "columns": list(columns), "text": text}


def cell(run: str, pending: str = "", baseline: dict[str, str] | None = None) -> dict[str, Any]:
    cost = {"key": run, "macs": "plain", "unit": "10^9", "params": "used"}
    return {"run": run, "measure": "plain", "pending": pending, "baseline": baseline or {}, "cost": cost}


def row(label: str, cells: dict[str, Any], **given: Any) -> dict[str, Any]:
    empty = {"printed_as": label, "info": {}, "origin": "authors", "note": "", "notes": [], "paper": {}}
    return {"label": label, **empty, **given, "cells": cells}


def table(columns: list[str], rows: list[dict[str, Any]], scale: str = "smoke") -> dict[str, Any]:
    source = {"paper": "mlore", "table": 2}
    head = {"name": "mlore/table02", "scale": scale, "title": "Components", "note": "", "source": source}
    head |= {"notes": [], "choices": [], "plot": [], "routing": []}
    return {**head, "columns": columns, "rows": rows}


class Folder:
    """A reports folder under construction."""

    def __init__(self, root: Path):
        self.root = root

    def put(self, run: str, metrics: dict[str, Any], *, scale: str = "smoke", wrong: dict[str, Any] | None = None):
        """Write one metrics file of the plain measure; `wrong` replaces what would be right."""
        content = {
            "scale": scale,
            "run": run,
            "measure": "plain",
            "dataset": "pascal_context",
            "seed": seed_of(run),
            "images": 24,
            "protocol": {"pixel_metrics": 1},
            "metrics": metrics,
        }
        path = self.root / scale / "metrics" / run / "plain.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content | (wrong or {})))
        return path

    def put_cost(self, run: str, gmacs: float, *, scale: str = "paper") -> Path:
        """Write one cost file of a network of as many G (10^9) multiply-adds and 1 M parameters."""
        macs, params = round(gmacs * 10**9), 10**6
        content = {
            "scale": scale,
            "run": run,
            "of": "model",
            "dataset": "pascal_context",
            "image": {"height": 512, "width": 512},
            "protocol": {"cost": 1},
            "params": {"used": params},
            "macs": {"plain": macs},
            "parts": {"plain": {"encoder": {"params": params, "macs": macs}}},
        }
        path = self.root / scale / "costs" / f"{run}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return path

    def results(self, index: dict[str, Any]) -> Results:
        return Results.from_index(self.root, index)
