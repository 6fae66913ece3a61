"""From comparisons of numbers to `supported`, `contradicted` or `undecided`, with the figures that decide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from densemoe.report.claims.numbers import Number, Numbers, sign_of

Standing = Literal["supported", "contradicted", "undecided"]

_EXACT = 1e-6
"""Decimal numbers are not exact in binary: -0.58 + 0.75 is 0.17 here."""


@dataclass(frozen=True)
class Check:
    """One comparison; `holds` is None where a number is missing or noise decides."""

    column: str
    figures: str
    holds: bool | None
    why_open: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the checks of a claim come to."""

    standing: Standing
    checks: tuple[Check, ...]
    reason: str = ""


@dataclass(frozen=True)
class Place:
    """A row by table and label."""

    table: str
    label: str

    @classmethod
    def of(cls, reference: str, paper: str) -> Place:
        """`table02: + GC` in a file of mlore -> mlore/table02 and `+ GC`."""
        table, _, label = reference.partition(": ")
        return cls(table if "/" in table else f"{paper}/{table}", label)


class Bench:
    """What a kind of claim works with: the numbers, and the paper that its rows belong to."""

    def __init__(self, numbers: Numbers, paper: str):
        self.numbers, self.paper = numbers, paper

    def place(self, reference: str) -> Place:
        """A row."""
        return Place.of(reference, self.paper)

    def number(self, reference: str | Place, column: str) -> Number:
        """One number of a row."""
        place = self.place(reference) if isinstance(reference, str) else reference
        return self.numbers.number(place.table, place.label, column)

    def columns(self, reference: str, columns: Sequence[str] | Literal["tasks"]) -> list[str]:
        """The columns of a claim; `tasks` are those of the row's table that are neither gain nor cost."""
        if columns != "tasks":
            return list(columns)
        listed = self.numbers.columns(self.place(reference).table)
        return [c for c in listed if not c.rpartition("/")[2].startswith(("gain", "cost."))]

    def rivals(self, row: str, among: Sequence[str] | Literal["table"]) -> list[Place]:
        """The other rows that a row is compared with."""
        own = self.place(row)
        if among == "table":
            return [Place(own.table, label) for label in self.numbers.labels(own.table) if label != own.label]
        return [place for reference in among if (place := self.place(reference)) != own]

    def better(self, a: Number, b: Number, column: str, by: float = 0.0, *, ties: bool = False) -> Check:
        """Whether a is better than b by more than `by` (at least, where ties count)."""
        figures = f"{a.shown} against {b.shown}"
        if a.value is None or b.value is None:
            return Check(column, figures, None, "missing")
        margin = sign_of(column) * (a.value - b.value) - by
        return self.decide(column, figures, margin, self.noise(a, b), ties=ties or by > 0)

    def noise(self, a: Number, b: Number) -> float:
        """Of a difference; none between numbers of the same run."""
        return 0.0 if a.run and a.run == b.run else self.numbers.noise_factor * math.hypot(a.spread, b.spread)

    def decide(self, column: str, figures: str, margin: float, noise: float, *, ties: bool) -> Check:
        """A margin above zero holds, below it fails, within the noise it is open."""
        if noise > 0 and abs(margin) <= noise:
            return Check(column, figures, None, "seed noise")
        return Check(column, figures, margin >= -_EXACT if ties else margin > _EXACT)


def all_of(checks: Iterable[Check]) -> Outcome:
    """Supported when every check holds, contradicted as soon as one fails."""
    listed = tuple(checks)
    return count(listed, at_least=len(listed))


def count(checks: Iterable[Check], at_least: int | None = None, at_most: int | None = None) -> Outcome:
    """Supported when enough (or few enough) checks hold, whatever the open ones turn out to be."""
    listed = tuple(checks)
    sure = sum(c.holds is True for c in listed)
    possible = sure + sum(c.holds is None for c in listed)
    if at_most is not None:
        holds = True if possible <= at_most else False if sure > at_most else None
        wanted = f"at most {at_most}"
    else:
        assert at_least is not None
        holds = True if sure >= at_least else False if possible < at_least else None
        wanted = f"{at_least}"
    standing: Standing = "undecided" if holds is None else "supported" if holds else "contradicted"
    reason = f"{sure} of {len(listed)}, {wanted} needed" if len(listed) > 1 else ""
    if standing == "undecided":
        reason = ", ".join(dict.fromkeys(c.why_open for c in listed if c.why_open))
    return Outcome(standing, listed, reason)
