"""The index page of a scale: every declared table with a link and counts, then the state of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densemoe.report.cells import ROW_STATES, RowCells, fill
from densemoe.report.markdown import counts, escape, grid, page, scale_notice, source_title
from densemoe.report.results import Results
from densemoe.report.tables import table_path

RUN_STATES = {
    "done": "every planned measure has an accepted metrics file",
    "missing": "not measured yet, or a metrics file is refused",
    "pending": "the model is not built yet",
}


def render_index(index: Mapping[str, Any], tables: Sequence[Mapping[str, Any]], results: Results) -> str:
    """Markdown of `reports/<scale>/README.md`.

    Args:
        index: content of params/plan/<scale>.yaml.
        tables: compiled tables of that plan, in any order.
        results: metrics of that scale.
    """
    filled = [(table, fill(table, results)) for table in sorted(tables, key=_place)]
    rows = [r.state for _, of_table in filled for r in of_table]
    runs = run_states(index, results)
    refusals = results.refusals()
    return page(
        f"# Results at the {index['scale']} scale",
        "Every table of the papers that is declared in `params/tables`, with our numbers beside the printed ones. "
        "Generated from the metrics files and the compiled plan; nobody types a number.",
        scale_notice(index["scale"]),
        f"- {len(filled)} tables and figures with {len(rows)} rows: {counts(rows, list(ROW_STATES))}\n"
        f"- {len(runs)} distinct runs: {counts(list(runs.values()), list(RUN_STATES))}",
        _meaning("A row is", ROW_STATES),
        _meaning("A run is", RUN_STATES),
        "## Tables",
        _tables(filled),
        "## Refused metrics files\n\n" + "\n".join(f"- {escape(r)}" for r in refusals) if refusals else "",
        "## Rows",
        _rows(filled),
    )


def _place(table: Mapping[str, Any]) -> tuple[str, bool, int]:
    """As in the papers: tables by number, then figures."""
    source = table["source"]
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


def _tables(filled: Sequence[tuple[Mapping[str, Any], Sequence[RowCells]]]) -> str:
    lines = []
    for table, rows in filled:
        states = [r.state for r in rows]
        link = f"[{source_title(table['source'])}]({table_path(table['name'])})"
        lines.append([link, escape(table["title"]), str(len(rows)), *(str(states.count(n)) for n in ROW_STATES)])
    return grid(["Table", "Title", "Rows", *(n.capitalize() for n in ROW_STATES)], lines, left=2)


def _rows(filled: Sequence[tuple[Mapping[str, Any], Sequence[RowCells]]]) -> str:
    lines = []
    for table, rows in filled:
        for row in rows:
            runs = dict.fromkeys(f"`{cell['run']}`" for cell in row.row["cells"].values())
            lines.append([f"`{table['name']}`", escape(row.row["label"]), row.state, ", ".join(runs)])
    return grid(["Table", "Row", "State", "Run"], lines, left=4)
