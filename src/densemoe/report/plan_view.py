"""The plan with the state of everything in it, as plain data: what `python -m stages.plan` shows as text or JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from densemoe.params.errors import InputError, allowed
from densemoe.params.estimate import ASSUMED_FLOPS, gpu_hours
from densemoe.params.files import Params
from densemoe.params.plan import Plan
from densemoe.report.results import Results

STATES = ("done", "missing", "pending")


def plan_view(
    params: Params, plan: Plan, results: Results, only_table: str | None = None, flops: float = ASSUMED_FLOPS
) -> dict[str, Any]:
    """Tables -> rows -> runs -> measures with their states, and the GPU-hours of what is still missing.

    Args:
        params: the folder that the plan was compiled from.
        plan: the compiled plan.
        results: metrics files of its scale; done means accepted by it.
        only_table: show this table and its runs alone, e.g. mlore/table02.
        flops: operations per second that a GPU achieves, for the GPU-hours.

    Raises:
        InputError: no such table.
    """
    if only_table is not None and only_table not in plan.tables:
        raise InputError(f"Unknown table '{only_table}'; allowed are {allowed(plan.tables)}.")
    shown = [only_table] if only_table is not None else sorted(plan.tables)
    tables = {name: _table(plan, results, name) for name in shown}
    names = sorted({run for table in tables.values() for run in _runs_of(table)})
    runs = {name: _run(params, plan, results, name, flops) for name in names}
    rows = [row["state"] for table in tables.values() for row in table["rows"]]
    return {
        "scale": plan.scale,
        "note": plan.note,
        "protocol": {"pixel_metrics": plan.protocol},
        "tables": tables,
        "runs": runs,
        "totals": {
            "tables": len(tables),
            "rows": _count(rows),
            "runs": _count(run["state"] for run in runs.values()),
            "gpu_hours": {s: _digits(sum(r["gpu_hours"] for r in runs.values() if r["state"] == s)) for s in STATES},
        },
        "assumption": (
            f"GPU-hours count training alone, from the multiply-adds of each network, at {flops / 1e12:g} "
            "TFLOP/s achieved; evaluation and data loading are not in it."
        ),
        "refused": results.refusals(),
    }


def _table(plan: Plan, results: Results, name: str) -> dict[str, Any]:
    table = plan.tables[name]
    rows = []
    for row in table["rows"]:
        cells = {group: _cell(plan, results, name, row["label"], cell) for group, cell in row["cells"].items()}
        states = {cell["state"] for cell in cells.values()}
        # a row is as far as the cell that is least far
        state = next(s for s in ("missing", "pending", "done") if s in states)
        rows.append({"label": row["label"], "state": state, "cells": cells})
    return {"title": table["title"], "rows": rows}


def _cell(plan: Plan, results: Results, table: str, label: str, cell: dict[str, Any]) -> dict[str, Any]:
    run, measure = cell["run"], cell["measure"]
    uses = plan.runs[run].uses
    return {
        "run": run,
        "measure": measure,
        "state": _state(results, run, measure),
        "pending": cell["pending"],
        "shared_with": [f"{u.table}: {u.label}" for u in uses if (u.table, u.label) != (table, label)],
        "baseline": dict(cell["baseline"]),
    }


def _runs_of(table: dict[str, Any]) -> Iterable[str]:
    for row in table["rows"]:
        for cell in row["cells"].values():
            yield cell["run"]
            yield from cell["baseline"].values()


def _run(params: Params, plan: Plan, results: Results, name: str, flops: float) -> dict[str, Any]:
    planned = plan.runs[name]
    measures = {m: _state(results, run, m) for run, m in sorted(plan.measures) if run == name}
    outputs = params.dataset(planned.variant.dataset).outputs
    return {
        "title": planned.title,
        "state": _run_state(measures),
        "pending": planned.pending or "",
        "trained": planned.trained,
        "measures": measures,
        "gpu_hours": _digits(gpu_hours(planned.variant, outputs, flops)) if planned.trained else 0.0,
        "uses": [{"table": use.table, "row": use.label} for use in planned.uses],
    }


def _run_state(measures: dict[str, str]) -> str:
    """A measure that is not built yet does not hold a run back, unless the run has no other."""
    built = [state for state in measures.values() if state != "pending"]
    if not built:
        return "pending"
    return "done" if all(state == "done" for state in built) else "missing"


def _state(results: Results, run: str, measure: str) -> str:
    state = results.state(run, measure)
    return "missing" if state == "unreadable" else state  # a refused file is to be measured again


def _digits(hours: float) -> float:
    return float(f"{hours:.4g}")


def _count(states: Iterable[str]) -> dict[str, int]:
    found = list(states)
    return {s: found.count(s) for s in STATES}
