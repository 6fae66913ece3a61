"""Metrics files of one scale: read, checked against the plan, refused by name when they do not fit.

Two files per measure: `reports/<scale>/metrics/<run>/<measure>.json` holds the pixel metrics, `boundary/` in the place
of `metrics/` the boundary score. Both hold scale, run, measure, dataset, seed, images, `"protocol": {"pixel_metrics":
1}` (or `boundary`) and `"metrics": {"semseg": {"miou": 77.4}, ...}`. Percent metrics are in percent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from densemoe.params.errors import InputError, allowed

if TYPE_CHECKING:
    from densemoe.params.plan import Plan

State = Literal["done", "missing", "unreadable", "pending"]

PIXELS, BOUNDARY = "metrics", "boundary"
"""The two files of a measure, by their folder; every metric of the second is named boundary.*."""

_KEYS = ("scale", "run", "measure", "dataset", "seed", "images", "protocol", "metrics")


def kind_of(metric: str) -> str:
    """Which of the two files holds a metric."""
    return BOUNDARY if metric.startswith(f"{BOUNDARY}.") else PIXELS


@dataclass(frozen=True)
class Expected:
    """What the plan says about one measure: data set, seed, versions of both protocols.

    `boundary` is None for a run without that task: no file of it is read.
    """

    dataset: str
    seed: int
    protocol: int
    boundary: int | None = None


@dataclass(frozen=True)
class Result:
    """The accepted content of one metrics file; `values` maps metric keys such as semseg.miou to numbers."""

    images: int
    values: dict[str, float]


class Results:
    """All metrics files that a plan expects, each read once, when it is first asked for.

    `reports` is the folder that holds one folder per scale; `expected` maps (run, measure) to what the plan says. What
    is not expected is pending: no file of it is read.
    """

    def __init__(self, reports: Path, scale: str, expected: Mapping[tuple[str, str], Expected]):
        self.reports, self.scale, self.expected = reports, scale, expected
        self._read: dict[tuple[str, str, str], Result | None] = {}
        self._refused: dict[tuple[str, str, str], str] = {}

    @classmethod
    def from_index(cls, reports: Path, index: Mapping[str, Any]) -> Results:
        """Results that the index of a compiled plan (params/plan/<scale>.yaml) expects."""
        expected = {}
        for entry in index["measures"].values():
            variant = index["runs"][entry["run"]]["variant"]
            score = index["scores"].get(f"{entry['run']}__{entry['measure']}", {})
            expected[entry["run"], entry["measure"]] = Expected(
                variant["dataset"], variant["seed"], entry["protocol"], score.get("protocol")
            )
        return cls(reports, index["scale"], expected)

    @classmethod
    def from_plan(cls, reports: Path, plan: Plan) -> Results:
        """Results that a plan expects."""
        expected = {}
        for (run, measure), reason in plan.measures.items():
            if reason is None:
                variant = plan.runs[run].variant
                boundary = plan.boundary_protocol if "boundary" in variant.tasks else None
                expected[run, measure] = Expected(variant.dataset, variant.seed, plan.protocol, boundary)
        return cls(reports, plan.scale, expected)

    @property
    def folder(self) -> Path:
        """The folder of the scale."""
        return self.reports / self.scale

    def file(self, run: str, measure: str, kind: str = PIXELS) -> Path:
        """Where a file of a measure lies, whether it is there or not."""
        return self.folder / kind / run / f"{measure}.json"

    def protocols(self) -> dict[str, list[int]]:
        """Versions that the plan names, by protocol; more than one of the same never share a table."""
        expected = self.expected.values()
        boundary = {e.boundary for e in expected if e.boundary is not None}
        return {"pixel metrics": sorted({e.protocol for e in expected}), "boundary score": sorted(boundary)}

    def get(self, run: str, measure: str, kind: str = PIXELS) -> Result | None:
        """The accepted content of a file of a measure; None when it is missing, refused or pending."""
        expected = self.expected.get((run, measure))
        if expected is None or (kind == BOUNDARY and expected.boundary is None):
            return None
        key = (kind, run, measure)
        if key not in self._read:
            try:
                self._read[key] = self._load(run, measure, kind)
            except InputError as error:
                self._read[key] = None
                self._refused[key] = str(error)
        return self._read[key]

    def value(self, run: str, measure: str, metric: str) -> float | None:
        """One measured number; None when there is none."""
        result = self.get(run, measure, kind_of(metric))
        return None if result is None else result.values.get(metric)

    def state(self, run: str, measure: str) -> State:
        """Of the pixel metrics; done means that the file is there and accepted."""
        if (run, measure) not in self.expected:
            return "pending"
        if self.get(run, measure) is not None:
            return "done"
        return "unreadable" if self.refusal(run, measure) else "missing"

    def refusal(self, run: str, measure: str, kind: str = PIXELS) -> str | None:
        """The sentence that says why a file is refused."""
        self.get(run, measure, kind)
        return self._refused.get((kind, run, measure))

    def refusals(self) -> list[str]:
        """Sentences on all refused files that were asked for, in the order of their names."""
        return [self._refused[key] for key in sorted(self._refused)]

    def _load(self, run: str, measure: str, kind: str) -> Result | None:
        file = self.file(run, measure, kind)
        # the same sentence wherever the checkout lies: it is printed in committed reports
        name = file.relative_to(self.reports.parent).as_posix()
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{name}: cannot be read ({error.strerror}); mend or delete it.") from None
        except (ValueError, RecursionError):
            raise InputError(f"{name}: is not complete, readable JSON; delete it and measure again.") from None
        if not isinstance(data, dict):
            raise InputError(f"{name}: is {type(data).__name__}, not a mapping; delete it and measure again.")
        self._check_head(name, run, measure, kind, data)
        return Result(data["images"], _flat(name, data["metrics"]))

    def _check_head(self, name: str, run: str, measure: str, kind: str, data: dict[str, Any]) -> None:
        if lacking := [k for k in _KEYS if k not in data]:
            raise InputError(f"{name}: key '{lacking[0]}' is missing; needed are {allowed(_KEYS)}.")
        expected = self.expected[run, measure]
        said_by = {"run": ("path", run), "measure": ("path", measure), "scale": ("path", self.scale)}
        said_by |= {"dataset": ("plan", expected.dataset), "seed": ("plan", expected.seed)}
        versions = {PIXELS: {"pixel_metrics": expected.protocol}, BOUNDARY: {"boundary": expected.boundary}}
        said_by |= {"protocol": ("plan", versions[kind])}
        for key, (who, value) in said_by.items():
            if data[key] != value or isinstance(data[key], bool):
                raise InputError(f"{name}: '{key}' is {_short(data[key])}, but the {who} says {_short(value)}.")
        if not isinstance(data["images"], int) or isinstance(data["images"], bool) or data["images"] < 1:
            raise InputError(f"{name}: 'images' is {_short(data['images'])}; allowed is a whole number of at least 1.")


def _flat(name: str, metrics: Any) -> dict[str, float]:
    """{"semseg": {"miou": 77.4}} as {"semseg.miou": 77.4}. Raises InputError for anything but finite numbers."""
    if not isinstance(metrics, dict):
        raise InputError(f"{name}: 'metrics' is {_short(metrics)}; allowed is a mapping of tasks.")
    values = {}
    for task, numbers in metrics.items():
        if not isinstance(numbers, dict):
            raise InputError(f"{name}: 'metrics.{task}' is {_short(numbers)}; allowed is a mapping of numbers.")
        for metric, value in numbers.items():
            if not _is_finite_number(value):
                raise InputError(
                    f"{name}: 'metrics.{task}.{metric}' is {_short(value)}; allowed are finite numbers only."
                )
            values[f"{task}.{metric}"] = float(value)
    return values


def _is_finite_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the range of floats
        return False


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
