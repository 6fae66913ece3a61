"""What stands in each cell of a compiled table, and the state of each row. No text is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from densemoe.report.gain import Absence, gain_of
from densemoe.report.results import Results, kind_of

CellState = Literal["value", "missing", "unreadable", "pending"]

ROW_STATES: dict[str, str] = {
    "complete": "every column has a number",
    "partial": "measured, but some columns have no number yet",
    "missing": "nothing measured yet, or the metrics file is refused",
    "pending": "the model or the measure is not built yet",
}


@dataclass(frozen=True)
class Cell:
    """One number of ours, or why there is none: `absent` for a gain, `refusal` for a refused file."""

    state: CellState
    value: float | None = None
    absent: tuple[Absence, ...] = ()
    refusal: str = ""


@dataclass(frozen=True)
class RowCells:
    """A compiled row with our numbers, by column."""

    row: Mapping[str, Any]
    cells: dict[str, Cell]
    state: str
    """A key of ROW_STATES."""


def fill(table: Mapping[str, Any], results: Results) -> list[RowCells]:
    """Our numbers of every row of a compiled table."""
    rows = []
    for row in table["rows"]:
        cells = {column: _cell(row, column, results) for column in table["columns"]}
        rows.append(RowCells(row, cells, _state(row, cells, results)))
    return rows


def group_and_metric(column: str) -> tuple[str, str]:
    """`nyud_v2/depth.rmse` -> the key of the row's cell and the metric; without a group the cell is `all`."""
    group, _, metric = column.rpartition("/")
    return group or "all", metric


def _cell(row: Mapping[str, Any], column: str, results: Results) -> Cell:
    group, metric = group_and_metric(column)
    cell = row["cells"][group]
    run, measure = cell["run"], cell["measure"]
    if cell["pending"]:
        return Cell("pending")
    if refusal := results.refusal(run, measure, kind_of(metric)):
        return Cell("unreadable", refusal=refusal)
    if metric == "gain":
        gain = gain_of(cell, results)
        return Cell("missing" if gain.value is None else "value", gain.value, gain.absent)
    value = results.value(run, measure, metric)
    return Cell("missing" if value is None else "value", value)


def _state(row: Mapping[str, Any], cells: Mapping[str, Cell], results: Results) -> str:
    if all(c["pending"] for c in row["cells"].values()):
        return "pending"
    if all(c.state == "value" for c in cells.values()):
        return "complete"
    measured = [results.state(c["run"], c["measure"]) == "done" for c in row["cells"].values() if not c["pending"]]
    return "partial" if any(measured) else "missing"
