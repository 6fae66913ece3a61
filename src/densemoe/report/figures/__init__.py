"""Figures: results -> panels of points (`of_*.py`) -> a page -> PNG, SVG, CSV. No torch.

A new kind of panel is a file that draws it and a line in `DRAW`.
"""

from __future__ import annotations

from pathlib import Path

from densemoe.params.atomic import replacing, write_text
from densemoe.report.figures import bars, dots, gates, heat_map, lines, scatter, stacked
from densemoe.report.figures.page import lay_out
from densemoe.report.figures.panel import Figure, csv_text
from densemoe.report.figures.style import SETTINGS, png, svg

DRAW = {
    "bars": bars.draw,
    "dots": dots.draw,
    "gates": gates.draw,
    "heat_map": heat_map.draw,
    "lines": lines.draw,
    "scatter": scatter.draw,
    "stacked": stacked.draw,
}
FINISH = {"scatter": scatter.name}


def write_figure(figure: Figure, path: Path) -> None:
    """Write `path` with the endings .csv, .svg and .png; each replaces what was there at once."""
    import matplotlib

    page = lay_out(figure, DRAW, FINISH)
    with matplotlib.rc_context(SETTINGS):
        drawing, picture = svg(page), png(page)
    write_text(path.with_name(f"{path.name}.csv"), csv_text(figure))
    write_text(path.with_name(f"{path.name}.svg"), drawing)
    with replacing(path.with_name(f"{path.name}.png")) as file:
        file.write(picture)
