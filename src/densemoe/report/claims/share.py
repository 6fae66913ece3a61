"""One column as a share of another."""

from __future__ import annotations

from densemoe.params.claims import Share
from densemoe.report.claims.amounts import quotient
from densemoe.report.claims.judge import Bench, Check, Outcome, all_of


def share(claim: Share, bench: Bench) -> Outcome:
    """Every row's column divided by its other column, within the limits."""
    checks = []
    for reference in claim.rows:
        found, noise, figures = quotient(
            bench, bench.number(reference, claim.column), bench.number(reference, claim.over)
        )
        figures = f"{bench.place(reference).label}: {figures}"
        for sign, limit, words in ((+1, claim.at_least, "at least"), (-1, claim.at_most, "at most")):
            if limit is None:
                continue
            text = f"{figures}, {words} {limit:g}"
            if found is None:
                checks.append(Check(claim.column, text, None, "missing"))
            else:
                checks.append(bench.decide(claim.column, text, sign * (found - limit), noise, ties=True))
    return all_of(checks)
