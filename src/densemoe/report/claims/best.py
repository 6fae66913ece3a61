"""A row is the best of several."""

from __future__ import annotations

from densemoe.params.claims import Best
from densemoe.report.claims.judge import Bench, Check, Outcome, all_of, count
from densemoe.report.claims.numbers import sign_of


def best(claim: Best, bench: Bench) -> Outcome:
    """Per column: no other row is better."""
    checks = [_column(claim, bench, column) for column in bench.columns(claim.row, claim.columns)]
    return all_of(checks) if claim.at_least is None else count(checks, claim.at_least)


def _column(claim: Best, bench: Bench, column: str) -> Check:
    own = bench.number(claim.row, column)
    found = {place.label: bench.number(place, column) for place in bench.rivals(claim.row, claim.among)}
    rivals = {label: number for label, number in found.items() if number.competes}
    outcome = all_of(bench.better(own, rival, column, ties=True) for rival in rivals.values())
    known = {label: n for label, n in rivals.items() if n.value is not None}
    figures = f"{own.shown}"
    if known:
        label = max(known, key=lambda name: sign_of(column) * (known[name].value or 0.0))
        figures += f" against {known[label].shown} of {label}, the best of {len(rivals)} others"
    holds = {"supported": True, "contradicted": False, "undecided": None}[outcome.standing]
    return Check(column, figures, holds, outcome.reason if holds is None else "")
