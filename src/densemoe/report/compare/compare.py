"""Two snapshots -> what changed. Pure: nothing is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from densemoe.params.tolerances import Tolerance, Tolerances
from densemoe.report.compare.changes import Comparison, FileChange, ScaleChange, TableChange
from densemoe.report.compare.options import OptionChange
from densemoe.report.compare.rows import Sides, added_row, changed_row, match_rows, removed_row
from densemoe.report.compare.runs import changed_runs, trained_again
from densemoe.report.compare.snapshot import ScaleSnapshot, Snapshot, Training
from densemoe.report.model import Table


def compare(before: Snapshot, after: Snapshot, code: tuple[FileChange, ...] = ()) -> Comparison:
    """What changed from one state of the repository to another; a scale is compared with itself alone.

    Args:
        before: one state.
        after: the other one; its tolerances decide what is worse.
        code: files of the code that differ.
    """
    names = [*before.scales, *(name for name in after.scales if name not in before.scales)]
    scales = [_scale(name, before, after) for name in sorted(names)]
    unread = tuple((side.name, problem) for side in (before, after) for problem in side.problems)
    first = [ScaleChange("", unread)] if unread else []
    return Comparison(before.name, after.name, (*first, *(s for s in scales if not s.empty)), code)


def _scale(name: str, before: Snapshot, after: Snapshot) -> ScaleChange:
    old, new = before.scales.get(name), after.scales.get(name)
    there = new or old
    assert there is not None
    empty = ScaleSnapshot(name, {}, {}, {}, there.tolerances)
    problems = [(side.name, text) for side, at in ((before, old), (after, new)) for text in (at.refused if at else ())]
    measured = [at is not None and _measured(at) for at in (old, new)]
    for side, at, results in ((before, old, measured[0]), (after, new, measured[1])):
        if at is None:
            problems.append((side.name, f"has no readable plan of the {name} scale."))
        elif not results and any(measured):
            problems.append((side.name, f"has no results at the {name} scale."))
    sides = Sides(old or empty, new or empty)
    return ScaleChange(
        scale=name,
        problems=tuple(problems),
        tolerances=_tolerances(sides.before.tolerances, sides.after.tolerances),
        tables=tuple(_tables(sides)) if old and new else (),
        runs_added=tuple(sorted(set(sides.after.options) - set(sides.before.options))) if old and new else (),
        runs_removed=tuple(sorted(set(sides.before.options) - set(sides.after.options))) if old and new else (),
        trained_by=(_trained_by(old.trained), _trained_by(new.trained)) if old and new else ({}, {}),
    )


def _measured(scale: ScaleSnapshot) -> bool:
    rows = (row for table in scale.tables.values() for row in table.rows)
    return any(cell.state == "value" for row in rows for cell in row.cells.values())


def _tables(sides: Sides) -> list[TableChange]:
    old, new = sides.before.tables, sides.after.tables
    changes = [_table(old[name], new[name], sides) if name in old else _added(new[name]) for name in sorted(new)]
    changes += [_removed(old[name]) for name in sorted(set(old) - set(new))]
    return [change for change in changes if change is not None]


def _table(old: Table, new: Table, sides: Sides) -> TableChange | None:
    protocols = tuple(
        OptionChange(name, _versions(old, name), _versions(new, name))
        for name in new.protocols
        if name in old.protocols and _versions(old, name) != _versions(new, name)
    )
    columns = [c.key for c in old.columns], [c.key for c in new.columns]
    rows = []
    for a, b in match_rows(old.rows, new.rows):
        if a and b:
            rows.append(changed_row(a, b, old, new, sides))
        else:
            rows.append(added_row(b) if b else removed_row(a))
    change = TableChange(
        name=new.name,
        title=new.title,
        kind="changed",
        verdict=(old.verdict.kind, new.verdict.kind),
        columns_added=tuple(c for c in columns[1] if c not in columns[0]),
        columns_removed=tuple(c for c in columns[0] if c not in columns[1]),
        protocols=protocols,
        baselines=changed_runs(old.baselines, new.baselines, sides.before.options, sides.after.options),
        baselines_trained=trained_again(old.baselines, new.baselines, sides.before.trained, sides.after.trained),
        rows=tuple(row for row in rows if row is not None),
    )
    told = (
        *(change.rows, change.baselines, change.baselines_trained),
        *(change.columns_added, change.columns_removed, change.protocols),
    )
    return change if any(told) or old.verdict.kind != new.verdict.kind else None


def _added(table: Table) -> TableChange:
    rows = tuple(added_row(row) for row in table.rows)
    return TableChange(table.name, table.title, "added", ("", table.verdict.kind), (), (), (), (), (), rows)


def _removed(table: Table) -> TableChange:
    rows = tuple(removed_row(row) for row in table.rows)
    return TableChange(table.name, table.title, "removed", (table.verdict.kind, ""), (), (), (), (), (), rows)


def _versions(table: Table, protocol: str) -> str:
    return ", ".join(map(str, table.protocols[protocol]))


def _tolerances(old: Tolerances, new: Tolerances) -> tuple[OptionChange, ...]:
    texts = [
        {"noise_factor": f"{t.noise_factor:g}"} | {k: _tolerance(v) for k, v in t.metrics.items()} for t in (old, new)
    ]
    keys = [k for k in dict.fromkeys([*texts[0], *texts[1]]) if texts[0].get(k) != texts[1].get(k)]
    return tuple(OptionChange(k, texts[0].get(k, "none"), texts[1].get(k, "none")) for k in keys)


def _tolerance(tolerance: Tolerance) -> str:
    size = f"{tolerance.absolute:g}" if tolerance.absolute is not None else f"{100 * (tolerance.relative or 0):g} %"
    return f"{size} (seed std {tolerance.seed_std:g})"


def _trained_by(trained: Mapping[str, Training]) -> dict[str, int]:
    return dict(sorted(Counter(training.short for training in trained.values()).items()))
