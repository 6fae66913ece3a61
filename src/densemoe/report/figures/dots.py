"""One dot per row on a horizontal axis that need not begin at zero."""

from __future__ import annotations

from matplotlib.axes import Axes

from densemoe.report.figures.axes import LINE_STYLE, label
from densemoe.report.figures.panel import Panel
from densemoe.report.figures.style import GREY


def draw(axes: Axes, panel: Panel) -> None:
    """Draw one panel; the rows stand in the order of the first series, from the top."""
    label(axes, panel, grid="both")
    names = list(dict.fromkeys(p.label for p in panel.points))
    for series in panel.series:
        style = {k: v for k, v in LINE_STYLE[series].items() if k != "linestyle"}
        found = [p for p in panel.of(series) if p.y is not None]
        axes.plot([p.y for p in found], [names.index(p.label) for p in found], linestyle="", label=series, **style)
    for name in names:
        of_name = [p for p in panel.points if p.label == name]
        if all(p.y is None for p in of_name):
            axes.text(0.5, names.index(name), of_name[0].why, transform=axes.get_yaxis_transform(), ha="center",
                      va="center", fontsize=7, color=GREY, style="italic")  # fmt: skip
    axes.set_yticks(range(len(names)), [""] * len(names) if panel.bare else names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=4)
