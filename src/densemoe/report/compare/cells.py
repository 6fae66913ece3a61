"""One number of a row on both sides."""

from __future__ import annotations

import math
from collections.abc import Mapping

from densemoe.params.metrics import METRICS
from densemoe.params.tolerances import Tolerances
from densemoe.report.compare.changes import NumberChange, Outcome
from densemoe.report.model import Cell
from densemoe.report.numbers import difference

Protocols = Mapping[str, tuple[int, ...]]
_EXACT = 1e-9
"""So that 0.5 worse is within a tolerance of 0.5, whatever the last bit."""


def shown(cell: Cell) -> str:
    """The number of a cell as tables show it, or the state of a cell without one."""
    if cell.state != "value":
        return cell.state
    return f"{cell.shown} ± {cell.shown_std}" if cell.shown_std else cell.shown


def changed_number(
    old: Cell, new: Cell, protocols_before: Protocols, protocols_after: Protocols, tolerances: Tolerances
) -> NumberChange | None:
    """What became of a number; None when it is the same, or when there was none and is none in the same way.

    Worse and better are decided on the measured numbers, not on the digits that are shown.
    """
    title, seeds = METRICS[new.metric].title, (len(old.by_seed), len(new.by_seed))
    if old.value is None or new.value is None:
        if old.state == new.state:
            return None
        outcome: Outcome = "new" if new.value is not None else "lost" if old.value is not None else "not comparable"
        # from missing to pending, or the like, no number is concerned: the state of the row tells it
        return (
            None
            if outcome == "not comparable"
            else NumberChange(new.column, title, shown(old), shown(new), "", outcome)
        )
    if not _comparable(new.metric, protocols_before, protocols_after):
        return NumberChange(new.column, title, shown(old), shown(new), "", "not comparable", seeds=seeds)
    if math.isclose(old.value, new.value, rel_tol=1e-12, abs_tol=1e-12):
        return None
    tolerance = tolerances.metrics.get(new.metric)
    allowed = None if tolerance is None else tolerance.allows(old.value)
    return NumberChange(
        column=new.column,
        title=title,
        before=shown(old),
        after=shown(new),
        difference=_difference(old, new),
        outcome=_outcome(METRICS[new.metric].sign * (new.value - old.value), allowed),
        tolerance=allowed,
        seeds=seeds,
    )


def _outcome(better_by: float, allowed: float | None) -> Outcome:
    if allowed is None:
        return "no tolerance"
    if abs(better_by) <= allowed + _EXACT:
        return "within tolerance"
    return "better" if better_by > 0 else "worse"


def _comparable(metric: str, before: Protocols, after: Protocols) -> bool:
    names = {
        "boundary": ("boundary score",),
        "cost": ("costs",),
        "gain": ("pixel metrics", "boundary score"),
    }.get(metric.partition(".")[0], ("pixel metrics",))
    return all(before.get(name) == after.get(name) for name in names)


def _difference(old: Cell, new: Cell) -> str:
    """Of the numbers as shown; where that is 0, of the measured ones, with two digits."""
    text = difference(new.shown, old.shown)
    return text if float(text) else f"{(new.value or 0) - (old.value or 0):+.1e}"
