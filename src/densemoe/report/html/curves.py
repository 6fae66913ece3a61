"""Training curves as small inline drawings, from reports/<scale>/curves/<run>.csv."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
    import pandas as pd  # half a second, which a command that only prints help need not pay

    try:
        columns = pd.read_csv(file, dtype=float, index_col=False)
        steps = columns.pop("step").to_numpy()
        if not np.isfinite(steps).all():
            raise ValueError("a line without a step")
    except FileNotFoundError:
        return Curves(absence="not there yet")
    except (OSError, ValueError, KeyError):
        return Curves(absence=f"curves/{file.name} is not a readable curve")
    lines = [line for key in columns if (line := sparkline(key, steps, columns[key].to_numpy())) is not None]
    return Curves(tuple(lines), "" if lines else "no step is written yet")


def sparkline(column: str, steps: np.ndarray, values: np.ndarray) -> Sparkline | None:
    """A drawing over the steps, the smallest number at the bottom; None when no number is finite.

    Args:
        column: its name.
        steps: [rows], increasing.
        values: [rows]; what is not finite makes a gap.
    """
    there = np.isfinite(values)
    if not there.any():
        return None
    found, at = values[there], steps[there]
    low, high = float(found.min()), float(found.max())
    every = max(1, math.ceil(len(steps) / MOST_POINTS))
    kept = np.unique(np.append(np.arange(0, len(steps), every), len(steps) - 1))
    xs = _along(steps[kept], steps[0], steps[-1]) * WIDTH
    ys = (1 - _along(values[kept], low, high)) * HEIGHT
    parts, pen_down = [], False
    for x, y, drawn in zip(xs.tolist(), ys.tolist(), there[kept].tolist(), strict=True):
        if drawn:
            parts.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = drawn
    which = "every step" if every == 1 else f"every {every}th written step and the last"
    ends = (int(at[0]), int(at[-1])), float(found[0]), float(found[-1])
    return Sparkline(column, "".join(parts), *ends, low, high, which)


def _along(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where values lie between two ends, from 0 to 1; in the middle when they are one."""
    return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
