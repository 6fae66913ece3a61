"""Lines with markers over a number: ours solid, printed dashed; a missing point is a gap with a cross below it."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from densemoe.report.figures.axes import LINE_STYLE, label
from densemoe.report.figures.panel import Panel
from densemoe.report.figures.style import GREY


def draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel; each series is sorted by x."""
    label(axes, panel)
    for series in panel.series:
        points = sorted(panel.of(series), key=lambda p: p.x)
        values = [math.nan if p.y is None else p.y for p in points]
        axes.plot([p.x for p in points], values, label=series, **LINE_STYLE[series])
        gaps = [p.x for p in points if p.y is None]
        if gaps:
            axes.plot(gaps, [0.03] * len(gaps), "x", color=GREY, transform=axes.get_xaxis_transform(), clip_on=False)
            for x in gaps:
                axes.text(x, 0.07, "missing", transform=axes.get_xaxis_transform(), rotation=90, ha="center",
                          fontsize=7, color=GREY, style="italic")  # fmt: skip
    axes.set_xticks(sorted({p.x for p in panel.points}))
    axes.margins(x=0.06, y=0.12)
