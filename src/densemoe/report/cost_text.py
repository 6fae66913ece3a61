"""Costs as text for a terminal: every row of a table with a cost column beside the printed number, then every run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from densemoe.params.counting import COST_PREFIX
from densemoe.report.costs import Costs
from densemoe.report.model import Table, group_and_metric
from densemoe.report.scale import Scale

_COLUMNS = ("table", "row", "column", "printed", "ours", "residual", "counted")
_RUNS = ("run", "parameters (10^6)", "multiply-adds (2^30)", "merged (2^30)", "building kernels (2^30)")


def costs_text(scale: Scale) -> str:
    """Text of all costs of a scale, without a final newline."""
    pairs = zip(scale.compiled, scale.tables, strict=True)
    rows = [line for compiled, table in pairs for line in _rows(compiled, table)]
    costs = scale.results.costs
    runs = [_run(key, costs) for key in sorted(costs.expected)]
    return "\n\n".join([_grid(_COLUMNS, rows, left=3), _grid(_RUNS, runs, left=1)])


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    from tabulate import tabulate

    align = ["left"] * left + ["right"] * (len(headings) - left)
    return tabulate(rows, headings, tablefmt="simple", disable_numparse=True, colalign=align if rows else None)


def _rows(compiled: Mapping[str, Any], table: Table) -> Iterator[list[str]]:
    for of_row, row in zip(compiled["rows"], table.rows, strict=True):
        for column, cell in row.cells.items():
            if not cell.metric.startswith(COST_PREFIX) or cell.state == "pending":
                continue
            counted = of_row["cells"][group_and_metric(column)[0]]["cost"]
            how = counted["params"] if cell.metric == "cost.params_m" else f"{counted['macs']}, {counted['unit']}"
            head = [table.name, row.label, column, cell.printed or ""]
            yield [*head, cell.shown or cell.state, cell.difference or "", how]
            if cell.fitted:
                yield [*head, cell.fitted, cell.fitted_difference or "", "fitted formula"]


def _run(key: str, costs: Costs) -> list[str]:
    document = costs.get(key)
    if document is None:
        return [key, "", "", "", ""]
    macs = document.macs
    counts = (f"{macs[k] / 2**30:.2f}" if k in macs else "" for k in ("plain", "merged", "kernel_mixing"))
    return [key, f"{document.params['used'] / 1e6:.3f}", *counts]
