"""A row is close to another."""

from __future__ import annotations

from densemoe.params.claims import Close
from densemoe.report.claims.judge import Bench, Check, Outcome, all_of


def close(claim: Close, bench: Bench) -> Outcome:
    """Per column: apart by no more than a fraction of the other row's number."""
    checks = []
    for column in bench.columns(claim.row, claim.columns):
        a, b = bench.number(claim.row, column), bench.number(claim.to, column)
        if a.value is None or b.value is None:
            checks.append(Check(column, f"{a.shown} and {b.shown}", None, "missing"))
            continue
        apart = abs(a.value - b.value)
        share = 100 * apart / abs(b.value) if b.value else float("inf")
        figures = f"{a.shown} and {b.shown}: {share:.2g} % apart, at most {100 * claim.within:g} %"
        margin = claim.within * abs(b.value) - apart
        checks.append(bench.decide(column, figures, margin, bench.noise(a, b), ties=True))
    return all_of(checks)
