"""What a figure plots: its panels, typed and closed. A table without a declared plot gets one from its columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from densemoe.params.options import Options

Label = str
"""Label of a row of the same file."""


class LinesPanel(Options):
    """A metric over a number, one point per row."""

    kind: Literal["lines"]
    title: str
    x: str
    """Label of the horizontal axis."""
    y: str
    """One of the columns."""
    at: dict[Label, float] = Field(min_length=1)
    """Where each row's point stands."""


class DotsPanel(Options):
    """A metric of several rows, one dot per row; the axis need not begin at zero, as that of bars would."""

    kind: Literal["dots"]
    title: str
    y: str
    """One of the columns."""
    names: dict[Label, str] = Field(min_length=1)
    """What is written at each row."""


class ActivationPanel(Options):
    """How often each task activates each expert, one heat map per module (MLoRE Figures 4a, 7a, 10)."""

    kind: Literal["activation"]
    title: str
    row: Label
    modules: Literal["last", "all"]
    """`last`: of the last scale only; `all`: one heat map for every module of every scale."""


class SharingPanel(Options):
    """By how many tasks at once each expert is activated, one stacked bar chart per module (Figures 4b, 7b, 11)."""

    kind: Literal["sharing"]
    title: str
    row: Label
    modules: Literal["last", "all"]


class SmallestGatePanel(Options):
    """The smallest gate of experts that all tasks activate, beside half of the mean gate (appendix C.2)."""

    kind: Literal["smallest_gate"]
    title: str
    row: Label
    modules: Literal["last", "all"]


PlotPanel = Annotated[
    LinesPanel | DotsPanel | ActivationPanel | SharingPanel | SmallestGatePanel, Field(discriminator="kind")
]


def rows_of(panel: PlotPanel) -> tuple[Label, ...]:
    """The rows that a panel needs."""
    match panel:
        case LinesPanel():
            return tuple(panel.at)
        case DotsPanel():
            return tuple(panel.names)
    return (panel.row,)


def needs_routing(panel: PlotPanel) -> bool:
    """Whether a panel shows routing statistics of its row."""
    return isinstance(panel, ActivationPanel | SharingPanel | SmallestGatePanel)
