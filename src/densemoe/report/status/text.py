"""The state of a scale's runs as a table for a terminal, or as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from densemoe.report.status.status import RunStatus, Status

QUIET = ("queued", "done")
"""States that are only counted unless all runs are asked for."""
_HEADINGS = ("run", "state", "step", "left", "loss", "where", "")
_WIDTH = 100


def status_text(status: Status, *, every_run: bool = False) -> str:
    """Counts, then a line per run that is under way or needs somebody, those that failed first."""
    counts = ", ".join(f"{n} {state}" for state, n in status.counts().items() if n) or "no runs"
    head = f"{status.scale} scale: {counts}"
    if status.pending:
        head += f"; {len(status.pending)} not built yet"
    order = list(status.counts())
    shown = [r for r in status.runs if every_run or r.state not in QUIET or r.detail]
    rows = [_row(run) for run in sorted(shown, key=lambda run: (order.index(run.state), run.run))]
    if not rows:
        return head
    aligned = ("left", "left", "right", "right", "left", "left", "left")
    return f"{head}\n\n{tabulate(rows, _HEADINGS, 'plain', disable_numparse=True, colalign=aligned)}"


def status_data(status: Status) -> dict[str, Any]:
    """The same with everything, for JSON."""
    return {**asdict(status), "counts": status.counts()}


def _row(run: RunStatus) -> list[str]:
    step = f"{run.step}/{run.iterations}" if run.state != "done" else ""
    left = "" if run.seconds_left is None else duration(run.seconds_left)
    return [run.run, run.state, step, left, _losses(run), run.where, _remark(run)]


def _losses(run: RunStatus) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in run.losses.items())


def _remark(run: RunStatus) -> str:
    detail = run.detail if len(run.detail) <= _WIDTH else f"{run.detail[: _WIDTH - 3]}..."
    if run.state != "stopped" or run.silent is None:
        return detail
    return "; ".join(filter(None, [f"no sign for {duration(run.silent)}", detail]))


def duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2 h 05 min`, `3 d 04 h`: rounded to the smaller unit that is told."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24:02d} h"
