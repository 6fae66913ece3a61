"""The index page of a scale: every declared table with a link and counts, then the state of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densemoe.params.tolerances import Tolerances
from densemoe.report.build import build_table
from densemoe.report.markdown import CURVES, counts, details, escape, grid, page, scale_notice, source_title
from densemoe.report.model import ROW_STATES, VERDICTS, Row, Table
from densemoe.report.results import Results
from densemoe.report.tables import table_path

RUN_STATES = {
    "done": "every planned measure has an accepted metrics file",
    "missing": "not measured yet, or a metrics file is refused",
    "pending": "the model is not built yet",
}


def render_index(
    index: Mapping[str, Any],
    compiled: Sequence[Mapping[str, Any]],
    results: Results,
    tolerances: Tolerances,
    failed: Mapping[str, str] | None = None,
) -> str:
    """Markdown of `reports/<scale>/README.md`.

    Args:
        index: content of params/plan/<scale>.yaml.
        compiled: compiled tables of that plan, in any order.
        results: metrics of that scale.
        tolerances: how close is reproduced.
        failed: run -> why its last attempt failed, for a reproduction that did not come to its end.
    """
    return index_page(index, [build_table(t, results, tolerances) for t in compiled], results, failed or {})


def index_page(index: Mapping[str, Any], tables: Sequence[Table], results: Results, failed: Mapping[str, str]) -> str:
    """Markdown of the index, from tables that are built already."""
    listed = ordered(tables)
    rows = [row for table in listed for row in table.rows]
    runs = run_states(index, results)
    refusals = results.refusals()
    states = counts([row.state for row in rows], list(ROW_STATES))
    return page(
        f"# Results at the {index['scale']} scale",
        "Every table of the papers that is declared in `params/tables`, with our numbers beside the printed ones. "
        "Generated from the metrics files and the compiled plan; nobody types a number.",
        scale_notice(index["scale"]),
        f"- {len(listed)} tables and figures with {len(rows)} rows: {states}\n"
        f"- {len(runs)} distinct runs: {counts(list(runs.values()), list(RUN_STATES))}\n"
        f"- {_verdicts(index['scale'], rows)}\n"
        "- [Claims of the papers](claims.md) on these numbers; [audit of the printed numbers](../audit.md)",
        _meaning("A row is", ROW_STATES),
        _meaning("A run is", RUN_STATES),
        _failures(listed, failed),
        "## Refused metrics files\n\n" + "\n".join(f"- {escape(r)}" for r in refusals) if refusals else "",
        "## Tables",
        _tables(listed),
        "Across tables: [cost against gain](figures/cost_and_gain.png).",
        "## Rows",
        details(f"{len(rows)} rows with their states and runs", _rows(listed, failed)),
    )


def _verdicts(scale: str, rows: Sequence[Row]) -> str:
    if scale != "paper":
        return f"no verdict on the printed numbers: not comparable at the {scale} scale"
    printed = [row.verdict.kind for row in rows if row.printed]
    return f"{len(printed)} rows with printed numbers: {counts(printed, list(VERDICTS))}"


def _failures(tables: Sequence[Table], failed: Mapping[str, str]) -> str:
    """Runs that failed in the last attempt, with the rows that wait for them."""
    lines = []
    for run, why in sorted(failed.items()):
        rows = [f"`{t.name}` {escape(r.label)}" for t in tables for r in t.rows if run in {x.run for x in r.runs}]
        rows += [f"`{t.name}` (baseline of the gain)" for t in tables if run in {x.run for x in t.baselines}]
        lines.append(f"- `{run}`: {escape(why)}" + (f"\n  Rows: {', '.join(rows)}." if rows else ""))
    return "## Failed in the last attempt\n\n" + "\n".join(lines) if lines else ""


def ordered(tables: Sequence[Table]) -> list[Table]:
    """In the order of the papers."""
    return sorted(tables, key=lambda t: _place(t.source))


def _place(source: Mapping[str, Any]) -> tuple[str, bool, int]:
    """As in the papers: tables by number, then figures."""
    return source["paper"], "figure" in source, source.get("table", source.get("figure"))


def run_states(index: Mapping[str, Any], results: Results) -> dict[str, str]:
    """Run -> a key of RUN_STATES, for every run of the plan that is to be trained."""
    measures: dict[str, list[str]] = {run: [] for run in index["runs"]}
    for entry in index["measures"].values():
        measures[entry["run"]].append(results.state(entry["run"], entry["measure"]))
    states = {
        run: "done" if of_run and all(s == "done" for s in of_run) else "missing" for run, of_run in measures.items()
    }
    return states | dict.fromkeys(index["pending"], "pending")


def _meaning(subject: str, states: Mapping[str, str]) -> str:
    return f"{subject} " + "; ".join(f"`{name}`: {text}" for name, text in states.items()) + "."


def _tables(tables: Sequence[Table]) -> str:
    lines = []
    for table in tables:
        link = f"[{source_title(table.source)}]({table_path(table.name)})"
        figures = f"[figure](figures/{table.name}.png), [curves](figures/{table.name}{CURVES}.png)"
        judged = [table.verdict.kind if any(r.printed for r in table.rows) else ""] if table.scale == "paper" else []
        states = map(str, table.states().values())
        lines.append([link, escape(table.title), figures, *judged, str(len(table.rows)), *states])
    verdict = ["Verdict"] if any(t.scale == "paper" for t in tables) else []
    headings = ["Table", "Title", "Figures", *verdict, "Rows", *(n.capitalize() for n in ROW_STATES)]
    return grid(headings, lines, left=3 + len(verdict))


def _rows(tables: Sequence[Table], failed: Mapping[str, str]) -> str:
    lines = []
    for table in tables:
        for row in table.rows:
            runs = dict.fromkeys(run.run for run in row.runs)
            state = "failed" if any(run in failed for run in runs) else row.state
            lines.append([f"`{table.name}`", escape(row.label), state, ", ".join(f"`{run}`" for run in runs)])
    return grid(["Table", "Row", "State", "Run"], lines, left=4)
