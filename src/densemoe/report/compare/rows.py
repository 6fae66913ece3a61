"""Rows of a table on both sides, matched and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from densemoe.report.compare.cells import changed_number, shown
from densemoe.report.compare.changes import NumberChange, PrintedChange, RowChange, RunChange
from densemoe.report.compare.runs import changed_runs, trained_again
from densemoe.report.compare.snapshot import ScaleSnapshot
from densemoe.report.model import Row, Table, column_of


@dataclass(frozen=True)
class Sides:
    """One scale, before and after."""

    before: ScaleSnapshot
    after: ScaleSnapshot


def match_rows(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[Row | None, Row | None]]:
    """Pairs by label, then of the rest by the same runs (a renamed label); in the order of `after`, removed rows last.

    Labels are unique in a table.
    """
    old = {row.label: row for row in before}
    pairs = {row.label: old.pop(row.label) for row in after if row.label in old}
    for row in after:
        if row.label in pairs:
            continue
        same = [label for label, other in old.items() if _runs(other) == _runs(row)]
        if len(same) == 1:
            pairs[row.label] = old.pop(same[0])
    return [(pairs.get(row.label), row) for row in after] + [(row, None) for row in old.values()]


def changed_row(old: Row, new: Row, of_old: Table, of_new: Table, sides: Sides) -> RowChange | None:
    """What changed in a row that is on both sides; None when nothing did."""
    numbers = [
        changed_number(old.cells[key], new.cells[key], of_old.protocols, of_new.protocols, sides.after.tolerances)
        for key in new.cells
        if key in old.cells
    ]
    printed = [
        PrintedChange(key, column_of(key).metric.title, old.cells[key].printed or "", new.cells[key].printed or "")
        for key in new.cells
        if key in old.cells and old.cells[key].printed != new.cells[key].printed
    ]
    change = RowChange(
        label=new.label,
        kind="changed",
        label_before=old.label,
        runs=changed_runs(old.runs, new.runs, sides.before.options, sides.after.options),
        trained=trained_again(old.runs, new.runs, sides.before.trained, sides.after.trained),
        numbers=tuple(n for n in numbers if n is not None),
        printed=tuple(printed),
        verdict=(old.verdict.kind, new.verdict.kind),
        state=(old.state, new.state),
    )
    told = any((change.runs, change.trained, change.numbers, change.printed))
    same = (old.label, old.verdict.kind, old.state) == (new.label, new.verdict.kind, new.state)
    return change if told or not same else None


def added_row(row: Row) -> RowChange:
    """A row that only the second side has, with the numbers that it shows."""
    numbers = tuple(
        NumberChange(key, column_of(key).metric.title, "", shown(cell), "", "new")
        for key, cell in row.cells.items()
        if cell.state == "value"
    )
    runs = tuple(RunChange(group, "", (), names, (), known=True) for group, names in _by_group(row).items())
    return RowChange(
        row.label, "added", "", runs, numbers=numbers, verdict=("", row.verdict.kind), state=("", row.state)
    )


def removed_row(row: Row) -> RowChange:
    """A row that only the first side has, with the numbers that it showed."""
    numbers = tuple(
        NumberChange(key, column_of(key).metric.title, shown(cell), "", "", "lost")
        for key, cell in row.cells.items()
        if cell.state == "value"
    )
    runs = tuple(RunChange(group, "", names, (), (), known=True) for group, names in _by_group(row).items())
    return RowChange(
        row.label, "removed", row.label, runs, numbers=numbers, verdict=(row.verdict.kind, ""), state=(row.state, "")
    )


def _by_group(row: Row) -> dict[str, tuple[str, ...]]:
    groups = dict.fromkeys(r.group for r in row.runs)
    return {group: tuple(r.run for r in row.runs if r.group == group) for group in groups}


def _runs(row: Row) -> list[tuple[str, str, str]]:
    return [(r.group, r.run, r.measure) for r in row.runs]
