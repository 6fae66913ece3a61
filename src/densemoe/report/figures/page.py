"""One figure on a page: header, panels in rows, legend, notes. Sizes in inches."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Page
from matplotlib.figure import SubFigure

from densemoe.report.figures import curves
from densemoe.report.figures.axes import blank, reasons
from densemoe.report.figures.panel import Figure, Panel
from densemoe.report.figures.sizes import NO_SIZE, size
from densemoe.report.figures.style import GREY, SETTINGS

Draw = Callable[[Axes, Panel], None]
NARROWEST, LEGEND = 7.0, 0.24
NO_LEGEND = ("heat_map",)
CHARACTERS = 14
"""Of a panel's title, per inch."""


def lay_out(figure: Figure, draw: Mapping[str, Draw], finish: Mapping[str, Draw]) -> Page:
    """The drawn page.

    Args:
        figure: what is drawn.
        draw: kind of a panel -> draws it into its axes.
        finish: kind -> what is added once the axes have their final place.
    """
    with matplotlib.rc_context(SETTINGS):
        if all(panel.kind == "curve" for panel in figure.panels):
            return _curves(figure)
        return _panels(figure, draw, finish)


def _curves(figure: Figure) -> Page:
    width, height = curves.size(figure.rows)
    page, _, body = _parts(figure, width, height, legend=0.0)
    curves.draw(body.add_axes((0, 0, width / page.get_figwidth(), 1)), figure.rows)
    return page


def _panels(figure: Figure, draw: Mapping[str, Draw], finish: Mapping[str, Draw]) -> Page:
    rows = _labelled_once([[_filled(panel) for panel in row] for row in figure.rows])
    sizes = [[size(p) if p else NO_SIZE for p in row] for row in rows]
    inner = [max(0.5, *(s.width for s in column)) for column in zip(*sizes, strict=True)]
    labels = [max(s.labels for s in column) for column in zip(*sizes, strict=True)]
    heights = [max(s.height for s in row) for row in sizes]
    has_legend = any(p and p.points and p.kind not in NO_LEGEND for row in rows for p in row)
    page, top, body = _parts(figure, sum(inner) + sum(labels), sum(heights), legend=LEGEND if has_legend else 0.0)
    places = body.subplots(len(heights), len(inner), squeeze=False, width_ratios=inner, height_ratios=heights)
    drawn = []
    for row, of_row in zip(rows, places, strict=True):
        for number, (panel, axes) in enumerate(zip(row, of_row, strict=True)):
            if panel is None:
                axes.set_axis_off()
                continue
            panel = replace(panel, title=textwrap.fill(panel.title, int(inner[number] * CHARACTERS)))
            if not panel.points:
                blank(axes, panel, int(inner[number] * CHARACTERS))
                continue
            draw[panel.kind](axes, panel)
            drawn.append((panel, axes))
    _legend(top, [axes for _, axes in drawn])
    page.set_layout_engine("constrained", w_pad=0.04, h_pad=0.06, wspace=0.02, hspace=0.02)
    page.draw_without_rendering()
    page.set_layout_engine("none")  # what is added now moves nothing
    for panel, axes in drawn:
        if panel.kind in finish:
            finish[panel.kind](axes, panel)
    return page


def _filled(panel: Panel | None) -> Panel | None:
    """A panel without the series that have no number at all, which the notes of the figure name."""
    if panel is None:
        return None
    full = {p.series for p in panel.points if p.y is not None}
    if not full:
        said = f"{panel.series[0]}: {reasons(panel.points)}" if len(panel.series) == 1 else reasons(panel.points)
        return replace(panel, points=(), empty=panel.empty or said)
    return replace(panel, points=tuple(p for p in panel.points if p.series in full))


def _parts(figure: Figure, width: float, height: float, legend: float) -> tuple[Page, SubFigure, SubFigure]:
    """The page with its texts, its header with room for a legend, and its body."""
    width = max(width, NARROWEST)
    head, foot = _head(figure, width), _foot(figure, width)
    parts = (
        sum(lines * line for _, lines, line in head) + 0.15 + legend,
        height,
        sum(lines * line for _, lines, line in foot) + 0.08,
    )
    page = Page(figsize=(width, sum(parts)))
    FigureCanvasAgg(page)  # a page is drawn without any display
    top, body, bottom = page.subfigures(3, 1, height_ratios=parts)
    _write(top, head, parts[0], 0.06)
    _write(bottom, foot, parts[2], 0.0)
    return page, top, body


def _labelled_once(rows: Sequence[Sequence[Panel | None]]) -> list[list[Panel | None]]:
    """Dots that stand right of dots with the same names need not repeat them."""
    found = []
    for row in rows:
        before = [None, *row[:-1]]
        found.append([
            replace(p, bare=True) if p and left and p.kind == left.kind == "dots" and _names(p) == _names(left) else p
            for left, p in zip(before, row, strict=True)
        ])  # fmt: skip
    return found


def _names(panel: Panel) -> list[str]:
    return [p.label for p in panel.points]


Block = tuple[str, int, float]
"""Wrapped text, number of its lines, height of a line."""


def _head(figure: Figure, width: float) -> list[Block]:
    return [
        _block(figure.title, width, 10.5, 0.2),
        _block(figure.about, width, 13.5, 0.16),
        *([_block(figure.notice, width, 12.0, 0.16)] if figure.notice else []),
    ]


def _foot(figure: Figure, width: float) -> list[Block]:
    return [_block(note, width, 15.0, 0.145) for note in figure.notes]


def _block(text: str, width: float, characters_per_inch: float, line: float) -> Block:
    lines = textwrap.wrap(text, int(width * characters_per_inch)) or [""]
    return "\n".join(lines), len(lines), line


_FONTS = {0.2: {"fontsize": 11, "fontweight": "bold"}, 0.16: {"fontsize": 8.5}, 0.145: {"fontsize": 7.5, "color": GREY}}


def _write(part: SubFigure, blocks: list[Block], height: float, gap: float) -> None:
    """Blocks of text from the top of a part of the page."""
    down = gap
    for number, (text, lines, line) in enumerate(blocks):
        style = dict(_FONTS[line])
        if line == 0.16 and number == 2:
            style |= {"fontweight": "bold", "color": "#8a2f00"}
        part.text(0.012, 1 - down / height, text, va="top", ha="left", linespacing=1.15, **style)
        down += lines * line


def _legend(part: SubFigure, drawn: list[Axes]) -> None:
    handles = {}
    for axes in drawn:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    if handles:
        place = {"loc": "lower left", "bbox_to_anchor": (0.012, 0), "borderpad": 0, "borderaxespad": 0.2}
        part.legend(handles.values(), handles.keys(), ncol=len(handles), columnspacing=1.4, handletextpad=0.5, **place)
