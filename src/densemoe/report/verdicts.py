"""Whether a printed number is reproduced: per cell, per row, per table. Never at a small scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from densemoe.params.counting import COST_PREFIX
from densemoe.params.metrics import METRICS
from densemoe.params.tolerances import Tolerances
from densemoe.report.model import VERDICTS, Cell, Verdict, group_and_metric

_EXACT = 1e-9
"""So that 0.5 apart is within a tolerance of 0.5, whatever the last bit."""


def cell_verdict(cell: Cell, scale: str, tolerances: Tolerances) -> Verdict:
    """Verdict on one printed number.

    Ours may be off by the tolerance, or else by the noise of seeds: the printed number is one draw, ours the mean of n,
    so that their difference spreads by std * sqrt(1 + 1/n).
    """
    metric = group_and_metric(cell.column)[1]
    if reason := _incomparable(cell, scale, metric, tolerances):
        return Verdict("not comparable", reason)
    assert cell.value is not None and cell.printed is not None
    printed, tolerance = float(cell.printed), tolerances.metrics[metric]
    apart = abs(cell.value - printed)
    if apart <= tolerance.allows(printed) + _EXACT:
        return Verdict("reproduced")
    count = max(len(cell.by_seed), 1)
    std = tolerance.seed_std if cell.std is None else cell.std
    noise = tolerances.noise_factor * std * math.sqrt(1 + 1 / count)
    if apart <= noise + _EXACT:
        return Verdict("within seed noise", "spread assumed" if cell.std is None else "")
    return Verdict("differs", f"{METRICS[metric].title} {cell.difference}")


def _incomparable(cell: Cell, scale: str, metric: str, tolerances: Tolerances) -> str:
    if cell.printed is None:
        return "not printed"
    if scale != "paper":
        return f"{scale} scale"
    if any(note.kind == "incomparable" for note in cell.printed_notes):
        return "measures something else"
    if cell.state != "value":
        return cell.state
    return "" if metric in tolerances.metrics else f"no tolerance for {metric}"


def row_verdict(cells: Iterable[Cell]) -> Verdict:
    """The worst verdict on the printed numbers of a row; not comparable only where none of them is."""
    printed = [c for c in cells if c.printed is not None]
    metrics = [c for c in printed if not c.metric.startswith(COST_PREFIX)]
    if metrics and all(c.verdict.kind == "not comparable" for c in metrics):
        printed = metrics  # costs need no training: alone they reproduce no row of a table of results
    judged = [c.verdict for c in printed if c.verdict.kind != "not comparable"]
    if not judged:
        reasons = dict.fromkeys(c.verdict.reason for c in printed) or {"not printed": None}
        return Verdict("not comparable", ", ".join(reasons))
    worst = _worst(judged)
    if worst == "differs":
        return Verdict(worst, ", ".join(v.reason for v in judged if v.kind == "differs"))
    left = len(printed) - len(judged)
    return Verdict(worst, f"{len(judged)} of {len(printed)} numbers compared" if left else "")


def table_verdict(rows: Sequence[Verdict]) -> Verdict:
    """The worst verdict of the rows; not comparable only where all are."""
    judged = [v for v in rows if v.kind != "not comparable"]
    if not judged:
        return Verdict("not comparable", ", ".join(dict.fromkeys(v.reason for v in rows if v.reason)))
    counts = [f"{sum(v.kind == kind for v in rows)} {kind}" for kind in VERDICTS]
    return Verdict(_worst(judged), ", ".join(counts))


def _worst(verdicts: Sequence[Verdict]) -> str:
    kinds = {v.kind for v in verdicts}
    return next(kind for kind in ("differs", "within seed noise", "reproduced") if kind in kinds)
