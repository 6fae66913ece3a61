"""Panels of cost against gain: every table that has both, ours and printed."""

from __future__ import annotations

from densemoe.params.metrics import GAIN_METRIC
from densemoe.report.figures.of_rows import WHY, quantity
from densemoe.report.figures.panel import OURS, PRINTED, Panel, Point
from densemoe.report.gain import relative_gain
from densemoe.report.markdown import source_title
from densemoe.report.model import Row, Table

COSTS = ("cost.macs", "cost.params_m")
INCOMPARABLE = "a metric measures something else"

Numbers = dict[str, float]


def cost_panels(table: Table) -> list[Panel]:
    """One panel per cost column of a table; none for a table without costs or with column groups.

    Upwards stands the gain, or where the table has none the mean relative difference from the authors' own row over
    the tasks: the gain's formula with that row in place of the single-task models.
    """
    columns = [c.key for c in table.columns]
    metrics = {task: m for task, m in GAIN_METRIC.items() if m in columns}
    reference = None if "gain" in columns else _reference(table)
    if not metrics or ("gain" not in columns and reference is None):
        return []
    # a row that only repeats another one's model, without numbers of its own, is the same point
    runs = [row.runs for row in table.rows]
    rows = [row for row in table.rows if row.printed or runs.count(row.runs) == 1]
    y = quantity("gain") if reference is None else f"Mean difference from '{reference.label}' (%) ↑"
    panels = []
    for cost in (c for c in COSTS if c in columns):
        points = [_point(series, row, cost, metrics, reference) for series in (OURS, PRINTED) for row in rows]
        kept = tuple(p for p in points if p.y is not None or p.why)
        panels.append(Panel("scatter", source_title(table.source), quantity(cost), y, kept))
    return panels


def _reference(table: Table) -> Row | None:
    """The one row whose numbers are the authors' own, if there is just one."""
    own = [row for row in table.rows if row.origin == "authors" and row.printed]
    return own[0] if len(own) == 1 else None


def _numbers(series: str, row: Row) -> Numbers:
    if series == OURS:
        return {c.column: c.value for c in row.cells.values() if c.value is not None}
    return {c.column: float(c.printed) for c in row.cells.values() if c.printed is not None}


def _point(series: str, row: Row, cost: str, metrics: dict[str, str], reference: Row | None) -> Point:
    own = _numbers(series, row)
    y = own.get("gain") if reference is None else _relative(own, _numbers(series, reference), metrics)
    if series == PRINTED and reference is not None and _incomparable(row, metrics):
        return Point(series, "", None, row.label, INCOMPARABLE)
    if cost in own and y is not None:
        return Point(series, own[cost], y, row.label)
    if series == PRINTED:
        return Point(series, "", None, row.label, "not printed" if row.printed else "")
    return Point(series, "", None, row.label, WHY["pending" if row.state == "pending" else "missing"])


def _relative(own: Numbers, base: Numbers, metrics: dict[str, str]) -> float | None:
    """The gain's formula with another row as the baseline; None as soon as one number is missing."""
    if not all(m in own and base.get(m) for m in metrics.values()):
        return None
    return relative_gain({t: own[m] for t, m in metrics.items()}, {t: base[m] for t, m in metrics.items()})


def _incomparable(row: Row, metrics: dict[str, str]) -> bool:
    return any(n.kind == "incomparable" for m in metrics.values() for n in row.cells[m].printed_notes)
