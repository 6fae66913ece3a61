"""The audit as Markdown, and in three lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densemoe.params.metrics import GAIN_METRIC, METRICS
from densemoe.report.markdown import PAPERS, escape, grid, page

_INTRODUCTION = (
    "The papers' printed numbers against each other. Nothing here was measured or typed: everything follows from the "
    "numbers declared in `params/tables`. Written by `python -m stages.audit`."
)
_METHOD = (
    "A printed multi-task gain and the metrics beside it bound the single-task baselines, which neither paper prints: "
    "the gain is linear in their reciprocals, so that smallest and largest value of each are a linear programme. "
    "*Exact*: the gain was computed from the printed metrics. *Rounded*: it was computed before they were rounded. "
    "Percentages are taken to lie in 1 to 100, nothing else is assumed. The five are bound together: within the "
    "intervals not every combination fits."
)


def audit_page(found: Mapping[str, Any]) -> str:
    """Markdown of `reports/audit.md`."""
    parts = ["# Audit of the papers' numbers", _INTRODUCTION, summary(found), "## What the gains imply", _METHOD]
    for group in found["groups"]:
        parts += _group(group)
    parts += ["## Same model, different numbers", _disagreements(found["disagreements"])]
    return page(*parts)


def summary(found: Mapping[str, Any]) -> str:
    """The findings as a list, one line each."""
    lines = []
    for group in found["groups"]:
        lines.append(f"- {PAPERS[group['paper']]}, {group['title']}: {_consistency(group)}")
        for other in group["other_papers"]:
            offsets = [row["offset"] for row in other["rows"]]
            low, high = min(offsets, key=abs), max(offsets, key=abs)
            count = len(offsets)
            lines.append(
                f"- {PAPERS[other['paper']]}: {count} row{'s' if count > 1 else ''} against the same single-task "
                f"models, off by {low:+.3f} to {high:+.3f}: other baselines."
            )
        for order in group["orders"]:
            lines.append(f"- {order['table']}: the metrics give another order of the rows than the printed gains.")
    models = {d["run"] + str(sorted(d["printed"].values())) for d in found["disagreements"]}
    columns = len(found["disagreements"])
    lines.append(f"- {columns} numbers of the same model differ between tables ({len(models)} pairs of places).")
    return "\n".join(lines)


def _consistency(group: Mapping[str, Any]) -> str:
    rows, exact, rounded = group["rows"], group["consistent"]["exact"], group["consistent"]["rounded"]
    text = f"{exact} of {rows} rows are consistent with one set of single-task baselines"
    if group["inconsistent"]["exact"]:
        only = " (the only smallest choice)" if group["only_choice"]["exact"] else " (one of several smallest choices)"
        text += f"; not {_names(group['inconsistent']['exact'])}{only}"
    text += "."
    if rounded != exact:
        outside = group["inconsistent"]["rounded"]
        text += f" With unrounded metrics {rounded} of {rows}" + (f"; not {_names(outside)}." if outside else ".")
    return text


def _names(rows: Sequence[str]) -> str:
    return " and ".join(f"`{r}`" for r in rows)


def _group(group: Mapping[str, Any]) -> list[str]:
    lines = []
    for task, of_task in group["baselines"].items():
        metric = METRICS[GAIN_METRIC[task]]
        lines.append([metric.title, metric.unit, *(_ends(of_task[r], 2) for r in ("exact", "rounded"))])
    parts = [
        f"### {PAPERS[group['paper']]}: {group['title']}",
        _consistency(group),
        grid(["Single-task baseline", "Unit", "Exact", "Rounded"], lines, left=2),
    ]
    if group["rows"] <= len(group["baselines"]):
        parts.append("Fewer equations than unknowns: the baselines are hardly determined.")
    verdicts = {(True, True): "fits", (False, True): "fits only before rounding", (False, False): "does not fit"}
    rows = [
        [
            f"`{p['row']}`",
            f"{p['printed']:.2f}",
            _ends(p["exact"], 3),
            _ends(p["rounded"], 3),
            verdicts.get((p["fits_exact"], p["fits_rounded"]), "does not fit"),
        ]
        for p in group["predictions"]
    ]
    parts += [
        "Each row's gain as the other rows predict it; reprints of the same model do not vote:",
        grid(["Row", "Printed", "Exact", "Rounded", "Verdict"], rows, left=1),
    ]
    for order in group["orders"]:
        parts.append(
            f"`{order['table']}` by printed gain: {_order(order['printed'])}; by the gain that the printed metrics "
            f"give: {_order(order['implied'])}."
        )
    for other in group["other_papers"]:
        rows = [
            [f"`{r['row']}`", f"{r['printed']:.2f}", _ends(r["predicted"], 3), f"{r['offset']:+.3f}"]
            for r in other["rows"]
        ]
        parts += [
            f"Rows of {PAPERS[other['paper']]} under these baselines:",
            grid(["Row", "Printed", "Predicted", "Printed - predicted"], rows, left=1),
        ]
    return parts


def _order(rows: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{escape(r['row'])} {r['gain']:.2f}" for r in rows)


def _ends(interval: Mapping[str, float] | None, digits: int) -> str:
    if interval is None:
        return "nothing fits"
    return f"{interval['low']:.{digits}f} to {interval['high']:.{digits}f}"


def _disagreements(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "None."
    lines = []
    for d in found:
        places = "; ".join(f"{text} in {', '.join(f'`{r}`' for r in rows)}" for text, rows in d["printed"].items())
        lines.append([d["run"], METRICS[d["column"]].title, f"{d['spread']:g}", places])
    return grid(["Model", "Metric", "Spread", "Printed"], lines, left=2)
