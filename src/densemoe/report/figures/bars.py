"""Horizontal bars from zero, one group per row; the value stands at the end of each bar."""

from __future__ import annotations

from matplotlib.axes import Axes

from densemoe.report.figures.axes import label
from densemoe.report.figures.panel import OURS, PRINTED, Panel
from densemoe.report.figures.style import GREY, OURS_STYLE, PRINTED_STYLE

_STYLE = {
    OURS: {"facecolor": OURS_STYLE["color"], "edgecolor": OURS_STYLE["color"]},
    # hatched: told apart without colour too
    PRINTED: {"facecolor": "#fbe3d3", "edgecolor": PRINTED_STYLE["color"], "hatch": "////"},
}


def draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel; the rows stand in the order of the points, from the top."""
    label(axes, panel, grid="x")
    names = list(dict.fromkeys(p.label for p in panel.points))
    values = [p.y for p in panel.points if p.y is not None]
    room = 1 if max(values) > -min(values) else -1  # the side of zero on which the bars are
    height = 0.72 / len(panel.series)
    for number, series in enumerate(panel.series):
        for p in panel.of(series):
            middle = names.index(p.label) + (number - (len(panel.series) - 1) / 2) * height
            if p.y is None:
                axes.annotate(p.why or "missing", (0, middle), xytext=(4 * room, 0), textcoords="offset points",
                              va="center", ha="left" if room > 0 else "right", fontsize=7, color=GREY,
                              style="italic")  # fmt: skip
                continue
            axes.barh(middle, p.y, height * 0.92, linewidth=0.8, label=series, **_STYLE[series])
            side = -1 if p.y < 0 else 1
            axes.annotate(f"{p.y:+.2f}", (p.y, middle), xytext=(3 * side, 0), textcoords="offset points", va="center",
                          ha="right" if side < 0 else "left", fontsize=7)  # fmt: skip
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.margins(x=0.22)
    axes.locator_params(axis="x", nbins=5)
