"""Gates per expert as stems, with the reference levels as lines; an expert without a value is left empty."""

from __future__ import annotations

from matplotlib.axes import Axes

from densemoe.report.figures.axes import label
from densemoe.report.figures.panel import Panel
from densemoe.report.figures.style import GREY, OURS_STYLE

LEVELS = {"mean gate": (0, (5, 3)), "half of the mean gate": (0, (1, 2))}


def draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel; `levels` are the mean gate and half of it."""
    label(axes, panel)
    axes.set_title(panel.text, loc="right", fontsize=7, color=GREY)
    columns = list(dict.fromkeys(p.x for p in panel.points))
    names = {p.x: p.label for p in panel.points}
    for p in panel.points:
        place = columns.index(p.x)
        if p.y is None:
            axes.plot(place, 0.04, "x", color=GREY, markersize=4, transform=axes.get_xaxis_transform())
        else:
            axes.plot([place, place], [0, p.y], color=OURS_STYLE["color"], linewidth=1)
            axes.plot(place, p.y, linestyle="", **OURS_STYLE)
    for level, (name, style) in zip(panel.levels, LEVELS.items(), strict=True):
        axes.axhline(level, color="#D55E00", linewidth=1, linestyle=style, label=name)
    axes.set_xticks(range(len(columns)), [names[c] for c in columns])
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(0, None)
    axes.tick_params(axis="x", length=0)
