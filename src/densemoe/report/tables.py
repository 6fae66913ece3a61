"""One declared table as Markdown: per row ours, printed and the difference; what is missing, and why, in footnotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from densemoe.params.metrics import METRICS
from densemoe.report.cells import ROW_STATES, Cell, RowCells, fill, group_and_metric
from densemoe.report.gain import Absence
from densemoe.report.markdown import GROUPS, Footnotes, counts, escape, grid, page, scale_notice, source_title
from densemoe.report.numbers import difference, ours
from densemoe.report.results import BOUNDARY, PIXELS, Results

NOTHING = "–"
LEGEND = (
    f"`{NOTHING}` not measured yet, or not printed; `pending` the model or the measure is not built yet; "
    "`unreadable` the metrics file is there but refused."
)
_ORIGINS = {
    "quoted": "Printed numbers quoted by the paper from another publication.",
    "reproduced by TaskExpert": "Printed numbers quoted from TaskExpert, whose authors trained this model themselves.",
}
_NAMED_RUNS = 3


def table_path(name: str) -> PurePosixPath:
    """Where a table is written, below the folder of its scale: mlore/table02 -> tables/mlore/table02.md."""
    return PurePosixPath("tables") / f"{name}.md"


def render_table(table: Mapping[str, Any], results: Results) -> str:
    """Markdown of one compiled table. The same inputs give the same text; no date, no path of a machine.

    Args:
        table: content of params/plan/<scale>/<table>.yaml.
        results: metrics of that scale.
    """
    scale = table["scale"]
    rows = fill(table, results)
    notes = Footnotes()
    numbers = _numbers(table, rows, notes)
    states = counts([r.state for r in rows], list(ROW_STATES))
    return page(
        f"# {escape(source_title(table['source']))}: {escape(table['title'])}",
        scale_notice(scale),
        f"Scale `{scale}`; {_seeds(rows, results)}; protocol: {_protocol(results)}.",
        f"{len(rows)} rows: {states}.",
        numbers,
        LEGEND,
        _notes(table["note"], notes),
        "## Runs",
        _runs(rows, results),
    )


def _seeds(rows: Sequence[RowCells], results: Results) -> str:
    keys = {(cell["run"], cell["measure"]) for r in rows for cell in r.row["cells"].values()}
    seeds = sorted({results.expected[key].seed for key in keys if key in results.expected})
    if not seeds:
        return "no seed, since every row is pending"
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _protocol(results: Results) -> str:
    named = {name: versions for name, versions in results.protocols().items() if versions}
    parts = [f"{name} version {', '.join(map(str, versions))}" for name, versions in named.items()]
    return ", ".join(parts) or "none, nothing is measured"


def _notes(of_table: str, notes: Footnotes) -> str:
    lines = [f"- {escape(of_table)}"] if of_table else []
    lines += notes.lines()
    return "\n".join(["## Notes", "", *lines]) if lines else ""


def _numbers(table: Mapping[str, Any], rows: Sequence[RowCells], notes: Footnotes) -> str:
    info = list(dict.fromkeys(key for r in rows for key in r.row["info"]))
    headings = ["Row", *map(escape, info), "Numbers", *(_heading(c) for c in table["columns"])]
    missing_gain = _gain_note(a for r in rows for c in r.cells.values() for a in c.absent)
    lines = []
    for filled in rows:
        row = filled.row
        own_notes = notes.mark(row["note"])
        head = [escape(row["label"]) + own_notes, *(escape(row["info"].get(key, "")) for key in info)]
        for line in _lines(table, filled, missing_gain, notes):
            lines.append([*head, *line])
            head = [""] * len(head)
    return grid(headings, lines, left=len(info) + 2)


def _lines(table: Mapping[str, Any], filled: RowCells, missing_gain: str, notes: Footnotes) -> Iterable[list[str]]:
    """Up to three lines of one row: ours, printed, difference."""
    row, columns, scale = filled.row, table["columns"], table["scale"]
    printed = row["paper"]
    reasons = dict.fromkeys(c["pending"] for c in row["cells"].values() if c["pending"])
    name = f"ours ({scale})" + notes.mark(*(f"Pending: {r}." for r in reasons))
    numbers = {c: _ours(filled.cells[c], c, printed.get(c)) for c in columns}
    yield [name, *(numbers[c] + notes.mark(*_marked(filled.cells[c], missing_gain)) for c in columns)]
    if not printed:
        return
    yield [
        "printed" + notes.mark(_ORIGINS.get(row["origin"], "")),
        *(escape(printed.get(c, NOTHING)) for c in columns),
    ]
    both = {c: difference(numbers[c], printed[c]) for c in columns if c in printed and filled.cells[c].state == "value"}
    if both:
        name = "difference" if scale == "paper" else f"difference ({scale} - printed)"
        yield [name, *(both.get(c, NOTHING) for c in columns)]


def _heading(column: str) -> str:
    group, metric = group_and_metric(column)
    prefix = "" if group == "all" else f"{GROUPS.get(group, group)}: "
    return escape(prefix + METRICS[metric].heading)


def _ours(cell: Cell, column: str, printed: str | None) -> str:
    if cell.value is not None:
        return ours(cell.value, group_and_metric(column)[1], printed)
    return NOTHING if cell.state == "missing" else cell.state


def _marked(cell: Cell, missing_gain: str) -> list[str]:
    return [cell.refusal, missing_gain if cell.absent else ""]


def _gain_note(absent: Iterable[Absence]) -> str:
    """Why gains are missing, once for the whole table: equal reasons are joined, long lists of runs are cut."""
    runs: dict[tuple[str, str], list[str]] = {}
    for a in dict.fromkeys(absent):
        runs.setdefault((a.metric, a.why), []).append(a.run)
    reasons = []
    for (metric, why), names in runs.items():
        more = f" and {len(names) - _NAMED_RUNS} more" if len(names) > _NAMED_RUNS else ""
        plural = "s" if len(names) > 1 else ""
        listed = f"run{plural} {', '.join(names[:_NAMED_RUNS])}{more}"
        subject = f"{metric} of {listed} {why}" if metric else f"{listed} {_plural(why) if plural else why}"
        reasons.append(subject)
    if not reasons:
        return ""
    return f"{METRICS['gain'].title} is never taken over fewer tasks; it is missing because {'; '.join(reasons)}."


def _plural(why: str) -> str:
    verb, _, rest = why.partition(" ")
    return f"{ {'is': 'are', 'has': 'have'}[verb] } {rest}".strip()


def _runs(rows: Sequence[RowCells], results: Results) -> str:
    """Row -> run, measure, state and files; then the single-task runs behind the gain, each once."""
    lines = []
    baselines: dict[str, str] = {}
    for filled in rows:
        for group, cell in filled.row["cells"].items():
            label = filled.row["label"] + ("" if group == "all" else f" ({GROUPS.get(group, group)})")
            lines.append(_run_line(label, cell["run"], cell["measure"], results))
            baselines |= {run: task for task, run in cell["baseline"].items()}
    lines += [_run_line(f"baseline of the gain: {task}", run, "plain", results) for run, task in baselines.items()]
    return grid(["Row", "Run", "Measure", "State", "Files"], lines, left=5)


def _run_line(label: str, run: str, measure: str, results: Results) -> list[str]:
    files = {kind: results.file(run, measure, kind) for kind in (PIXELS, BOUNDARY)}
    files |= {"curve": results.folder / "curves" / f"{run}.csv"}
    # from tables/<paper>/ up to the folder of the scale
    links = [f"[{n}](../../{p.relative_to(results.folder).as_posix()})" for n, p in files.items() if p.is_file()]
    return [escape(label), f"`{run}`", measure, results.state(run, measure), ", ".join(links)]
