"""Printed rows that state a multi-task gain, as linear equations in the reciprocals of the single-task baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from densemoe.params.metrics import GAIN_METRIC


@dataclass(frozen=True)
class Number:
    """A number as printed: its value and half a unit of its last digit."""

    value: float
    half: float

    @classmethod
    def parse(cls, text: str) -> Number:
        """`85.30` -> 85.3 with 0.005."""
        return cls(float(text), 0.5 * 10.0 ** -len(text.partition(".")[2]))


@dataclass(frozen=True)
class GainRow:
    """One printed row with its gain; `metrics` are by task, `run` names the distinct model that fills it."""

    table: str
    label: str
    run: str
    metrics: Mapping[str, Number]
    gain: Number

    @property
    def name(self) -> str:
        """E.g. `mlore/table11: k=3`."""
        return f"{self.table}: {self.label}"


@dataclass(frozen=True)
class Group:
    """All printed rows of one paper whose gains are taken against the same single-task runs."""

    paper: str
    title: str
    """Encoder and data set, in words."""
    baseline: tuple[tuple[str, str], ...]
    """(task, single-task run), in the papers' task order."""
    rows: tuple[GainRow, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the gain."""
        return tuple(task for task, _ in self.baseline)


def gain_groups(tables: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> list[Group]:
    """Rows with a printed gain and all its metrics, by paper and by baseline; larger groups come first.

    Args:
        tables: compiled tables of one scale.
        titles: run -> title, of single-task runs at least.
    """
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[GainRow]] = {}
    for table in tables:
        if "figure" in table["source"]:
            continue  # it plots what the tables print
        for row in table["rows"]:
            for key, cell in row["cells"].items():
                prefix = "" if key == "all" else f"{key}/"
                baseline = tuple(cell["baseline"].items())
                columns = [prefix + GAIN_METRIC[task] for task, _ in baseline]
                printed = row["paper"]
                if not baseline or any(c not in printed for c in (*columns, f"{prefix}gain")):
                    continue
                metrics = {t: Number.parse(printed[c]) for (t, _), c in zip(baseline, columns, strict=True)}
                gain = Number.parse(printed[f"{prefix}gain"])
                group = found.setdefault((table["source"]["paper"], baseline), [])
                group.append(GainRow(table["name"], row["label"], cell["run"], metrics, gain))
    groups = [Group(paper, titles[base[0][1]], base, tuple(rows)) for (paper, base), rows in found.items()]
    return sorted(groups, key=lambda g: -len(g.rows))
