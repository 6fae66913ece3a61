"""Panels of training curves: a row per run of a table, a column per loss, the learning rate last."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densemoe.params.errors import InputError
from densemoe.params.metrics import GAIN_METRIC, METRICS
from densemoe.report.figures.panel import OURS, Panel, Point
from densemoe.report.markdown import GROUPS
from densemoe.report.model import Table
from densemoe.report.results import Results

POINTS = 60
"""At most so many points per line; each is the mean of its neighbours."""

Columns = dict[str, list[float]]


class Curves:
    """Training curves of one scale, each read once; what cannot be read is refused by name."""

    def __init__(self, reports: Path, scale: str):
        self.reports, self.scale = reports, scale
        self._read: dict[str, Columns | None] = {}
        self._refused: dict[str, str] = {}

    def get(self, run: str) -> Columns | None:
        """Column -> values, `step` and `lr` among them; None when there is no file or it is refused."""
        if run not in self._read:
            try:
                self._read[run] = self._load(self.reports / self.scale / "curves" / f"{run}.csv")
            except InputError as error:
                self._read[run] = None
                self._refused[run] = str(error)
        return self._read[run]

    def absence(self, run: str) -> str:
        """Why a run has no curve, in a few words."""
        self.get(run)
        return "file refused" if run in self._refused else "not trained yet"

    def refusals(self) -> list[str]:
        """Sentences on all refused files that were asked for."""
        return [self._refused[run] for run in sorted(self._refused)]

    def _load(self, file: Path) -> Columns | None:
        name = file.relative_to(self.reports.parent).as_posix()
        try:
            lines = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise InputError(f"{name}: cannot be read as text; delete it and train again.") from None
        try:
            rows = [[float(text) for text in line] for line in lines[1:]]
            columns = dict(zip(lines[0], map(list, zip(*rows, strict=True)), strict=True))
            if "step" not in columns or not all(math.isfinite(v) for line in rows for v in line):
                raise ValueError
        except (ValueError, IndexError):
            raise InputError(f"{name}: is not a complete training curve; delete it and train again.") from None
        return columns


def curve_panels(
    table: Table, index: Mapping[str, Any], curves: Curves, results: Results
) -> tuple[tuple[Panel | None, ...], ...]:
    """Rows of panels of the runs of a table that are built."""
    names = _runs(table, index)
    if not names:
        return ((Panel("curve", "", "", "", empty="no run of this table is trained"),),)
    columns = list(dict.fromkeys(c for run in names for c in _losses(index["runs"][run]["variant"])))
    read = {run: _thinned(found) for run in names if (found := curves.get(run)) is not None}
    rows = []
    for run, name in names.items():
        row: list[Panel | None] = []
        for column in [*columns, "lr"]:
            title = ("learning rate" if column == "lr" else column) if not rows else ""
            y = name if not row else ""
            x = "step" if len(rows) == len(names) - 1 else ""
            if run not in read:
                row.append(Panel("curve", title, x, y, empty=curves.absence(run)))
            elif column in read[run]:
                steps, values = read[run]["step"], read[run][column]
                points = tuple(Point(OURS, s, v, name) for s, v in zip(steps, values, strict=True))
                row.append(
                    Panel(
                        "curve",
                        title,
                        x,
                        y,
                        points,
                        text=_metric(run, column, results),
                        band=_band(column, steps, read),
                    )
                )
            else:
                row.append(Panel("curve", title, x, y, empty="has none"))
        rows.append(tuple(row))
    return tuple(rows)


def _runs(table: Table, index: Mapping[str, Any]) -> dict[str, str]:
    """Run -> the label of the first row that shows it; of several seeds the first."""
    names: dict[str, str] = {}
    for row in table.rows:
        for group in dict.fromkeys(r.group for r in row.runs):
            run = next(r.run for r in row.runs if r.group == group)
            if run in index["runs"]:
                names.setdefault(run, (f"{GROUPS.get(group, group)}: " if group else "") + row.label)
    return names


def _losses(variant: Mapping[str, Any]) -> list[str]:
    balance = variant["decoder"].get("balance", {"kind": "none"})["kind"] != "none"
    return ["total", *variant["tasks"], *(["balance"] if balance else [])]


def _thinned(columns: Columns) -> Columns:
    size = -(-len(columns["step"]) // POINTS)
    if size == 1:
        return columns
    return {
        name: [float(f"{sum(part) / len(part):.6g}") for part in _parts(values, size)]
        for name, values in columns.items()
    }


def _parts(values: Sequence[float], size: int) -> list[Sequence[float]]:
    return [values[i : i + size] for i in range(0, len(values), size)]


def _band(column: str, steps: list[float], read: Mapping[str, Columns]) -> tuple[tuple[float, float, float], ...]:
    """Range over the runs with the same steps; none for a single run."""
    runs = [c[column] for c in read.values() if column in c and c["step"] == steps]
    if len(runs) < 2:
        return ()
    return tuple((s, min(values), max(values)) for s, values in zip(steps, zip(*runs, strict=True), strict=True))


def _metric(run: str, column: str, results: Results) -> str:
    """The metric that came out, for the column of a task."""
    metric = GAIN_METRIC.get(column)
    value = results.value(run, "plain", metric) if metric else None
    if value is None:
        return ""
    return f"{METRICS[metric].title.rpartition(' ')[2]} {value:.{METRICS[metric].decimals}f}"
