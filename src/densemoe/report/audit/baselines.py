"""Single-task baselines that printed gains imply: a bounded linear programme.

The gain is linear in x_t = 1 / B_t, B_t being the single-task metric of task t: 100/T * sum of s_t (M_t x_t - 1). A
printed gain D bounds it to D +- half a unit of the last digit. The rounding of a metric M_t enters as half_t * x_t,
which is linear as well since x is positive, so both readings of a table are exact programmes:

* exact: the gain was computed from the printed metrics;
* rounded: it was computed before the metrics were rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from densemoe.params.metrics import GAIN_METRIC, METRICS
from densemoe.report.audit.gains import GainRow

Reading = Literal["exact", "rounded"]
READINGS: tuple[Reading, ...] = ("exact", "rounded")

_SOLVER = 1e-7
"""What the solver takes for zero."""


@dataclass(frozen=True)
class Interval:
    """Smallest and largest value that fit."""

    low: float
    high: float


def _terms(row: GainRow, tasks: Sequence[str], reading: Reading) -> tuple[np.ndarray, float, np.ndarray]:
    """Slopes and constant of the gain in x, and what rounding of the metrics adds per x."""
    weight = 100 / len(tasks)
    signs = np.array([METRICS[GAIN_METRIC[t]].sign for t in tasks])
    values = np.array([row.metrics[t].value for t in tasks])
    halves = np.array([row.metrics[t].half for t in tasks])
    spread = weight * halves if reading == "rounded" else np.zeros(len(tasks))
    return weight * signs * values, -weight * float(signs.sum()), spread


def _inequalities(rows: Sequence[GainRow], tasks: Sequence[str], reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    """A and b of A x <= b: two lines a row."""
    lines, right = [], []
    for row in rows:
        slopes, constant, spread = _terms(row, tasks, reading)
        middle = row.gain.value - constant
        lines += [slopes - spread, -slopes - spread]
        right += [middle + row.gain.half, -middle + row.gain.half]
    return np.array(lines), np.array(right)


def _bounds(tasks: Sequence[str]) -> list[tuple[float, float]]:
    """Of x: a percentage lies in 1..100, an error in 0.01..180 of its unit. Nothing else is assumed."""
    percent, error = (1 / 100, 1.0), (1 / 180, 100.0)
    return [percent if METRICS[GAIN_METRIC[t]].unit == "%" else error for t in tasks]


def outliers(rows: Sequence[GainRow], tasks: Sequence[str], reading: Reading) -> tuple[list[int], bool]:
    """The fewest rows without which one set of baselines fits all others, and whether no other choice is as small.

    Where nothing fits, duality names at most T+1 rows that cannot hold together (Helly): one of them has to go. Trying
    each, and again in what is left, finds every smallest choice.
    """
    left_out: list[frozenset[int]] = [frozenset()]
    while True:
        next_choices: list[frozenset[int]] = []
        found = []
        for choice in left_out:
            kept = [i for i in range(len(rows)) if i not in choice]
            clash = _clash([rows[i] for i in kept], tasks, reading)
            if not clash:
                found.append(choice)
            next_choices += [choice | {kept[i]} for i in clash]
        if found:
            return sorted(found[0]), len(found) == 1
        left_out = list(dict.fromkeys(next_choices))


def _clash(rows: Sequence[GainRow], tasks: Sequence[str], reading: Reading) -> list[int]:
    """Rows that no set of baselines fits together; empty when one fits all. Minimises the largest violation."""
    if not rows:
        return []
    lines, right = _inequalities(rows, tasks, reading)
    violated = np.hstack([lines, -np.ones((len(lines), 1))])
    price = np.array([0.0] * len(tasks) + [1.0])
    solved = linprog(price, violated, right, bounds=[*_bounds(tasks), (None, None)], method="highs")
    if solved.x[-1] <= _SOLVER:
        return []
    prices = solved.ineqlin.marginals
    return sorted({i // 2 for i in range(len(lines)) if abs(prices[i]) > _SOLVER})


class Baselines:
    """Every set of baselines that fits the given rows."""

    def __init__(self, rows: Sequence[GainRow], tasks: Sequence[str], reading: Reading):
        self.tasks, self.reading = tuple(tasks), reading
        self._lines, self._right = _inequalities(rows, tasks, reading) if rows else (None, None)

    def _range(self, cost: Callable[[float], np.ndarray]) -> tuple[float, float] | None:
        """Smallest and largest value of a linear function over the polytope; `cost(side)` are its slopes."""
        ends = []
        for side in (+1.0, -1.0):
            slopes = cost(side)
            solved = linprog(side * slopes, self._lines, self._right, bounds=_bounds(self.tasks), method="highs")
            if solved.x is None:
                return None
            ends.append(float(slopes @ solved.x))
        return ends[0], ends[1]

    def of_task(self, task: str) -> Interval | None:
        """The baseline of one task; None when nothing fits the rows."""
        at = self.tasks.index(task)
        found = self._range(lambda side: np.eye(len(self.tasks))[at])
        return None if found is None else Interval(1 / found[1], 1 / found[0])

    def gain_of(self, row: GainRow) -> Interval | None:
        """The gain that the row's printed metrics give, before it is rounded for print; None when nothing fits."""
        slopes, constant, spread = _terms(row, self.tasks, self.reading)
        found = self._range(lambda side: slopes - side * spread)
        return None if found is None else Interval(found[0] + constant, found[1] + constant)
