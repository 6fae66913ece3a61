"""Multi-task gain: the mean relative improvement over single-task models.

MLoRE section 4.1, after Maninis et al. 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from densemoe.params.metrics import GAIN_METRIC, METRICS
from densemoe.report.results import Results


@dataclass(frozen=True)
class Absence:
    """Why a number that the gain needs is not there; `metric` is empty when the whole run has none."""

    metric: str
    run: str
    why: str

    @property
    def sentence(self) -> str:
        """E.g. 'boundary.ods_f of run X is not measured'."""
        return f"{self.metric} of run {self.run} {self.why}" if self.metric else f"run {self.run} {self.why}"


@dataclass(frozen=True)
class Gain:
    """The gain in percent, or None with the reasons; one of the two is empty."""

    value: float | None
    absent: tuple[Absence, ...]


def relative_gain(multi: Mapping[str, float], single: Mapping[str, float]) -> float:
    """Δm = 100/T * sum over tasks of s_t * (M_t - B_t) / B_t, in percent.

    Args:
        multi: task -> M_t, the multi-task model's metric of that task.
        single: task -> B_t, the single-task model's; the same tasks, none of them 0.
    """
    if set(multi) != set(single):
        raise ValueError(f"gain over different tasks: {sorted(multi)} and {sorted(single)}")
    terms = [METRICS[GAIN_METRIC[t]].sign * (multi[t] - single[t]) / single[t] for t in multi]
    return 100 * sum(terms) / len(terms)


def gain_of(cell: Mapping[str, Any], results: Results) -> Gain:
    """Gain of one cell of a compiled row, against the single-task runs that the cell names as its baseline.

    It is missing as soon as one of its numbers is; it is never taken over fewer tasks.
    """
    multi: dict[str, float] = {}
    single: dict[str, float] = {}
    absent: list[Absence] = []
    for task, baseline in cell["baseline"].items():
        for into, run, measure in ((multi, cell["run"], cell["measure"]), (single, baseline, "plain")):
            found = _number(results, run, measure, GAIN_METRIC[task])
            if isinstance(found, Absence):
                absent.append(found)
            elif into is single and found == 0:
                absent.append(Absence(GAIN_METRIC[task], run, "is 0, which cannot be divided by"))
            else:
                into[task] = found
    if absent:
        return Gain(None, tuple(dict.fromkeys(absent)))
    return Gain(relative_gain(multi, single), ())


def _number(results: Results, run: str, measure: str, metric: str) -> float | Absence:
    state = results.state(run, measure)
    if state == "done":
        value = results.value(run, measure, metric)
        return Absence(metric, run, "is not measured") if value is None else value
    whole = {"missing": "is not measured", "unreadable": "has a refused metrics file", "pending": "is pending"}
    return Absence("", run, whole[state])
