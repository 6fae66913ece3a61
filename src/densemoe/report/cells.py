"""What was measured for a cell of a compiled row, over all its seeds. No text is made here."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from densemoe.params.counting import COST_PREFIX
from densemoe.report.costs import FITTED
from densemoe.report.gain import Absence, gain_of
from densemoe.report.model import CellState
from densemoe.report.results import Results, kind_of


@dataclass(frozen=True)
class Found:
    """One number of one run, or why there is none: `absent` for a gain, `refusal` for a refused file.

    `fitted` is what a formula fitted to the printed numbers gives beside it, for one module's cost alone.
    """

    state: CellState
    value: float | None = None
    absent: tuple[Absence, ...] = ()
    refusal: str = ""
    fitted: float | None = None


@dataclass(frozen=True)
class OverSeeds:
    """The same number over all seeds of a cell; the state is the best that a seed has."""

    state: CellState
    by_seed: dict[int, float] = field(default_factory=dict)
    planned: int = 1
    absent: tuple[Absence, ...] = ()
    refusals: tuple[str, ...] = ()
    fitted: float | None = None

    @property
    def mean(self) -> float | None:
        """Over the seeds that are there."""
        return statistics.fmean(self.by_seed.values()) if self.by_seed else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None for fewer than two seeds."""
        return statistics.stdev(self.by_seed.values()) if len(self.by_seed) > 1 else None


def repeats_of(cell: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The cell of a compiled row once per seed: run, measure, pending and baseline of each."""
    yield cell
    for repeat in cell.get("repeats", ()):
        yield {**cell, **repeat}


def over_seeds(cell: Mapping[str, Any], metric: str, results: Results) -> OverSeeds:
    """One metric of a cell of a compiled row; the gain is taken per seed, against the baselines of the same seed."""
    found = {}
    # a network costs the same with any seed: only that of the first is counted
    repeats = [cell] if metric.startswith(COST_PREFIX) else repeats_of(cell)
    for at, repeat in enumerate(repeats):
        expected = results.expected.get((repeat["run"], repeat["measure"]))
        found[at if expected is None else expected.seed] = one_seed(repeat, metric, results)
    states = [f.state for f in found.values()]
    state = next(s for s in ("value", "unreadable", "missing", "pending") if s in states)
    return OverSeeds(
        state,
        {seed: f.value for seed, f in found.items() if f.value is not None},
        len(found),
        tuple(a for f in found.values() for a in f.absent),
        tuple(f.refusal for f in found.values() if f.refusal),
        next((f.fitted for f in found.values()), None),
    )


def one_seed(cell: Mapping[str, Any], metric: str, results: Results) -> Found:
    """One metric of one run."""
    run, measure = cell["run"], cell["measure"]
    if cell["pending"]:
        return Found("pending")
    if metric.startswith(COST_PREFIX):
        return _cost(cell["cost"], metric, results)
    if refusal := results.refusal(run, measure, kind_of(metric)):
        return Found("unreadable", refusal=refusal)
    if metric == "gain":
        gain = gain_of(cell, results)
        return Found("missing" if gain.value is None else "value", gain.value, gain.absent)
    value = results.value(run, measure, metric)
    return Found("missing" if value is None else "value", value)


def _cost(cost: Mapping[str, str], metric: str, results: Results) -> Found:
    if refusal := results.costs.refusal(cost["key"]):
        return Found("unreadable", refusal=refusal)
    value = results.costs.value(cost, metric)
    fitted = results.costs.value(cost, metric, FITTED)
    return Found("missing" if value is None else "value", value, fitted=fitted)
