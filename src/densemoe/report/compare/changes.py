"""What a comparison finds, as plain data: scales -> tables -> rows -> numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from densemoe.report.compare.options import OptionChange

Kind = Literal["added", "removed", "changed"]
Outcome = Literal["worse", "better", "within tolerance", "no tolerance", "new", "lost", "not comparable"]

OUTCOMES: dict[Outcome, str] = {
    "worse": "worse by more than the tolerance of its metric (params/tolerances.yaml)",
    "better": "better by more than the tolerance",
    "within tolerance": "moved, by no more than the tolerance",
    "no tolerance": "moved; no tolerance is declared for its metric, so nothing is decided",
    "new": "there was no number before",
    "lost": "there is no number any more",
    "not comparable": "another version of its protocol",
}


@dataclass(frozen=True)
class NumberChange:
    """One number of a row; `before` and `after` are as tables show them, or the state of a cell without one."""

    column: str
    title: str
    before: str
    after: str
    difference: str
    """Empty where there is none."""
    outcome: Outcome
    tolerance: float | None = None
    seeds: tuple[int, int] = (1, 1)
    """Numbers behind the two means."""


@dataclass(frozen=True)
class RunChange:
    """A row, or the baseline of a task, now rests on other runs: one per seed."""

    group: str
    role: str
    """Empty for the row's own, else the task that it is the baseline of."""
    before: tuple[str, ...]
    after: tuple[str, ...]
    options: tuple[OptionChange, ...]
    known: bool
    """Whether the options of both are in their plans; those of a pending run are not."""


@dataclass(frozen=True)
class TrainedChange:
    """The same run with other weights: trained again by other code, or imported."""

    run: str
    before: str
    after: str


@dataclass(frozen=True)
class PrintedChange:
    """A declared printed number was edited; empty where there is none."""

    column: str
    title: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    """One row; of an added or a removed one `numbers` holds what it shows."""

    label: str
    kind: Kind
    label_before: str
    runs: tuple[RunChange, ...] = ()
    trained: tuple[TrainedChange, ...] = ()
    numbers: tuple[NumberChange, ...] = ()
    printed: tuple[PrintedChange, ...] = ()
    verdict: tuple[str, str] = ("", "")
    """Before and after; empty where there was no row."""
    state: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class TableChange:
    """One table that differs in anything."""

    name: str
    title: str
    kind: Kind
    verdict: tuple[str, str]
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    protocols: tuple[OptionChange, ...]
    baselines: tuple[RunChange, ...]
    baselines_trained: tuple[TrainedChange, ...]
    rows: tuple[RowChange, ...]


@dataclass(frozen=True)
class ScaleChange:
    """One scale."""

    scale: str
    problems: tuple[tuple[str, str], ...]
    """(name of the side, sentence): what could not be used."""
    tolerances: tuple[OptionChange, ...] = ()
    tables: tuple[TableChange, ...] = ()
    runs_added: tuple[str, ...] = ()
    runs_removed: tuple[str, ...] = ()
    trained_by: tuple[dict[str, int], dict[str, int]] = ({}, {})
    """Before and after: commit or imported file -> how many runs have their weights from it."""

    @property
    def empty(self) -> bool:
        """Whether nothing is to be told."""
        before, after = self.trained_by
        told = (self.problems, self.tolerances, self.tables, self.runs_added, self.runs_removed)
        return not any(told) and before == after


@dataclass(frozen=True)
class FileChange:
    """One file of the code; `status` is git's letter."""

    path: str
    status: str
    added: int
    removed: int


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two states of the repository."""

    before: str
    after: str
    scales: tuple[ScaleChange, ...]
    code: tuple[FileChange, ...]

    def numbers(self) -> Iterator[NumberChange]:
        """All numbers that were there before, or should have been."""
        for scale in self.scales:
            for table in scale.tables:
                for row in table.rows:
                    if row.kind == "changed":
                        yield from row.numbers

    def counts(self) -> dict[Outcome, int]:
        """How many numbers of rows that are on both sides have each outcome."""
        found = [number.outcome for number in self.numbers()]
        return {outcome: found.count(outcome) for outcome in OUTCOMES}

    @property
    def worse(self) -> bool:
        """Whether a number got worse beyond its tolerance."""
        return self.counts()["worse"] > 0
