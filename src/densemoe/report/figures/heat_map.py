"""A heat map with the value in each cell, in percent: series from the top, x from the left."""

from __future__ import annotations

from matplotlib.axes import Axes

from densemoe.report.figures.panel import Panel
from densemoe.report.figures.style import HEAT


def draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel; values are shares from 0 to 1, `label` is what stands below each column."""
    columns = list(dict.fromkeys(p.x for p in panel.points))
    names = {p.x: p.label for p in panel.points}
    values = [[p.y for p in panel.of(series)] for series in panel.series]
    axes.pcolormesh(values, cmap=HEAT, vmin=0, vmax=1, edgecolors="white", linewidth=0.8)
    for row, of_row in enumerate(values):
        for column, value in enumerate(of_row):
            colour = "white" if value > 0.55 else "#222222"
            axes.text(column + 0.5, row + 0.5, f"{100 * value:.0f}", ha="center", va="center", fontsize=6.5,
                      color=colour)  # fmt: skip
    axes.set_title(panel.title)
    axes.set_xticks([i + 0.5 for i in range(len(columns))], [names[c] for c in columns])
    axes.set_yticks([i + 0.5 for i in range(len(panel.series))], panel.series)
    axes.set_ylim(len(panel.series), 0)
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
