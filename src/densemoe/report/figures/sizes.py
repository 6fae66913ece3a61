"""How much room each kind of panel takes, in inches."""

from __future__ import annotations

from dataclasses import dataclass

from densemoe.report.figures.panel import Panel


@dataclass(frozen=True)
class Size:
    """Width of the axes, width of the labels left of them, height with title and labels."""

    width: float
    labels: float
    height: float


NO_SIZE = Size(0.0, 0.0, 0.0)


def size(panel: Panel) -> Size:
    """The room that a panel needs."""
    labels = list(dict.fromkeys(p.label for p in panel.points))
    longest = 0.07 * max((len(name) for name in labels), default=0)
    columns = len({p.x for p in panel.points})
    match panel.kind:
        case "bars":
            return Size(2.6, 0.3 + longest, 0.75 + 0.2 * len(labels) * max(len(panel.series), 1))
        case "dots":
            return Size(1.75, 0.1 if panel.bare else 0.2 + longest, 0.8 + 0.2 * max(len(labels), 3))
        case "heat_map":
            return Size(max(0.26 * columns, 3.2), 0.95, 0.75 + 0.23 * max(len(panel.series), 4))
        case "stacked" | "gates":
            return Size(max(0.26 * columns, 3.2), 0.65, 2.0)
        case "scatter":
            return Size(3.4, 0.7, 3.0)
    return Size(2.5, 0.7, 2.4)
