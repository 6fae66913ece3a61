"""Routing statistics of a run as grids to shade: the share of images in which a task activates an expert."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Grid:
    """Tasks by experts of one module."""

    module: str
    experts: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    """Task and its shares, from 0 to 1, one per expert."""


@dataclass(frozen=True)
class Routing:
    """All modules of a run, or why there is nothing to show; both empty where no file is there."""

    grids: tuple[Grid, ...] = ()
    absence: str = ""


def read_routing(file: Path) -> Routing:
    """`routing.<scale>.<module>.activation.<task>.<expert>` of a file; one that has not this shape is named."""
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))["routing"]
        return Routing(tuple(_grid(f"{s} {m}", of) for s, modules in tree.items() for m, of in modules.items()))
    except FileNotFoundError:
        return Routing()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Routing(absence=f"routing/{file.name} is not a readable file of routing statistics")


def _grid(module: str, statistics: Mapping[str, Any]) -> Grid:
    activation = statistics["activation"]
    experts = tuple(next(iter(activation.values()), ()))
    if not experts:
        raise ValueError(module)
    rows = tuple((task, tuple(float(shares[e]) for e in experts)) for task, shares in activation.items())
    if not all(0 <= share <= 1 for _, shares in rows for share in shares):
        raise ValueError(module)
    return Grid(module.replace("_", " "), tuple(e.removeprefix("expert_") for e in experts), rows)
