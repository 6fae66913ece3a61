"""Where a claim takes its numbers from: what the papers print, or what was measured here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from densemoe.params.claims import IMPLIED_GAIN
from densemoe.params.errors import InputError, allowed
from densemoe.params.metrics import METRICS
from densemoe.params.tolerances import Tolerances
from densemoe.report.audit.audit import implied_gains
from densemoe.report.audit.baselines import Interval
from densemoe.report.model import Table, group_and_metric
from densemoe.report.tables import shown_ours

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Number:
    """One number that a claim rests on; `value` is None where there is none."""

    value: float | None
    shown: str
    spread: float = 0.0
    """Standard error of the value from seeds; 0 for a number that is taken as it stands."""
    run: str = ""
    """Numbers of the same run share their noise."""
    competes: bool = True
    """False for a printed number that is declared to measure something else."""


class Numbers(Protocol):
    """Rows by (table, label)."""

    noise_factor: float

    def columns(self, table: str) -> list[str]:
        """Column keys of a table."""
        ...

    def labels(self, table: str) -> list[str]:
        """Row labels of a table that have numbers to compete with."""
        ...

    def number(self, table: str, label: str, column: str) -> Number:
        """One number. Raises InputError when there is no such row or column."""
        ...

    def slack(self, column: str, amount: float) -> float:
        """How far a number that a sentence names may be off, beside what the claim itself allows."""
        ...


def sign_of(column: str) -> int:
    """+1 where higher is better, -1 where lower is."""
    return METRICS["gain" if column == IMPLIED_GAIN else group_and_metric(column)[1]].sign


class Printed:
    """What the papers print: exact up to rounding, without noise."""

    noise_factor = 0.0

    def __init__(self, compiled: Sequence[Mapping[str, Any]]):
        self._tables = {t["name"]: t for t in compiled}
        self._implied: dict[tuple[str, str], Interval] | None = None

    def columns(self, table: str) -> list[str]:
        """Column keys of a table."""
        return list(_known(self._tables, table, "table")["columns"])

    def labels(self, table: str) -> list[str]:
        """Rows with printed numbers."""
        return [r["label"] for r in _known(self._tables, table, "table")["rows"] if r["paper"]]

    def number(self, table: str, label: str, column: str) -> Number:
        """One number; InputError for an unknown row or column."""
        rows = {r["label"]: r for r in _known(self._tables, table, "table")["rows"]}
        row = _known(rows, label, f"row of {table}")
        if column == IMPLIED_GAIN:
            return self._implied_gain(table, label)
        _known(dict.fromkeys(self.columns(table)), column, f"column of {table}")
        text = row["paper"].get(column)
        if text is None:
            return Number(None, "not printed")
        if any(n["kind"] == "incomparable" and column in n["columns"] for n in row["notes"]):
            return Number(None, f"{text}, which measures something else", competes=False)
        return Number(float(text), text)

    def slack(self, column: str, amount: float) -> float:
        """Printed numbers are taken by the digit."""
        return 0.0

    def _implied_gain(self, table: str, label: str) -> Number:
        if self._implied is None:
            self._implied = implied_gains(self._tables.values())
        found = self._implied.get((table, label))
        if found is None:
            return Number(None, "not implied")
        middle = (found.low + found.high) / 2
        return Number(middle, f"{middle:.2f}")


class Ours:
    """What was measured at one scale, with the noise of seeds."""

    def __init__(self, tables: Sequence[Table], tolerances: Tolerances):
        self._tables = {t.name: t for t in tables}
        self._tolerances = tolerances
        self.noise_factor = tolerances.noise_factor

    def columns(self, table: str) -> list[str]:
        """Column keys of a table."""
        return [c.key for c in _known(self._tables, table, "table").columns]

    def labels(self, table: str) -> list[str]:
        """Rows with printed numbers."""
        # as many competitors as the paper has: a best among fewer would claim too much
        rows = _known(self._tables, table, "table").rows
        return [r.label for r in rows if r.printed] or [r.label for r in rows]

    def number(self, table: str, label: str, column: str) -> Number:
        """One number; InputError for an unknown row or column."""
        rows = {r.label: r for r in _known(self._tables, table, "table").rows}
        row = _known(rows, label, f"row of {table}")
        key = "gain" if column == IMPLIED_GAIN else column
        cell = _known(dict(row.cells), key, f"column of {table}")
        if cell.value is None:
            return Number(None, "missing" if cell.state == "missing" else cell.state)
        metric = self._tolerances.metrics.get(cell.metric)
        std = cell.std if cell.std is not None else (metric.seed_std if metric else 0.0)
        group = group_and_metric(key)[0]
        run = next(r.run for r in row.runs if (r.group or "all") == group)
        return Number(cell.value, shown_ours(cell), std / math.sqrt(max(len(cell.by_seed), 1)), run=run)

    def slack(self, column: str, amount: float) -> float:
        """The tolerance of the metric."""
        metric = self._tolerances.metrics.get("gain" if column == IMPLIED_GAIN else group_and_metric(column)[1])
        return metric.allows(amount) if metric else 0.0


def _known(found: Mapping[str, _Found], name: str, what: str) -> _Found:
    if name not in found:
        raise InputError(f"a claim names the {what} '{name}', which does not exist; allowed are {allowed(found)}.")
    return found[name]
