"""The plan view and the explanation of a run as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def view_text(view: Mapping[str, Any], form: str) -> str:
    """A plan view or an explained run in the form `text` or `json`, without a final newline."""
    if form == "json":
        return json.dumps(view, indent=1, ensure_ascii=False)
    return explain_text(view) if "keys" in view else plan_text(view)


def plan_text(view: Mapping[str, Any]) -> str:
    """Text of a plan view: tables with their rows, then the runs, then totals."""
    return "\n".join(_plan_lines(view))


def explain_text(explained: Mapping[str, Any]) -> str:
    """Text of an explained run: one line per key with its value, who set it, and its source."""
    rows = []
    for key in explained["keys"]:
        source = f"{key['from']}: {key['note']}" if key["from"] else ""
        rows.append((key["key"], json.dumps(key["value"]), key["set_by"], source))
    head = ("key", "value", "set by", "source")
    title = f"{explained['run']} ({explained['title']}, scale {explained['scale']})"
    return "\n".join([title, "", *_columns([head, *rows])])


def changes_text(paths: Sequence[Path], *, written: bool, scale: str) -> str:
    """What `--write` changed, or what `--check` found out of step; without a final newline."""
    if not paths:
        return f"The plan of scale {scale} is in step with params."
    lines = [f"{'written' if path.exists() else 'removed'}: {path}" for path in paths]
    if not written:
        lines = [f"out of step: {path}" for path in paths]
        lines.append(f"Run `python -m stages.plan --scale {scale} --write` and commit what it changes.")
    return "\n".join(lines)


def _plan_lines(view: Mapping[str, Any]) -> Iterator[str]:
    totals = view["totals"]
    yield f"Scale {view['scale']}, protocol of the pixel metrics {view['protocol']['pixel_metrics']}. {view['note']}"
    for name, table in view["tables"].items():
        yield ""
        yield f"{name}  {table['title']}"
        yield from _columns(list(_row_lines(table)), indent=2)
        if baselines := _baselines(table):
            yield "  gain against " + ", ".join(baselines)
    yield ""
    yield f"Runs ({_counts(totals['runs'])})"
    yield from _columns(list(_run_lines(view["runs"])), indent=2)
    pending = dict.fromkeys(run["pending"] for run in view["runs"].values() if run["pending"])
    for reason in pending:
        count = sum(run["pending"] == reason for run in view["runs"].values())
        yield f"  pending: {reason} ({count} run{'s' if count > 1 else ''})"
    yield ""
    yield (f"Tables and figures: {totals['tables']}; rows: {_counts(totals['rows'])}; runs: {_counts(totals['runs'])}.")
    hours = totals["gpu_hours"]
    yield f"GPU-hours of missing runs: {_hours(hours['missing'])}; of pending runs: {_hours(hours['pending'])} more."
    yield f"Assumption: {view['assumption']}"
    for refusal in view["refused"]:
        yield f"refused: {refusal}"


def _row_lines(table: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for row in table["rows"]:
        for group, cell in row["cells"].items():
            label = row["label"] if group == "all" else f"{row['label']} ({group})"
            shared = f"shared with {_short_list(cell['shared_with'])}" if cell["shared_with"] else ""
            yield cell["state"], label, cell["run"], cell["measure"], cell["pending"] or shared


def _baselines(table: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(b for r in table["rows"] for c in r["cells"].values() for b in c["baseline"].values()))


def _run_lines(runs: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, run in runs.items():
        measures = ", ".join(f"{measure} {state}" for measure, state in run["measures"].items())
        hours = f"{_hours(run['gpu_hours'])} h" if run["trained"] else "not trained"
        uses = f"{len(run['uses'])} use{'s' if len(run['uses']) > 1 else ''}"
        yield run["state"], name, hours, measures, uses


def _short_list(names: Sequence[str], limit: int = 2) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return "; ".join(names[:limit]) + more


def _counts(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items())


def _hours(hours: float) -> str:
    return f"{hours:.1f}" if hours >= 0.1 or hours == 0 else "less than 0.1"


def _columns(rows: Sequence[Sequence[str]], indent: int = 0) -> list[str]:
    """Rows as aligned columns, two spaces apart, without trailing spaces."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return [" " * indent + line.rstrip() for line in lines]
