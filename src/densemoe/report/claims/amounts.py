"""Numbers that a sentence names: a difference, a lead over the best of others, a ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator

from densemoe.params.claims import Difference, Lead, Ratio
from densemoe.report.claims.judge import Bench, Check, Outcome, all_of
from densemoe.report.claims.numbers import Number, sign_of


def difference(claim: Difference, bench: Bench) -> Outcome:
    """A row's number minus another row's."""

    def amount(column: str) -> tuple[float | None, float, str]:
        a, b = bench.number(claim.row, column), bench.number(claim.minus, column)
        if a.value is None or b.value is None:
            return None, 0.0, f"{a.shown} and {b.shown}"
        apart = a.value - b.value
        return apart, bench.noise(a, b), f"{a.shown} - {b.shown} = {apart:+.4g}"

    return all_of(_checks(claim, bench, amount))


def lead(claim: Lead, bench: Bench) -> Outcome:
    """How much a row is better than the best of the others."""

    def amount(column: str) -> tuple[float | None, float, str]:
        own = bench.number(claim.row, column)
        found = [bench.number(place, column) for place in bench.rivals(claim.row, claim.over)]
        others = [number for number in found if number.competes]
        if own.value is None or any(n.value is None for n in others) or not others:
            return None, 0.0, own.shown
        first = max(others, key=lambda n: sign_of(column) * (n.value or 0.0))
        ahead = sign_of(column) * (own.value - (first.value or 0.0))
        return ahead, bench.noise(own, first), f"{own.shown} against {first.shown}: {ahead:+.4g} better"

    return all_of(_checks(claim, bench, amount))


def ratio(claim: Ratio, bench: Bench) -> Outcome:
    """A row's number divided by another row's."""

    def amount(column: str) -> tuple[float | None, float, str]:
        a, b = bench.number(claim.row, column), bench.number(claim.over, column)
        return quotient(bench, a, b)

    return all_of(_checks(claim, bench, amount, relative=True))


def quotient(bench: Bench, a: Number, b: Number) -> tuple[float | None, float, str]:
    """a / b with its noise and how it reads; None where one is missing or b is 0."""
    if a.value is None or b.value is None or b.value == 0:
        return None, 0.0, f"{a.shown} and {b.shown}"
    found = a.value / b.value
    spread = math.hypot(a.spread / b.value, found * b.spread / b.value)
    return found, bench.numbers.noise_factor * spread, f"{a.shown} / {b.shown} = {found:.3g}"


def _checks(claim: Difference | Lead | Ratio, bench: Bench, amount, *, relative: bool = False) -> Iterator[Check]:
    for column, named in claim.about.items():
        value, noise, figures = amount(column)
        allowed = (claim.within * abs(named) if relative else claim.within) + bench.numbers.slack(column, named)
        margin = None if value is None else allowed - abs(value - named)
        yield _check(bench, column, f"{figures}, said {named:g}", margin, noise)
    for sign, limits, words in ((+1, claim.at_least, "at least"), (-1, claim.at_most, "at most")):
        for column, limit in limits.items():
            value, noise, figures = amount(column)
            margin = None if value is None else sign * (value - limit)
            yield _check(bench, column, f"{figures}, {words} {limit:g}", margin, noise)


def _check(bench: Bench, column: str, figures: str, margin: float | None, noise: float) -> Check:
    if margin is None:
        return Check(column, figures, None, "missing")
    return bench.decide(column, figures, margin, noise, ties=True)
