"""Panels of a table's numbers: declared lines and dots, and the chart of a table that declares no plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from densemoe.params.metrics import METRICS
from densemoe.report.figures.panel import OURS, PRINTED, Panel, Point, in_rows
from densemoe.report.markdown import GROUPS
from densemoe.report.model import Cell, Row, Table, group_and_metric

WHY = {"missing": "not measured yet", "pending": "not built yet", "unreadable": "file refused"}
COLUMNS = 5
"""Panels side by side."""


def lines_panel(panel: Mapping[str, Any], rows: Sequence[Row]) -> Panel:
    """A declared panel of the kind `lines`."""
    points = _points(panel["y"], rows, {label: (x, label) for label, x in panel["at"].items()})
    return Panel("lines", panel["title"], panel["x"], quantity(panel["y"]), points)


def dots_panel(panel: Mapping[str, Any], rows: Sequence[Row]) -> Panel:
    """A declared panel of the kind `dots`."""
    points = _points(panel["y"], rows, {label: (name, name) for label, name in panel["names"].items()})
    return Panel("dots", panel["title"], quantity(panel["y"]), "", points)


def chart_panels(table: Table) -> list[Panel]:
    """Bars of the gain where a table has one, else dots of every column."""
    at = {row.label: (row.label, row.label) for row in table.rows}
    if gains := [c for c in table.columns if c.metric.key == "gain"]:
        return [Panel("bars", "", quantity(c.key), "", _points(c.key, table.rows, at)) for c in gains]
    panels = []
    for column in table.columns:
        prefix = f"{GROUPS.get(column.group, column.group)}: " if column.group else ""
        points = _points(column.key, table.rows, at)
        panels.append(Panel("dots", prefix + column.metric.title, quantity(column.key), "", points))
    return panels


def quantity(column: str) -> str:
    """Label of an axis: title, direction, unit."""
    metric = METRICS[group_and_metric(column)[1]]
    if metric.title.endswith(")"):  # the title of a cost names its unit
        return f"{metric.title} {metric.arrow}"
    unit = {"degrees": "°"}.get(metric.unit, metric.unit)
    return f"{metric.title} ({unit}) {metric.arrow}".strip()


def _points(column: str, rows: Sequence[Row], at: Mapping[str, tuple[Any, str]]) -> tuple[Point, ...]:
    """Ours and the printed number of every row that `at` places: row label -> x and label."""
    of_label = {row.label: row for row in rows}
    ours, printed = [], []
    for row, (x, label) in at.items():
        cell = of_label[row].cells[column]
        ours.append(Point(OURS, x, cell.value, label, _why(cell)))
        number = cell.printed
        printed.append(
            Point(PRINTED, x, None if number is None else float(number), label, "" if number else "not printed")
        )
    has_printed = any(p.y is not None for p in printed)
    return (*ours, *(printed if has_printed else ()))


def _why(cell: Cell) -> str:
    return WHY.get(cell.state, "")


def arranged(panels: Sequence[Panel], scale: str) -> tuple[tuple[Panel | None, ...], ...]:
    """Rows of panels. At the papers' own scale ours and printed share the axes; at another one they are not comparable.

    They then get axes of their own, below each other, or side by side where there is one panel only.
    """
    if scale == "paper":
        return in_rows(panels, min(len(panels), COLUMNS))
    apart = [_apart(panel, scale) for panel in panels]
    if len(panels) == 1:
        return (tuple(p for p in apart[0] if p is not None),)
    rows: list[tuple[Panel | None, ...]] = []
    columns = min(len(panels), COLUMNS)
    for start in range(0, len(panels), columns):
        chunk = apart[start : start + columns]
        for part in zip(*chunk, strict=True):
            if any(part):
                rows.append(part + (None,) * (columns - len(part)))
    return tuple(rows)


def _apart(panel: Panel, scale: str) -> tuple[Panel | None, Panel | None]:
    names = {OURS: f"ours, {scale} scale", PRINTED: "printed"}
    parts: list[Panel | None] = []
    for series, name in names.items():
        part = panel.only(series)
        said = {"y": f"{panel.y}\n{name}"} if panel.kind == "lines" else {"x": f"{panel.x}\n{name}"}
        parts.append(replace(part, **said) if part.points else None)
    return parts[0], parts[1]
