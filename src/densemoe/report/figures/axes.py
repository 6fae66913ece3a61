"""What every kind of panel shares: labels, a light grid, and words where there is nothing to draw."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from matplotlib.axes import Axes

from densemoe.report.figures.panel import OURS, PRINTED, Panel, Point
from densemoe.report.figures.style import FAINT, GREY, OURS_STYLE, PRINTED_STYLE

LINE_STYLE = {OURS: {**OURS_STYLE, "linestyle": "-"}, PRINTED: {**PRINTED_STYLE, "linestyle": "--"}}


def label(axes: Axes, panel: Panel, grid: str = "y") -> None:
    """Title, axis labels, and grid lines across one axis or both."""
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    axes.grid(axis=grid, color=FAINT, linewidth=0.6)


def blank(axes: Axes, panel: Panel, characters: int) -> None:
    """A panel without any number: its title and the reason, so many characters wide."""
    axes.set_title(panel.title)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(FAINT)
    text = textwrap.fill(panel.empty or "no numbers", characters)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY, style="italic")


def reasons(points: Iterable[Point]) -> str:
    """Why numbers are missing, each reason once."""
    return "; ".join(dict.fromkeys(p.why for p in points if p.y is None and p.why))
