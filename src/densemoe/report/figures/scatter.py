"""Points named beside them: cost to the right, gain upwards."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from densemoe.report.figures.axes import LINE_STYLE, label
from densemoe.report.figures.panel import Panel


def draw(axes: Axes, panel: Panel) -> None:
    """Draw the points of one panel; `name` names them once the axes have their place."""
    label(axes, panel, grid="both")
    for series in panel.series:
        style = {k: v for k, v in LINE_STYLE[series].items() if k != "linestyle"}
        found = [p for p in panel.of(series) if p.y is not None]
        axes.plot([p.x for p in found], [p.y for p in found], linestyle="", label=series, **style)
    axes.margins(x=0.2, y=0.16)
    axes.locator_params(axis="x", nbins=5)


def name(axes: Axes, panel: Panel) -> None:
    """Put each name at the first place around its point where it covers no other point and no name before it."""
    renderer = axes.figure.figure.canvas.get_renderer()
    inside = axes.get_window_extent(renderer)
    found = [p for p in panel.points if p.y is not None]
    radius = 4 * axes.figure.figure.dpi / 72
    dots = [axes.transData.transform((p.x, p.y)) for p in found]
    marks = [Bbox([[x - radius, y - radius], [x + radius, y + radius]]) for x, y in dots]
    taken = []
    for p in found:
        for dx, dy, ha, va in _PLACES:
            text = axes.annotate(p.label, (p.x, p.y), xytext=(dx, dy), textcoords="offset points", ha=ha, va=va,
                                 fontsize=7)  # fmt: skip
            box = text.get_window_extent(renderer)
            fits = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if fits and not any(box.overlaps(b) for b in taken) and not any(box.overlaps(mark) for mark in marks):
                break
            text.remove()
        else:
            text = axes.annotate(
                p.label, (p.x, p.y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7
            )
            box = text.get_window_extent(renderer)
        taken.append(box)


_PLACES = (
    (7, 0, "left", "center"),
    (-7, 0, "right", "center"),
    (0, 7, "center", "bottom"),
    (0, -7, "center", "top"),
    (6, 9, "left", "bottom"),
    (6, -9, "left", "top"),
    (-6, 9, "right", "bottom"),
    (-6, -9, "right", "top"),
)
