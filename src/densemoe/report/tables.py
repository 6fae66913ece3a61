"""A table as Markdown: per row ours, printed and the difference; notes, open choices and runs below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from densemoe.params.counting import COST_PREFIX
from densemoe.params.tolerances import Tolerances
from densemoe.report.build import build_table
from densemoe.report.markdown import (
    GROUPS,
    Footnotes,
    details,
    escape,
    figure_links,
    grid,
    page,
    scale_notice,
    source_title,
)
from densemoe.report.model import VERDICTS, Cell, Column, Note, Row, Run, Table
from densemoe.report.results import Results

NOTHING = "–"
LEGEND = (
    f"**best** and <ins>second best</ins> of a column; `{NOTHING}` not measured yet; empty: not printed; `pending` the "
    "model or the measure is not built yet; `unreadable` the metrics file is there but refused; *slanted*: quoted by "
    "the paper from elsewhere."
)

COST_LEGEND = "Differences of costs are in per cent of the printed number."


def table_path(name: str, suffix: str = ".md") -> PurePosixPath:
    """Where a table is written, below the folder of its scale: mlore/table02 -> tables/mlore/table02.md."""
    return PurePosixPath("tables") / f"{name}{suffix}"


def render_table(compiled: Mapping[str, Any], results: Results, tolerances: Tolerances) -> str:
    """Markdown of one compiled table; see `build_table` and `table_page`."""
    return table_page(build_table(compiled, results, tolerances))


def table_page(table: Table) -> str:
    """Markdown of one table. The same inputs give the same text; no date, no path of a machine."""
    notes = Footnotes()
    numbers = _numbers(table, notes)
    states = ", ".join(f"{count} {state}" for state, count in table.states().items())
    others = " · ".join(
        f"[{suffix[1:].upper()}]({PurePosixPath(table.name).name}{suffix})" for suffix in (".csv", ".tex")
    )
    return page(
        f"# {escape(source_title(table.source))}: {escape(table.title)}",
        scale_notice(table.scale),
        f"Scale `{table.scale}`; {seeds_text(table)}; protocol: {protocols_text(table)}. Also as {others}.",
        f"{len(table.rows)} rows: {states}.",
        verdicts_text(table),
        f"![{escape(table.title)}](../../figures/{table.name}.png)",
        f"This {figure_links(table.name, '../../')}.",
        numbers,
        f"{LEGEND} {COST_LEGEND}" if any(c.metric.key.startswith(COST_PREFIX) for c in table.columns) else LEGEND,
        _notes(table, notes),
        details("What the papers' texts leave open, and what stands here instead", _choices(table)),
        details("Runs and their files", _runs(table)),
    )


def seeds_text(table: Table) -> str:
    """E.g. `seeds 0, 1, 2: mean ± standard deviation`."""
    if not table.seeds:
        return "no seed, since every row is pending"
    listed = ", ".join(map(str, table.seeds))
    return f"seed {listed}" if len(table.seeds) == 1 else f"seeds {listed}: mean ± standard deviation"


def protocols_text(table: Table) -> str:
    """E.g. `pixel metrics version 1`."""
    parts = [f"{name} version {', '.join(map(str, versions))}" for name, versions in table.protocols.items()]
    return ", ".join(parts) or "none, nothing is measured"


def verdicts_text(table: Table) -> str:
    """What the table says about the printed one, in a sentence; empty where the paper prints no numbers."""
    if not any(row.printed for row in table.rows):
        return ""
    if table.scale != "paper":
        return f"No verdict on the printed numbers: not comparable at the {table.scale} scale."
    counts = ", ".join(f"{count} {kind}" for kind, count in table.verdicts().items())
    meaning = "; ".join(f"*{kind}*: {text}" for kind, text in VERDICTS.items())
    return f"Verdict: **{table.verdict.kind}**; rows: {counts}. {meaning[0].upper()}{meaning[1:]}."


def _notes(table: Table, notes: Footnotes) -> str:
    lines = [f"- {escape(note.text)}" for note in table.notes] + notes.lines()
    return "\n".join(["## Notes", "", *lines]) if lines else ""


def _numbers(table: Table, notes: Footnotes) -> str:
    # a verdict only where there can be one
    verdict = ["Verdict"] if table.scale == "paper" and any(row.printed for row in table.rows) else []
    headings = ["Row", *map(escape, table.info), "Numbers"]
    headings += [escape(heading(c)) + notes.mark(*note_texts(c.notes)) for c in table.columns]
    lines = []
    for row in table.rows:
        head = [escape(row.label) + notes.mark(*note_texts(row.notes, *ABOUT_ROW))]
        head += [escape(row.info.get(key, "")) for key in table.info]
        for at, line in enumerate(_lines(table, row, notes)):
            said = [_verdict(row) if at == 0 else ""] if verdict else []
            lines.append([*(head if at == 0 else [""] * len(head)), *line, *said])
    return grid([*headings, *verdict], lines, left=len(table.info) + 2)


ABOUT_ROW = ("note", "convention", "misprint", "choice", "incomparable")
"""Kinds of notes that stand at the label of a row."""


def note_texts(notes: Iterable[Note], *kinds: str) -> list[str]:
    """Texts of the notes of these kinds, of all without a kind."""
    return [n.text for n in notes if not kinds or n.kind in kinds]


def _lines(table: Table, row: Row, notes: Footnotes) -> Iterable[list[str]]:
    """The lines of one row: ours, by a fitted formula where there is one, printed, differences."""
    cells = [row.cells[c.key] for c in table.columns]
    name = f"{row.who} ({table.scale})" + notes.mark(*note_texts(row.notes, "state"))
    yield [name, *(_marked(shown_ours(c), c.rank) + notes.mark(*note_texts(c.notes)) for c in cells)]
    if any(c.fitted for c in cells):
        yield ["fitted formula" + notes.mark(*note_texts(row.notes, "formula")), *(c.fitted or NOTHING for c in cells)]
    if not row.printed:
        return
    name = "printed" + notes.mark(*note_texts(row.notes, "origin"))
    yield [name, *(_printed(c, row.origin) + notes.mark(*note_texts(c.printed_notes)) for c in cells)]
    if any(c.difference is not None for c in cells):
        name = "difference" if table.scale == "paper" else f"difference ({table.scale} - printed)"
        yield [name, *(c.difference or ("" if c.printed is None else NOTHING) for c in cells)]
    if any(c.fitted_difference is not None for c in cells):
        yield ["difference of the formula", *(c.fitted_difference or "" for c in cells)]


def heading(column: Column) -> str:
    """E.g. `NYUD-v2: Depth RMSE ↓`."""
    prefix = f"{GROUPS.get(column.group, column.group)}: " if column.group else ""
    return prefix + column.metric.heading


def shown_ours(cell: Cell) -> str:
    """Our number with its standard deviation, or the state that stands in its place."""
    if cell.state != "value":
        return NOTHING if cell.state == "missing" else cell.state
    return f"{cell.shown} ± {cell.shown_std}" if cell.shown_std else cell.shown


def _printed(cell: Cell, origin: str) -> str:
    if cell.printed is None:
        return ""
    return _marked(cell.printed if origin == "authors" else f"*{cell.printed}*", cell.printed_rank)


def _marked(text: str, rank: int | None) -> str:
    return {1: f"**{text}**", 2: f"<ins>{text}</ins>"}.get(rank or 0, text)


def _verdict(row: Row) -> str:
    reason = f" ({escape(row.verdict.reason)})" if row.verdict.reason else ""
    return f"{row.verdict.kind}{reason}" if row.printed else ""


def _choices(table: Table) -> str:
    lines = []
    for choice in table.choices:
        rows = f" Only {', '.join(map(escape, choice['rows']))}." if choice["rows"] else ""
        keys = ", ".join(f"`{key}`" for key in choice["keys"])
        lines.append(f"- {keys}: {choice['from']}; {escape(choice['note'])}.{rows}")
    return "\n".join(lines)


def _runs(table: Table) -> str:
    """Row -> run, measure, state and files; then the single-task runs behind the gain, each once."""
    lines = []
    for row in table.rows:
        for run in row.runs:
            label = row.label + (f" ({GROUPS.get(run.group, run.group)})" if run.group else "")
            lines.append(_run_line(escape(label), run))
    lines += [_run_line(f"baseline of the gain: {run.role}", run) for run in table.baselines]
    return grid(["Row", "Run", "Measure", "State", "Files"], lines, left=5)


def _run_line(label: str, run: Run) -> list[str]:
    # from tables/<paper>/ up to the folder of the scale
    links = [f"[{name}](../../{path})" for name, path in run.files.items()]
    state = run.state + (", imported" if run.imported else "")
    return [label, f"`{run.run}`", run.measure, state, ", ".join(links)]
