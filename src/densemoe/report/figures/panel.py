"""What is drawn, before anything is drawn: panels of points. The CSV beside a figure is exactly this."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

OURS, PRINTED = "ours", "printed"


@dataclass(frozen=True)
class Point:
    """One number of a figure; `y` is None where there is none, and `why` then says why in a few words."""

    series: str
    x: float | str
    y: float | None
    label: str = ""
    why: str = ""


@dataclass(frozen=True)
class Panel:
    """One pair of axes. `kind` names how it is drawn (figures/__init__.py)."""

    kind: str
    title: str
    x: str
    """Label of the horizontal axis, with its unit."""
    y: str
    """Label of the vertical axis, with its unit."""
    points: tuple[Point, ...] = ()
    empty: str = ""
    """What is written instead where the panel has no points."""
    text: str = ""
    """A few words at the right above the panel."""
    levels: tuple[float, ...] = ()
    """Reference values that are drawn as lines."""
    band: tuple[tuple[float, float, float], ...] = ()
    """x, lowest and highest of the same quantity over other panels: background, not data of this one."""
    bare: bool = False
    """The names along the vertical axis stand at the panel left of it."""

    def of(self, series: str) -> list[Point]:
        """The points of one series, in their order."""
        return [p for p in self.points if p.series == series]

    @property
    def series(self) -> list[str]:
        """Names of all series, in the order in which they first occur."""
        return list(dict.fromkeys(p.series for p in self.points))

    def only(self, series: str) -> Panel:
        """The panel with the points of one series."""
        return replace(self, points=tuple(self.of(series)))


@dataclass(frozen=True)
class Figure:
    """Panels in rows, with everything that a reader needs to know about them."""

    title: str
    about: str
    """Scale, data set, seed, number of images."""
    rows: tuple[tuple[Panel | None, ...], ...]
    """All of the same length; None leaves a place empty."""
    notice: str = ""
    """What must not be overlooked, e.g. that the numbers are not comparable with the papers'."""
    notes: tuple[str, ...] = field(default=())

    @property
    def panels(self) -> list[Panel]:
        """All panels, row by row."""
        return [panel for row in self.rows for panel in row if panel is not None]


HEADER = ("panel", "title", "kind", "series", "label", "x", "y", "missing")


def csv_text(figure: Figure) -> str:
    """The data behind a figure: a line per point, in the order in which they are drawn."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for number, panel in enumerate(figure.panels, 1):
        for p in panel.points:
            y = "" if p.y is None else repr(p.y)
            writer.writerow([number, panel.title, panel.kind, p.series, p.label, p.x, y, p.why])
        if not panel.points:
            writer.writerow([number, panel.title, panel.kind, "", "", "", "", panel.empty])
    return text.getvalue()


def in_rows(panels: Sequence[Panel], columns: int) -> tuple[tuple[Panel | None, ...], ...]:
    """Panels from left to right in rows of equal length."""
    rows = [tuple(panels[i : i + columns]) for i in range(0, len(panels), columns)]
    return tuple(row + (None,) * (columns - len(row)) for row in rows)
