"""The figures of one compiled table: what the paper plots or a chart of the numbers, and the training curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from densemoe.report.figures.of_costs import INCOMPARABLE, cost_panels
from densemoe.report.figures.of_curves import Curves, curve_panels
from densemoe.report.figures.of_routing import routing_panels
from densemoe.report.figures.of_rows import arranged, chart_panels, dots_panel, lines_panel
from densemoe.report.figures.panel import OURS, PRINTED, Figure, Panel, in_rows
from densemoe.report.markdown import GROUPS, source_title
from densemoe.report.model import Table
from densemoe.report.results import Results
from densemoe.report.routing import RoutingResults

OVERVIEW = "cost_and_gain"
COLUMNS = 4
"""Of the overview: two costs, ours and printed."""


def figure_path(name: str) -> PurePosixPath:
    """A figure below the folder of its scale, without ending: mlore/table02 -> figures/mlore/table02."""
    return PurePosixPath("figures") / name


def table_figure(
    table: Table,
    compiled: Mapping[str, Any],
    index: Mapping[str, Any],
    results: Results,
    routing: RoutingResults,
) -> Figure:
    """What the paper plots, or a chart of the table's gain or columns.

    Args:
        table: the table with our numbers.
        compiled: content of params/plan/<scale>/<table>.yaml, for what it plots.
        index: content of params/plan/<scale>.yaml.
        results: metrics of that scale.
        routing: routing statistics of that scale.
    """
    if compiled["routing"]:
        return _routing_figure(table, compiled, index, routing)
    build = {"lines": lines_panel, "dots": dots_panel}
    panels = [build[p["kind"]](p, table.rows) for p in compiled["plot"]] or chart_panels(table)
    return Figure(
        f"{source_title(table.source)}: {table.title}",
        _about(table, index, results),
        arranged(panels, table.scale),
        _notice(table.scale, panels),
        (*_absent(panels), *_notes(table, panels)),
    )


def curves_figure(table: Table, index: Mapping[str, Any], curves: Curves, results: Results) -> Figure:
    """Training curves of every run of a table that is built; of its first seed where it has several."""
    rows = curve_panels(table, index, curves, results)
    notes = [
        "Grey: range over the runs of this table. At the right above a loss: the metric of its task after training."
    ]
    if len(rows) == 1 and rows[0][0] is not None and rows[0][0].empty:
        notes = []
    if pending := [row.label for row in table.rows if all(r.run in index["pending"] for r in row.runs)]:
        notes.append(f"Not built yet: {', '.join(pending)}.")
    return Figure(
        f"Training curves of {source_title(table.source)}: {table.title}",
        _about(table, index, results) + " · losses, unweighted by task",
        rows,
        _notice(table.scale, []),
        tuple(notes),
    )


def overview_figure(tables: Sequence[Table], scale: str) -> Figure:
    """Cost against gain of every table that has both."""
    panels: list[Panel] = []
    notes: list[str] = []
    arrangement: list[tuple[Panel | None, ...]] = []
    for table in sorted(tables, key=lambda t: (t.source["paper"], t.source.get("table", 0))):
        found = cost_panels(table) if "table" in table.source else []
        panels += found
        arrangement += in_rows([p for panel in found for p in arranged([panel], scale)[0]], COLUMNS)
        left_out = dict.fromkeys(p.label for x in found for p in x.of(PRINTED) if p.why == INCOMPARABLE)
        if left_out:
            notes.append(f"{source_title(table.source)}: not drawn, since {INCOMPARABLE}: {', '.join(left_out)}.")
    ours = any(p.y is not None for x in panels for p in x.of(OURS))
    return Figure(
        "Cost against gain of every method",
        f"Scale {scale} · gain over single-task models, or mean relative difference from MLoRE's own row",
        tuple(arrangement) or ((Panel("scatter", "", "", "", empty="no table has both a cost and a gain"),),),
        _notice(scale, panels),
        (*(() if ours else _absent(panels)[:1]), *notes),
    )


def _routing_figure(
    table: Table, compiled: Mapping[str, Any], index: Mapping[str, Any], routing: RoutingResults
) -> Figure:
    runs = compiled["routing"]
    run_of = {row["label"]: row["cells"]["all"]["run"] for row in compiled["rows"]}
    groups = [(p, routing_panels(p, run_of[p["row"]], routing)) for p in compiled["plot"]]
    panels = [panel for _, found in groups for panel in found]
    notes = [f"{p['title']}: row '{p['row']}'." for p in compiled["plot"]]
    if any(p.kind == "heat_map" for p in panels):
        notes.append("Numbers in the cells are percent.")
    if any(p.kind == "gates" for p in panels):
        notes.append("A cross: no image in which all tasks activate the expert.")
    several = max(len(found) for _, found in groups)
    if several > 1:  # modules of a scale side by side, kinds below each other
        columns = _modules_per_scale(groups[0][1])
        parts = [in_rows(found, columns if len(found) > 1 else 1) for _, found in groups]
        width = max(len(row) for part in parts for row in part)
        mixed = [row + (None,) * (width - len(row)) for of_scale in _interleaved(parts) for row in of_scale]
        arrangement = tuple(mixed)
    else:
        arrangement = (tuple(panels),)
    return Figure(
        f"{source_title(table.source)}: {table.title}",
        _line(table, index, runs, {routing.images[run] for run in runs if run in routing.images}),
        arrangement,
        _notice(table.scale, panels),
        (*notes, *(note.text for note in table.notes)),
    )


def _modules_per_scale(panels: Sequence[Panel]) -> int:
    scales = {p.title.partition(",")[0] for p in panels}
    return len(panels) // len(scales)


def _interleaved(parts: Sequence[Sequence[tuple[Panel | None, ...]]]) -> list[list[tuple[Panel | None, ...]]]:
    longest = max(len(part) for part in parts)
    return [[part[i] for part in parts if i < len(part)] for i in range(longest)]


def _about(table: Table, index: Mapping[str, Any], results: Results) -> str:
    runs = [r for row in table.rows for r in row.runs]
    found = [results.get(r.run, r.measure) for r in runs]
    return _line(table, index, [r.run for r in runs], {f.images for f in found if f is not None})


def _line(table: Table, index: Mapping[str, Any], runs: Sequence[str], images: set[int]) -> str:
    """Scale, data sets and seeds of the runs that are built, and how many images were measured."""
    variants = [index["runs"][run]["variant"] for run in runs if run in index["runs"]]
    sets = sorted({v["dataset"] for v in variants}, reverse=True)
    seeds = sorted({v["seed"] for v in variants})
    parts = [f"Scale {table.scale}", *(GROUPS.get(s, s) for s in sets)]
    plural = "s" if len(seeds) > 1 else ""
    parts.append(f"seed{plural} {', '.join(map(str, seeds))}" if seeds else "no run is built yet")
    parts.append(f"{', '.join(map(str, sorted(images)))} validation images" if images else "nothing measured yet")
    return " · ".join(parts)


def _notice(scale: str, panels: Sequence[Panel]) -> str:
    if scale == "paper":
        return ""
    versus = "the printed ones" if any(PRINTED in p.series for p in panels) else "the papers'"
    return f"Ours come from embedded synthetic scenes at the {scale} scale and are not comparable with {versus}."


def _absent(panels: Sequence[Panel]) -> list[str]:
    """Sentences on our missing numbers: what all panels lack is said once."""
    ours = [p for panel in panels for p in panel.of(OURS)]
    if ours and all(p.y is None for p in ours):
        return [f"All of ours are missing: {'; '.join(dict.fromkeys(p.why for p in ours))}."]
    titles: dict[tuple[str, str], list[str]] = {}
    for panel in panels:
        points = panel.of(OURS)
        for why in dict.fromkeys(p.why for p in points if p.y is None):
            labels = [p.label for p in points if p.y is None and p.why == why]
            titles.setdefault((why, "all" if len(labels) == len(points) else ", ".join(labels)), []).append(panel.title)
    return [
        f"Ours missing, {why}: {labels}" + (f" ({'; '.join(names)})." if len(names) < len(panels) else ".")
        for (why, labels), names in titles.items()
    ]


def _notes(table: Table, panels: Sequence[Panel]) -> list[str]:
    """Notes on the table, on rows, and on printed numbers that are drawn."""
    drawn = {p.label for panel in panels for p in panel.of(PRINTED) if p.y is not None}
    texts = [note.text for note in table.notes]
    for row in table.rows:
        texts += [f"{row.label}: {note.text}" for note in row.notes if note.kind not in ("state", "origin")]
        if row.label in drawn:
            of_cells = dict.fromkeys(note.text for cell in row.cells.values() for note in cell.printed_notes)
            texts += [f"{row.label}, printed: {text}" for text in of_cells]
    return texts
