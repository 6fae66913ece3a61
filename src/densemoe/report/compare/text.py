"""A comparison as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from tabulate import tabulate

from densemoe.report.compare import sentences as say
from densemoe.report.compare.changes import Comparison, RowChange, ScaleChange, TableChange


def text(comparison: Comparison) -> str:
    """The whole of it; ends with the counts."""
    lines = [say.headline(comparison)]
    for scale in comparison.scales:
        lines += ["", *_scale(scale)]
    if comparison.code:
        lines += ["", f"code: {say.files(comparison.code)}"]
        lines += [f"  {f.status} {f.path}  +{f.added} -{f.removed}" for f in comparison.code]
    return "\n".join([*lines, "", say.summary(comparison)])


def _scale(scale: ScaleChange) -> Iterator[str]:
    note = say.scale_note(scale)
    if scale.scale:
        yield f"{scale.scale} scale" + (f" ({note})" if note else "")
    for side, problem in scale.problems:
        yield f"  in {side}: {problem}"
    for change in scale.tolerances:
        yield f"  tolerance of {change.key}: {change.before} -> {change.after}"
    for table in scale.tables:
        yield from (f"  {line}" for line in _table(table))
    if scale.runs_added:
        yield f"  runs that are new in the plan: {say.names(scale.runs_added)}"
    if scale.runs_removed:
        yield f"  runs that left the plan: {say.names(scale.runs_removed)}"
    before, after = scale.trained_by
    if before != after:
        yield f"  runs by the commit of their weights: {say.counted(before)} -> {say.counted(after)}"


def _table(table: TableChange) -> Iterator[str]:
    yield f"{table.name}: {table.title}" + ("" if table.kind == "changed" else f" [table {table.kind}]")
    if table.kind == "changed" and table.verdict[0] != table.verdict[1]:
        yield f"  verdict: {table.verdict[0]} -> {table.verdict[1]}"
    for change in table.protocols:
        yield f"  protocol of {change.key}: {change.before} -> {change.after}; its numbers are not compared"
    for kind, columns in (("new", table.columns_added), ("removed", table.columns_removed)):
        if columns:
            yield f"  {kind} columns: {', '.join(columns)}"
    yield from (f"  {say.runs(change)}" for change in table.baselines)
    yield from (f"  baselines {line}" for line in say.trained(table.baselines_trained))
    for row in table.rows:
        yield from (f"  {line}" for line in _row(row))


def _row(row: RowChange) -> Iterator[str]:
    yield f"row {say.row_label(row)}" + ("" if row.kind == "changed" else f" [{row.kind}]")
    yield from (f"  {fact}" for fact in say.row_facts(row))
    if row.kind != "changed":
        shown = [f"{say.group_and_title(n)} {n.before or n.after}" for n in row.numbers]
        yield f"  {', '.join(shown) or 'no numbers'}"
        return
    cells = [[say.group_and_title(n), n.before, "->", n.after, n.difference, say.remark(n)] for n in row.numbers]
    aligned = ("left", "right", "left", "right", "right", "left")
    grid = tabulate(cells, tablefmt="plain", disable_numparse=True, colalign=aligned) if cells else ""
    yield from (f"  {line.rstrip()}" for line in grid.splitlines())
