"""Training curves as small inline drawings, from reports/<scale>/curves/<run>.csv."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 200, 48
"""Units of a drawing's own coordinates."""
MOST_POINTS = 150


@dataclass(frozen=True)
class Sparkline:
    """One column of a curve; `path` is SVG path data, with a gap wherever a number is missing or not finite."""

    column: str
    path: str
    steps: tuple[int, int]
    """First and last step with a number."""
    first: float
    last: float
    low: float
    high: float
    """Over all steps, also those that are not drawn."""
    drawn: str
    """Which steps are drawn, in words."""


@dataclass(frozen=True)
class Curves:
    """What a curve file holds, or why nothing of it can be shown."""

    lines: tuple[Sparkline, ...] = ()
    absence: str = ""

    def of(self, column: str) -> Sparkline | None:
        """The drawing of one column, None where there is none."""
        return next((line for line in self.lines if line.column == column), None)


def read_curves(file: Path) -> Curves:
    """The columns of a curve beside `step`. A file that is no curve is named, not raised: the rest is shown."""
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
        steps = [int(row["step"]) for row in rows]
        columns = {key: [_number(row[key]) for row in rows] for key in (rows[0] if rows else {}) if key != "step"}
    except FileNotFoundError:
        return Curves(absence="not there yet")
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return Curves(absence=f"curves/{file.name} is not a readable curve")
    lines = [line for key, values in columns.items() if (line := sparkline(key, steps, values)) is not None]
    return Curves(tuple(lines), "" if lines else "no step is written yet")


def _number(text: str | None) -> float:
    if text is None:
        raise ValueError("the line is cut off")
    return float(text) if text else math.nan


def sparkline(column: str, steps: list[int], values: list[float]) -> Sparkline | None:
    """A drawing over the steps, the smallest number at the bottom; None when no number is finite."""
    there = [(s, v) for s, v in zip(steps, values, strict=True) if math.isfinite(v)]
    if not there:
        return None
    low, high = min(v for _, v in there), max(v for _, v in there)
    every = max(1, math.ceil(len(steps) / MOST_POINTS))
    kept = [i for i in range(len(steps)) if i % every == 0 or i == len(steps) - 1]
    parts, pen_down = [], False
    for i in kept:
        if not math.isfinite(values[i]):
            pen_down = False
            continue
        x = _along(steps[i], steps[0], steps[-1]) * WIDTH
        y = (1 - _along(values[i], low, high)) * HEIGHT
        parts.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = True
    drawn = "every step" if every == 1 else f"every {every}th written step and the last"
    return Sparkline(column, "".join(parts), (there[0][0], there[-1][0]), there[0][1], there[-1][1], low, high, drawn)


def _along(value: float, low: float, high: float) -> float:
    """Where a value lies between two ends, from 0 to 1; in the middle when they are one."""
    return (value - low) / (high - low) if high > low else 0.5
