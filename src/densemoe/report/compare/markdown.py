"""A comparison as Markdown, for the text or a comment of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from tabulate import tabulate

from densemoe.report.compare import sentences as say
from densemoe.report.compare.changes import Comparison, RowChange, ScaleChange, TableChange

HEADINGS = ("row", "metric", "before", "after", "change", "")


def markdown(comparison: Comparison) -> str:
    """The whole of it; begins with the counts, which a reader of a pull request wants first."""
    lines = [f"**{_escaped(say.headline(comparison))}**", "", say.summary(comparison)]
    for scale in comparison.scales:
        lines += ["", *_scale(scale)]
    if comparison.code:
        lines += ["", f"<details><summary>Code: {say.files(comparison.code)}</summary>", ""]
        lines += [*(f"- {f.status} `{f.path}` +{f.added} -{f.removed}" for f in comparison.code), "", "</details>"]
    return "\n".join(lines)


def _scale(scale: ScaleChange) -> Iterator[str]:
    if scale.scale:
        note = say.scale_note(scale)
        yield f"## {scale.scale} scale" + (f" ({note})" if note else "")
        yield ""
    before, after = scale.trained_by
    facts = [f"in {side}: {problem}" for side, problem in scale.problems]
    facts += [f"tolerance of {c.key}: {c.before} -> {c.after}" for c in scale.tolerances]
    facts += [f"runs that are new in the plan: {say.names(scale.runs_added)}"] if scale.runs_added else []
    facts += [f"runs that left the plan: {say.names(scale.runs_removed)}"] if scale.runs_removed else []
    if before != after:
        facts.append(f"runs by the commit of their weights: {say.counted(before)} -> {say.counted(after)}")
    yield from (f"- {_escaped(fact)}" for fact in facts)
    for table in scale.tables:
        yield ""
        yield from _table(table)


def _table(table: TableChange) -> Iterator[str]:
    kind = "" if table.kind == "changed" else f" [table {table.kind}]"
    yield f"### {_escaped(f'{table.name}: {table.title}{kind}')}"
    yield ""
    facts = []
    if table.kind == "changed" and table.verdict[0] != table.verdict[1]:
        facts.append(f"verdict: {table.verdict[0]} -> **{table.verdict[1]}**")
    facts += [f"protocol of {c.key}: {c.before} -> {c.after}; its numbers are not compared" for c in table.protocols]
    facts += [f"new columns: {', '.join(table.columns_added)}"] if table.columns_added else []
    facts += [f"removed columns: {', '.join(table.columns_removed)}"] if table.columns_removed else []
    facts += [_escaped(say.runs(change)) for change in table.baselines]
    facts += [_escaped(f"baselines {line}") for line in say.trained(table.baselines_trained)]
    facts += [f"row **{_escaped(say.row_label(row))}**: {fact}" for row in table.rows for fact in _facts(row)]
    yield from (f"- {fact}" for fact in facts)
    cells = [cell for row in table.rows for cell in _numbers(row)]
    if cells:
        aligned = ("left", "left", "right", "right", "right", "left")
        yield from ["", *tabulate(cells, HEADINGS, "pipe", disable_numparse=True, colalign=aligned).splitlines()]


def _facts(row: RowChange) -> list[str]:
    facts = [_escaped(fact) for fact in say.row_facts(row)]
    return facts if row.kind == "changed" else [row.kind, *facts]


def _numbers(row: RowChange) -> Iterator[list[str]]:
    for n in row.numbers:
        remark = say.remark(n) if row.kind == "changed" else f"row {row.kind}"
        remark = f"**{remark}**" if n.outcome == "worse" else remark
        label = say.row_label(row)
        yield [*map(_escaped, (label, say.group_and_title(n), n.before, n.after, n.difference)), remark]


def _escaped(text: str) -> str:
    """With what Markdown would take for markup escaped, such as the underscores of run names."""
    for mark in "\\|*_<":
        text = text.replace(mark, f"\\{mark}")
    return text
