"""A row is better than others."""

from __future__ import annotations

from densemoe.params.claims import Better
from densemoe.report.claims.judge import Bench, Check, Outcome, all_of, count


def better(claim: Better, bench: Bench) -> Outcome:
    """Per column: better than every other row named."""
    checks = [_column(claim, bench, column) for column in bench.columns(claim.row, claim.columns)]
    if claim.at_least is None and claim.at_most is None:
        return all_of(checks)
    return count(checks, claim.at_least, claim.at_most)


def _column(claim: Better, bench: Bench, column: str) -> Check:
    own = bench.number(claim.row, column)
    against = [bench.better(own, bench.number(other, column), column, claim.by) for other in claim.than]
    outcome = all_of(against)
    others = ", ".join(bench.number(other, column).shown for other in claim.than)
    holds = {"supported": True, "contradicted": False, "undecided": None}[outcome.standing]
    return Check(column, f"{own.shown} against {others}", holds, outcome.reason if holds is None else "")
