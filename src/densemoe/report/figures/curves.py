"""A page of training curves: a row per run, a column per quantity, all in one pair of axes measured in inches.

Panels share the range of their column, so a range is written once; a pair of axes per panel would take seconds.
"""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from densemoe.report.figures.panel import Panel
from densemoe.report.figures.style import FAINT, GREY, OURS_STYLE

CELL = (1.32, 0.72)
GAP = (0.12, 0.16)
LEFT, TOP, BOTTOM = 1.35, 0.42, 0.3

Rows = tuple[tuple[Panel | None, ...], ...]
Range = tuple[float, float]


def size(rows: Rows) -> tuple[float, float]:
    """Width and height of the page, in inches."""
    return LEFT + len(rows[0]) * (CELL[0] + GAP[0]), TOP + BOTTOM + len(rows) * (CELL[1] + GAP[1])


def draw(axes: Axes, rows: Rows) -> None:
    """Draw all panels; `axes` fill `size(rows)`."""
    width, height = size(rows)
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    lines, bands, frames = [], [], []
    for column, panels in enumerate(zip(*rows, strict=True)):
        left = LEFT + column * (CELL[0] + GAP[0])
        values = _range([p.y for panel in panels if panel for p in panel.points if p.y is not None])
        steps = _range([p.x for panel in panels if panel for p in panel.points])
        axes.text(left, 0.02, panels[0].title if panels[0] else "", fontsize=9, va="top")
        if values:
            axes.text(left, 0.2, f"{_short(values[0])} to {_short(values[1])}", fontsize=7, va="top", color=GREY)
            axes.text(
                left, height - BOTTOM + 0.02, f"step {steps[0]:.0f} to {steps[1]:.0f}", fontsize=7, va="top", color=GREY
            )
        for row, panel in enumerate(panels):
            top = TOP + row * (CELL[1] + GAP[1]) + GAP[1]
            if panel is None:
                continue
            if column == 0:
                axes.text(
                    LEFT - 0.1,
                    top + CELL[1] / 2,
                    textwrap.fill(panel.y, 21),
                    ha="right",
                    va="center",
                    fontsize=8,
                    linespacing=1.1,
                )
            bottom = top + CELL[1]
            frames.append([(left, top), (left, bottom), (left + CELL[0], bottom)])
            axes.text(left + CELL[0], top - 0.02, panel.text, ha="right", va="bottom", fontsize=6.5, color=GREY)
            if not panel.points or values is None:
                middle = (left + CELL[0] / 2, top + CELL[1] / 2)
                axes.text(*middle, panel.empty, ha="center", va="center", fontsize=7, color=GREY, style="italic")
                continue
            place = _Place(left, top, steps, values)
            lines.append([place(p.x, p.y) for p in panel.points])
            if panel.band:
                low = [place(x, low) for x, low, _ in panel.band]
                bands.append(low + [place(x, high) for x, _, high in reversed(panel.band)])
    axes.add_collection(PolyCollection(bands, facecolors=FAINT, linewidths=0))
    axes.add_collection(LineCollection(frames, colors=GREY, linewidths=0.5))
    axes.add_collection(LineCollection(lines, colors=OURS_STYLE["color"], linewidths=1))


class _Place:
    """Where a number of a panel lies on the page."""

    def __init__(self, left: float, top: float, steps: Range, values: Range):
        self.left, self.top, self.steps, self.values = left, top, steps, values

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.steps[0]) / ((self.steps[1] - self.steps[0]) or 1)
        up = (y - self.values[0]) / ((self.values[1] - self.values[0]) or 1)
        return round(self.left + CELL[0] * across, 4), round(self.top + CELL[1] * (1 - up), 4)


def _range(values: list[float]) -> Range | None:
    return (min(values), max(values)) if values else None


def _short(value: float) -> str:
    return f"{value:.3g}"
