"""A column changes steadily over rows."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from densemoe.params.claims import Trend
from densemoe.report.claims.judge import Bench, Check, Outcome, all_of
from densemoe.report.claims.numbers import Number, sign_of


def trend(claim: Trend, bench: Bench) -> Outcome:
    """Every step from one row to the next goes the same way."""
    series = [_number(claim, bench, reference) for reference in claim.rows]
    labels = [bench.place(reference).label for reference in claim.rows]
    up = {"up": 1, "down": -1, "better": sign_of(claim.column), "worse": -sign_of(claim.column)}[claim.goes]
    checks = []
    for (label, a), (after, b) in pairwise(zip(labels, series, strict=True)):
        figures = f"{label} to {after}: {a.shown} to {b.shown}"
        if a.value is None or b.value is None:
            checks.append(Check(claim.column, figures, None, "missing"))
        else:
            margin = up * (b.value - a.value)
            checks.append(bench.decide(claim.column, figures, margin, bench.noise(a, b), ties=False))
    return all_of(checks)


def _number(claim: Trend, bench: Bench, reference: str) -> Number:
    own = bench.number(reference, claim.column)
    if claim.minus is None:
        return own
    less = bench.number(reference, claim.minus)
    if own.value is None or less.value is None:
        return replace(own, value=None)
    return replace(own, value=own.value - less.value, shown=f"{own.value - less.value:.4g}")
