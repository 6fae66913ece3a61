"""A table as CSV, one line per number, for spreadsheets and programs."""

from __future__ import annotations

import csv
import io

from densemoe.report.model import Table

COLUMNS = (
    "table", "row", "group", "metric", "unit", "scale", "state", "ours", "std", "seeds", "shown", "printed", "origin",
    "difference", "fitted_formula", "rank", "printed_rank", "verdict", "verdict_reason", "notes",
)  # fmt: skip


def table_csv(table: Table) -> str:
    """One line per row and column; `ours` and `std` in full precision, empty where there is nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in table.rows:
        for column in table.columns:
            cell = row.cells[column.key]
            notes = [n.text for n in (*row.notes, *column.notes, *cell.notes, *cell.printed_notes)]
            writer.writerow(
                [
                    table.name,
                    row.label,
                    column.group,
                    column.metric.key,
                    column.metric.unit,
                    table.scale,
                    cell.state,
                    _number(cell.value),
                    _number(cell.std),
                    len(cell.by_seed),
                    cell.shown,
                    cell.printed or "",
                    row.origin if cell.printed is not None else "",
                    cell.difference or "",
                    cell.fitted,
                    cell.rank or "",
                    cell.printed_rank or "",
                    cell.verdict.kind,
                    cell.verdict.reason,
                    " ".join(notes),
                ]
            )
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)
