"""All claims, evaluated on the printed numbers and on ours: as plain data and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densemoe.params.claims import ClaimsFile
from densemoe.params.errors import InputError
from densemoe.params.metrics import METRICS
from densemoe.params.tolerances import Tolerances
from densemoe.report.claims import KINDS
from densemoe.report.claims.judge import Bench, Outcome
from densemoe.report.claims.numbers import Ours, Printed
from densemoe.report.markdown import GROUPS, PAPERS, details, escape, grid, page, scale_notice
from densemoe.report.model import Table, group_and_metric

STANDINGS = {
    "supported": "the numbers bear it out",
    "contradicted": "they do not",
    "undecided": "a number is missing, or seeds alone explain the difference",
}


def evaluate_claims(
    files: Sequence[ClaimsFile], compiled: Sequence[Mapping[str, Any]], tables: Sequence[Table], tolerances: Tolerances
) -> list[dict[str, Any]]:
    """Every claim with its standing on the printed numbers and on ours.

    Args:
        files: the claims.
        compiled: compiled tables of one scale, for what the papers print.
        tables: the same tables with our numbers.
        tolerances: noise of seeds, and how close a number that a sentence names has to be met by ours.

    Raises:
        InputError: a claim names a row or column that does not exist.
    """
    printed, ours = Printed(compiled), Ours(tables, tolerances)
    scale = tables[0].scale if tables else "paper"
    found = []
    for file in files:
        for claim in file.claims:
            head = {k: getattr(claim, k) for k in ("id", "section", "says", "reading", "kind")}
            try:
                outcomes = [KINDS[claim.kind](claim, Bench(numbers, file.paper)) for numbers in (printed, ours)]
            except InputError as error:
                raise InputError(f"params/claims/{file.paper}.yaml: claim '{claim.id}': {error}") from None
            on_printed, on_ours = map(_as_data, outcomes)
            if scale != "paper":
                # the figures may be looked at, but they say nothing about the methods
                on_ours |= {"standing": "undecided", "reason": f"{scale} scale"}
            found.append({"paper": file.paper, **head, "printed": on_printed, "ours": on_ours})
    return found


def _as_data(outcome: Outcome) -> dict[str, Any]:
    figures = [{"column": c.column, "figures": c.figures, "holds": c.holds} for c in outcome.checks]
    return {"standing": outcome.standing, "reason": outcome.reason, "figures": figures}


def claims_page(found: Sequence[Mapping[str, Any]], scale: str) -> str:
    """Markdown of `reports/<scale>/claims.md`."""
    meaning = "; ".join(f"*{name}*: {text}" for name, text in STANDINGS.items())
    parts = [
        f"# Claims of the papers, at the {scale} scale",
        scale_notice(scale),
        "Sentences of both papers that numbers decide, as expressions over rows (`params/claims`), evaluated on the "
        "printed numbers, which is the paper against itself, and on ours. "
        f"{meaning[0].upper()}{meaning[1:]}. On ours a number that a sentence names is met within the tolerance of its "
        "metric (`params/tolerances.yaml`).",
        _counts(found),
    ]
    for paper in dict.fromkeys(claim["paper"] for claim in found):
        claims = [claim for claim in found if claim["paper"] == paper]
        parts += [f"## {PAPERS[paper]}", _overview(claims)]
        parts.append(details("The figures that decide", "\n\n".join(_figures(c, scale) for c in claims)))
    return page(*parts)


def _counts(found: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{len(found)} claims:"]
    for side, words in (("printed", "on the printed numbers"), ("ours", "on ours")):
        standings = [claim[side]["standing"] for claim in found]
        lines.append(f"- {words}: " + ", ".join(f"{standings.count(name)} {name}" for name in STANDINGS))
    return "\n".join([lines[0], "", *lines[1:]])


def _overview(claims: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for claim in claims:
        says = escape(claim["says"]) + (f" (read: {escape(claim['reading'])})" if claim["reading"] else "")
        rows.append([claim["section"], says, *(_standing(claim[side]) for side in ("printed", "ours"))])
    return grid(["Section", "Claim", "Printed", "Ours"], rows, left=4)


def _standing(of: Mapping[str, Any]) -> str:
    reason = f" ({escape(of['reason'])})" if of["reason"] else ""
    name = f"**{of['standing']}**" if of["standing"] == "contradicted" else of["standing"]
    return name + reason


def _figures(claim: Mapping[str, Any], scale: str) -> str:
    lines = [f"`{claim['id']}`: {escape(claim['says'])}"]
    for side, words in (("printed", "printed"), ("ours", f"ours ({scale})")):
        told = "; ".join(_figure(f) for f in claim[side]["figures"])
        lines.append(f"- {words}, {claim[side]['standing']}: {told}")
    return "\n".join([lines[0], "", *lines[1:]])


def _figure(figure: Mapping[str, Any]) -> str:
    holds = {True: "yes", False: "no", None: "open"}[figure["holds"]]
    return f"{column_title(figure['column'])} {escape(figure['figures'])} ({holds})"


def column_title(column: str) -> str:
    """E.g. `NYUD-v2 Depth RMSE`."""
    group, metric = group_and_metric(column)
    if metric not in METRICS:
        return "MTL Δm from the printed metrics"
    return (f"{GROUPS.get(group, group)} " if group != "all" else "") + METRICS[metric].title
