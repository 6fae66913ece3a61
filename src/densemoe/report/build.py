"""A compiled table and metrics files -> the table as data (`model`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from densemoe.params.counting import COST_PREFIX
from densemoe.params.fitted_module import NOTE as FITTED_NOTE
from densemoe.params.metrics import METRICS
from densemoe.params.tolerances import Tolerances
from densemoe.report.cells import OverSeeds, over_seeds, repeats_of
from densemoe.report.costs import footnote
from densemoe.report.gain import Absence
from densemoe.report.model import Cell, Column, Note, Row, RowState, Run, Table, column_of, group_and_metric
from densemoe.report.numbers import as_printed, difference, ours, residual
from densemoe.report.results import BOUNDARY, PIXELS, Results
from densemoe.report.verdicts import cell_verdict, row_verdict, table_verdict

_ORIGINS = {
    "quoted": "Printed numbers quoted by the paper from another publication.",
    "reproduced by TaskExpert": "Printed numbers quoted from TaskExpert, whose authors trained this model themselves.",
}
_ABOUT_PRINTED = ("misprint", "incomparable")
_NAMED_RUNS = 3


def build_table(compiled: Mapping[str, Any], results: Results, tolerances: Tolerances) -> Table:
    """The table as data.

    Args:
        compiled: content of params/plan/<scale>/<table>.yaml.
        results: metrics of that scale.
        tolerances: how close is reproduced.
    """
    columns = tuple(column_of(key, _declared(compiled["notes"], key)) for key in compiled["columns"])
    filled = [{c.key: _over_seeds(row, c.key, results) for c in columns} for row in compiled["rows"]]
    gain_note = _gain_note(a for of_row in filled for found in of_row.values() for a in found.absent)
    rows = [
        _row(row, columns, found, gain_note, compiled["scale"], results)
        for row, found in zip(compiled["rows"], filled, strict=True)
    ]
    judged = [_judged(row, compiled["scale"], tolerances) for row in _ranked(rows, columns)]
    return Table(
        name=compiled["name"],
        source=compiled["source"],
        title=compiled["title"],
        scale=compiled["scale"],
        seeds=_seeds(compiled, results),
        protocols={name: tuple(versions) for name, versions in results.protocols().items() if versions},
        columns=columns,
        rows=tuple(judged),
        notes=(*_plain(compiled["note"]), *_declared(compiled["notes"], None)),
        choices=tuple(compiled["choices"]),
        baselines=_baselines(compiled, results),
        verdict=table_verdict([row.verdict for row in judged if row.printed]),
    )


def _over_seeds(row: Mapping[str, Any], column: str, results: Results) -> OverSeeds:
    group, metric = group_and_metric(column)
    return over_seeds(row["cells"][group], metric, results)


def _row(
    row: Mapping[str, Any],
    columns: Sequence[Column],
    found: Mapping[str, OverSeeds],
    gain_note: Sequence[Note],
    scale: str,
    results: Results,
) -> Row:
    cells = {c.key: _cell(row, c, found[c.key], gain_note) for c in columns}
    formula = (Note("formula", FITTED_NOTE),) if any(cell.fitted for cell in cells.values()) else ()
    pending = dict.fromkeys(c["pending"] for c in row["cells"].values() if c["pending"])
    origin = _plain(_ORIGINS.get(row["origin"], ""), "origin") if row["paper"] else ()
    notes = (*_plain(row["note"]), *_declared(row["notes"], None), *origin)
    runs = tuple(
        _run(repeat, "" if group == "all" else group, results)
        for group, cell in row["cells"].items()
        for repeat in repeats_of(cell)
    )
    states = [f"Pending: {reason}." for reason in pending]
    states += [f"Weights not trained here but imported from {o}." for o in dict.fromkeys(r.imported for r in runs) if o]
    return Row(
        label=row["label"],
        printed_as=row["printed_as"],
        info=row["info"],
        origin=row["origin"],
        state=_state(row, cells, results),
        cells=cells,
        runs=runs,
        notes=(*notes, *formula, *(Note("state", text) for text in states)),
        verdict=row_verdict(()),
    )


def _cell(row: Mapping[str, Any], column: Column, found: OverSeeds, gain_note: Sequence[Note]) -> Cell:
    printed = row["paper"].get(column.key)
    declared = _declared(row["notes"], column.key)
    shown = "" if found.mean is None else ours(found.mean, column.metric.key, printed)
    notes = [n for n in declared if n.kind not in _ABOUT_PRINTED]
    notes += [Note("refusal", refusal) for refusal in found.refusals]
    notes += gain_note if found.absent else ()
    is_cost = column.metric.key.startswith(COST_PREFIX)
    if is_cost and shown:
        counted = row["cells"][column.group or "all"]["cost"]
        notes.insert(0, Note("convention", footnote(counted, column.metric.key)))
    apart = residual if is_cost else difference
    fitted = "" if found.fitted is None else as_printed(found.fitted, printed, column.metric.key)
    if 0 < len(found.by_seed) < found.planned:
        notes.append(Note("state", f"Mean of {len(found.by_seed)} of {found.planned} seeds; the others are missing."))
    return Cell(
        column=column.key,
        state=found.state,
        value=found.mean,
        std=found.std,
        by_seed=found.by_seed,
        shown=shown,
        shown_std="" if found.std is None else ours(found.std, column.metric.key, printed),
        printed=printed,
        difference=apart(shown, printed) if shown and printed is not None else None,
        fitted=fitted,
        fitted_difference=apart(fitted, printed) if fitted and printed is not None else None,
        notes=tuple(notes),
        printed_notes=tuple(n for n in declared if n.kind in _ABOUT_PRINTED) if printed is not None else (),
    )


def _state(row: Mapping[str, Any], cells: Mapping[str, Cell], results: Results) -> RowState:
    if all(c["pending"] for c in row["cells"].values()):
        return "pending"
    if all(c.state == "value" and not any(n.kind == "state" for n in c.notes) for c in cells.values()):
        return "complete"
    repeats = [r for c in row["cells"].values() if not c["pending"] for r in repeats_of(c)]
    return "partial" if any(results.state(r["run"], r["measure"]) == "done" for r in repeats) else "missing"


def _ranked(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """Best and second best of every column, of ours and of the printed numbers, as the papers mark them."""
    cells = [dict(row.cells) for row in rows]
    for column in columns:
        if column.metric.key.startswith(COST_PREFIX):
            continue  # the papers give costs no direction
        in_column = [of_row[column.key] for of_row in cells]
        mine = _ranks([float(c.shown) if c.shown else None for c in in_column], column.metric.sign)
        # a number that measures something else does not compete
        printed = [
            float(c.printed) if c.printed and all(n.kind != "incomparable" for n in c.printed_notes) else None
            for c in in_column
        ]
        theirs = _ranks(printed, column.metric.sign)
        for of_row, cell, rank, printed_rank in zip(cells, in_column, mine, theirs, strict=True):
            of_row[column.key] = replace(cell, rank=rank, printed_rank=printed_rank)
    return [replace(row, cells=of_row) for row, of_row in zip(rows, cells, strict=True)]


def _ranks(values: Sequence[float | None], sign: int) -> list[int | None]:
    """1 and 2 for the best and the second best distinct value; no ranks without a direction or a competitor."""
    distinct = sorted({v for v in values if v is not None}, key=lambda v: -sign * v)
    if not sign or len(distinct) < 2:
        return [None] * len(values)
    place = {value: at for at, value in enumerate(distinct[:2], start=1)}
    return [None if v is None else place.get(v) for v in values]


def _judged(row: Row, scale: str, tolerances: Tolerances) -> Row:
    cells = {key: replace(c, verdict=cell_verdict(c, scale, tolerances)) for key, c in row.cells.items()}
    return replace(row, cells=cells, verdict=row_verdict(cells.values()))


def _plain(text: str, kind: str = "note") -> tuple[Note, ...]:
    return (Note(kind, text),) if text else ()


def _declared(notes: Iterable[Mapping[str, Any]], column: str | None) -> tuple[Note, ...]:
    """Declared notes on a column, or with None those on the whole row or table."""
    return tuple(Note(n["kind"], n["text"]) for n in notes if (column in n["columns"] if column else not n["columns"]))


def _gain_note(absent: Iterable[Absence]) -> list[Note]:
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
        return []
    title = METRICS["gain"].title
    text = f"{title} is never taken over fewer tasks; it is missing because {'; '.join(reasons)}."
    return [Note("state", text)]


def _plural(why: str) -> str:
    verb, _, rest = why.partition(" ")
    return f"{ {'is': 'are', 'has': 'have'}[verb] } {rest}".strip()


def _seeds(compiled: Mapping[str, Any], results: Results) -> tuple[int, ...]:
    keys = {(r["run"], r["measure"]) for row in compiled["rows"] for c in row["cells"].values() for r in repeats_of(c)}
    return tuple(sorted({results.expected[key].seed for key in keys if key in results.expected}))


def _run(cell: Mapping[str, Any], group: str, results: Results, role: str = "") -> Run:
    run, measure = cell["run"], cell["measure"]
    files = {kind: results.file(run, measure, kind) for kind in (PIXELS, BOUNDARY)}
    files |= {"curve": results.folder / "curves" / f"{run}.csv"}
    files |= {"cost": results.costs.file(cell["cost"]["key"])} if "cost" in cell else {}
    there = {name: p.relative_to(results.folder).as_posix() for name, p in files.items() if p.is_file()}
    expected = results.expected.get((run, measure))
    seed = None if expected is None else expected.seed
    state, imported = results.state(run, measure), results.imported(run, measure)
    return Run(group, run, measure, state, seed, role, there, imported)


def _baselines(compiled: Mapping[str, Any], results: Results) -> tuple[Run, ...]:
    repeats = [r for row in compiled["rows"] for c in row["cells"].values() for r in repeats_of(c)]
    tasks = {run: task for r in repeats for task, run in r["baseline"].items()}
    return tuple(_run({"run": run, "measure": "plain"}, "", results, task) for run, task in tasks.items())
