"""Stacked bars of shares that sum to one: the darker, the more."""

from __future__ import annotations

import matplotlib
from matplotlib.axes import Axes

from densemoe.report.figures.axes import label
from densemoe.report.figures.panel import Panel
from densemoe.report.figures.style import GREY


def draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel; series are stacked from the bottom, `label` is what stands below each bar."""
    label(axes, panel)
    shades = matplotlib.colormaps["cividis_r"]
    columns = list(dict.fromkeys(p.x for p in panel.points))
    names = {p.x: p.label for p in panel.points}
    bottom = [0.0] * len(columns)
    last = len(panel.series) - 1
    for number, series in enumerate(panel.series):
        heights = [100 * p.y for p in panel.of(series)]
        colour = "white" if number == 0 else shades(0.08 + 0.92 * (number - 1) / max(last - 1, 1))
        axes.bar(range(len(columns)), heights, 0.82, bottom=bottom, color=colour, edgecolor=GREY, linewidth=0.4,
                 label=series)  # fmt: skip
        bottom = [b + h for b, h in zip(bottom, heights, strict=True)]
    axes.set_xticks(range(len(columns)), [names[c] for c in columns])
    axes.set_ylim(0, 100)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.tick_params(axis="x", length=0)
