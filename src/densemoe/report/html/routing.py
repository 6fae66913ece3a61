"""Routing statistics of a run as grids to shade: the share of images in which a task activates an expert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densemoe.report.routing import RoutingResults


@dataclass(frozen=True)
class Grid:
    """Tasks by experts of one module."""

    module: str
    experts: tuple[str, ...]
    """Rank of each expert, or its number where experts have none."""
    rows: tuple[tuple[str, tuple[float, ...]], ...]
    """Task and its shares, from 0 to 1, one per expert."""


@dataclass(frozen=True)
class Routing:
    """All modules of a run, or why there is nothing to show; both empty where the plan asks for no routing."""

    grids: tuple[Grid, ...] = ()
    absence: str = ""


def routing_of(results: RoutingResults, run: str) -> Routing:
    """Grids of a run whose routing the plan measures; a refused file gives the sentence that refuses it."""
    if run not in results.expected:
        return Routing()
    tree = results.get(run)
    if tree is None:
        return Routing(absence=results.refusal(run) or results.absence(run))
    experts = results.expected[run].experts
    return Routing(tuple(_grid(f"{s} {m}", of, experts) for s, modules in tree.items() for m, of in modules.items()))


def _grid(module: str, statistics: Mapping[str, Any], experts: tuple[str, ...]) -> Grid:
    rows = tuple((task, tuple(shares[e] for e in sorted(shares))) for task, shares in statistics["activation"].items())
    return Grid(module.replace("_", " "), experts, rows)
