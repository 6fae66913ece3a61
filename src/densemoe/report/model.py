"""One table as data, before it becomes Markdown, CSV, LaTeX or HTML: table -> rows -> cells.

Renderers read this and decide nothing: what a cell shows, how it ranks, which notes touch it and what its verdict is
stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from densemoe.params.metrics import METRICS, Metric

CellState = Literal["value", "missing", "unreadable", "pending"]
RowState = Literal["complete", "partial", "missing", "pending"]
VerdictKind = Literal["reproduced", "within seed noise", "differs", "not comparable"]

CELL_STATES: dict[CellState, str] = {
    "value": "measured",
    "missing": "not measured yet",
    "unreadable": "the metrics file is there but refused",
    "pending": "the model or the measure is not built yet",
}
ROW_STATES: dict[RowState, str] = {
    "complete": "every column has a number",
    "partial": "measured, but some columns have no number yet",
    "missing": "not measured yet (costs need no training and may be there), or the file is refused",
    "pending": "the model or the measure is not built yet",
}
VERDICTS: dict[VerdictKind, str] = {
    "reproduced": "within the tolerance of its metric (params/tolerances.yaml)",
    "within seed noise": "outside the tolerance, but not by more than seeds alone explain",
    "differs": "outside both",
    "not comparable": "a number is missing on one side, or the two measure different things",
}


@dataclass(frozen=True)
class Note:
    """One footnote: convention, misprint, choice, incomparable (as declared), origin, formula, refusal or state."""

    kind: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """What ours says about the printed number or row, and why in a few words."""

    kind: VerdictKind
    reason: str = ""


@dataclass(frozen=True)
class Column:
    """One metric column, of one column group where the table has groups."""

    key: str
    metric: Metric
    group: str
    """Empty in a table without groups."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Cell:
    """Ours beside printed, in one column of one row."""

    column: str
    state: CellState
    value: float | None = None
    """Mean over the seeds that are there, full precision."""
    std: float | None = None
    """Sample standard deviation; None for fewer than two seeds."""
    by_seed: Mapping[int, float] = field(default_factory=dict)
    shown: str = ""
    """The value with the papers' decimals; empty unless the state is `value`."""
    shown_std: str = ""
    printed: str | None = None
    """As printed, None where the paper prints nothing."""
    difference: str | None = None
    """Ours minus printed, both as shown; of a cost in per cent of the printed number."""
    fitted: str = ""
    """What a formula fitted to the printed numbers gives, for the cost of one module; with the printed decimals."""
    fitted_difference: str | None = None
    rank: int | None = None
    """1 for the best and 2 for the second best of ours in this column, else None."""
    printed_rank: int | None = None
    notes: tuple[Note, ...] = ()
    """About ours."""
    printed_notes: tuple[Note, ...] = ()
    verdict: Verdict = Verdict("not comparable")

    @property
    def metric(self) -> str:
        """Key of the metric."""
        return group_and_metric(self.column)[1]


@dataclass(frozen=True)
class Run:
    """One run behind a row: `role` is empty for the row's own, else the task that it is the baseline of."""

    group: str
    """Column group, empty in a table without groups."""
    run: str
    measure: str
    state: str
    seed: int | None
    role: str
    files: Mapping[str, str]
    """Name -> path below the folder of the scale, of the files that are there."""
    imported: str = ""
    """The checkpoint that the weights come from; empty if they were trained here."""


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    label: str
    printed_as: str
    info: Mapping[str, str]
    origin: str
    """Who made the printed numbers: authors, quoted, or reproduced by TaskExpert."""
    state: RowState
    cells: Mapping[str, Cell]
    runs: tuple[Run, ...]
    notes: tuple[Note, ...]
    verdict: Verdict

    @property
    def printed(self) -> bool:
        """Whether the paper prints any number of it."""
        return any(cell.printed is not None for cell in self.cells.values())

    @property
    def who(self) -> str:
        """Whose our numbers are: ours, or of weights that were imported."""
        return "imported" if any(run.imported for run in self.runs) else "ours"


@dataclass(frozen=True)
class Table:
    """One declared table with our numbers at one scale."""

    name: str
    """E.g. mlore/table02."""
    source: Mapping[str, Any]
    title: str
    scale: str
    seeds: tuple[int, ...]
    """Of all runs that are planned, empty when every row is pending."""
    protocols: Mapping[str, tuple[int, ...]]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[Note, ...]
    choices: tuple[Mapping[str, Any], ...]
    """What the papers' texts leave open: keys, from, note, rows (empty for all)."""
    baselines: tuple[Run, ...]
    """Single-task runs behind the gains, each once."""
    verdict: Verdict

    @property
    def info(self) -> list[str]:
        """Printed text columns, e.g. Backbone."""
        return list(dict.fromkeys(key for row in self.rows for key in row.info))

    def states(self) -> dict[str, int]:
        """How many rows are in each state."""
        found = [row.state for row in self.rows]
        return {state: found.count(state) for state in ROW_STATES}

    def verdicts(self) -> dict[str, int]:
        """How many rows with printed numbers have each verdict."""
        found = [row.verdict.kind for row in self.rows if row.printed]
        return {kind: found.count(kind) for kind in VERDICTS}


def group_and_metric(column: str) -> tuple[str, str]:
    """`nyud_v2/depth.rmse` -> the key of the row's cell and the metric; without a group the cell is `all`."""
    group, _, metric = column.rpartition("/")
    return group or "all", metric


def column_of(key: str, notes: tuple[Note, ...] = ()) -> Column:
    """The column of a key such as `semseg.miou` or `nyud_v2/depth.rmse`."""
    group, metric = group_and_metric(key)
    return Column(key, METRICS[metric], "" if group == "all" else group, notes)
