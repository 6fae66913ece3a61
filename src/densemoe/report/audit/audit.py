"""The whole audit as plain data: implied baselines, rows that do not fit them, disagreements between tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from densemoe.report.audit.baselines import READINGS, Baselines, Interval, Reading, outliers
from densemoe.report.audit.disagreements import disagreements
from densemoe.report.audit.gains import GainRow, Group, gain_groups

_ROUND = 1e-6
"""Slack of a comparison with the end of an interval: the solver's own tolerance is 1e-7."""


def audit(tables: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> dict[str, Any]:
    """Audit the printed numbers of compiled tables of the paper scale.

    Args:
        tables: compiled tables; only names, labels, printed numbers and runs are read.
        titles: run -> title.

    Returns:
        Plain data: `groups` (one per paper and set of single-task baselines) and `disagreements`.
    """
    listed = list(tables)
    groups = gain_groups(listed, titles)
    return {
        "groups": [_group(g, [o for o in groups[i + 1 :] if o.baseline == g.baseline]) for i, g in enumerate(groups)],
        "disagreements": [
            {"paper": d.paper, "run": d.title, "column": d.column, "spread": round(d.spread, 4), "printed": d.printed}
            for d in disagreements(listed, titles)
        ],
    }


def implied_gains(tables: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Interval]:
    """(table, label) -> the gain that the printed metrics give under the baselines that most rows imply."""
    implied = {}
    for group in gain_groups(tables, _Untitled()):
        left_out, _ = outliers(group.rows, group.tasks, "exact")
        kept = [r for i, r in enumerate(group.rows) if i not in left_out]
        fitting = Baselines(kept, group.tasks, "exact")
        for row in group.rows:
            if (interval := fitting.gain_of(row)) is not None:
                implied[row.table, row.label] = interval
    return implied


class _Untitled(dict[str, str]):
    def __missing__(self, run: str) -> str:
        return run


def _group(group: Group, others: Sequence[Group]) -> dict[str, Any]:
    """What the gains of one group imply; `others` are smaller groups against the same single-task runs."""
    rows, tasks = group.rows, group.tasks
    left_out = {reading: outliers(rows, tasks, reading) for reading in READINGS}
    kept = {r: [row for i, row in enumerate(rows) if i not in left_out[r][0]] for r in READINGS}
    fitting = {r: Baselines(kept[r], tasks, r) for r in READINGS}
    return {
        "paper": group.paper,
        "title": group.title,
        "rows": len(rows),
        "consistent": {r: len(kept[r]) for r in READINGS},
        "inconsistent": {r: [rows[i].name for i in left_out[r][0]] for r in READINGS},
        "only_choice": {r: left_out[r][1] for r in READINGS},
        "baselines": {t: {r: _ends(fitting[r].of_task(t), 2) for r in READINGS} for t in tasks},
        "predictions": _predictions(rows, kept, tasks),
        "orders": _orders(rows, kept, tasks),
        "other_papers": [
            {"paper": o.paper, "rows": [_offset(row, fitting["exact"]) for row in o.rows]} for o in others
        ],
    }


def _predictions(
    rows: Sequence[GainRow], kept: Mapping[Reading, Sequence[GainRow]], tasks: Sequence[str]
) -> list[dict[str, Any]]:
    """The gain that the other rows predict for each; reprints of the same model do not vote."""
    solved: dict[Any, dict[Reading, Interval | None]] = {}
    said = []
    for row in rows:
        key = (row.run, *(row.metrics[t] for t in tasks))
        if key not in solved:
            without = {r: [other for other in kept[r] if other.run != row.run] for r in READINGS}
            solved[key] = {r: Baselines(without[r], tasks, r).gain_of(row) for r in READINGS}
        intervals = solved[key]
        fits = {f"fits_{r}": (i := intervals[r]) is not None and _fits(row, i) for r in READINGS}
        said.append({"row": row.name, "printed": row.gain.value} | {r: _ends(intervals[r], 3) for r in READINGS} | fits)
    return said


def _fits(row: GainRow, interval: Interval) -> bool:
    slack = row.gain.half + _ROUND
    return interval.low - slack <= row.gain.value <= interval.high + slack


def _offset(row: GainRow, fitting: Baselines) -> dict[str, Any]:
    """How far a row of another paper is from the gain that these baselines give it: printed - predicted."""
    interval = fitting.gain_of(row)
    said = {"row": row.name, "printed": row.gain.value, "predicted": _ends(interval, 3), "offset": None}
    if interval is not None:
        said["offset"] = round(row.gain.value - (interval.low + interval.high) / 2, 3)
    return said


def _orders(
    rows: Sequence[GainRow], kept: Mapping[Reading, Sequence[GainRow]], tasks: Sequence[str]
) -> list[dict[str, Any]]:
    """Tables whose rows, ordered by the gain that their metrics give, stand in another order than by the printed one.

    Orders that differ only within half a unit of the last printed digit are not listed.
    """
    fitting = Baselines(kept["exact"], tasks, "exact")
    found = []
    for table in dict.fromkeys(r.table for r in rows):
        given = {r.label: r.gain.value for r in rows if r.table == table}
        half = max(r.gain.half for r in rows if r.table == table)
        intervals = {r.label: fitting.gain_of(r) for r in rows if r.table == table}
        if len(given) < 2 or any(i is None for i in intervals.values()):
            continue
        implied = {label: (i.low + i.high) / 2 for label, i in intervals.items() if i is not None}
        swapped = any(
            given[a] >= given[b] and implied[b] - implied[a] > 2 * half for a in given for b in given if a != b
        )
        if swapped:
            found.append({"table": table, "printed": _descending(given), "implied": _descending(implied)})
    return found


def _descending(values: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"row": k, "gain": round(v, 2)} for k, v in sorted(values.items(), key=lambda item: -item[1])]


def _ends(interval: Interval | None, digits: int) -> dict[str, float] | None:
    return None if interval is None else {"low": round(interval.low, digits), "high": round(interval.high, digits)}
