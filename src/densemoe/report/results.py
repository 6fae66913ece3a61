"""Metrics files of one scale: read, checked against the plan, refused by name when they do not fit.

Two files per measure: `reports/<scale>/metrics/<run>/<measure>.json` holds the pixel metrics, `boundary/` in the place
of `metrics/` the boundary score. Both hold scale, run, measure, dataset, seed, images, `"protocol": {"pixel_metrics":
1}` (or `boundary`) and `"metrics": {"semseg": {"miou": 77.4}, ...}`. Percent metrics are in percent. `"imported":
{"file": ..., "sha256": ...}` stands in files of weights that were not trained here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from densemoe.params.counting import MODULE_COST, cost_key
from densemoe.params.errors import InputError
from densemoe.params.plan import Plan, costs_of
from densemoe.report.costs import Costs, ExpectedCost
from densemoe.report.documents import check_said, read_document, short

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
    imported: str = ""
    """Name and start of the sha256 of the checkpoint that the weights come from; empty if they were trained here."""


class Results:
    """All metrics files that a plan expects, each read once, when it is first asked for.

    `reports` is the folder that holds one folder per scale; `expected` maps (run, measure) to what the plan says. What
    is not expected is pending: no file of it is read. `costs` are the cost files of the same plan.
    """

    def __init__(
        self, reports: Path, scale: str, expected: Mapping[tuple[str, str], Expected], costs: Costs | None = None
    ):
        self.reports, self.scale, self.expected = reports, scale, expected
        self.costs = costs or Costs(reports, scale, {})
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
        return cls(reports, index["scale"], expected, Costs.from_index(reports, index))

    @classmethod
    def from_plan(cls, reports: Path, plan: Plan) -> Results:
        """Results that a plan expects."""
        expected = {}
        for (run, measure), reason in plan.measures.items():
            if reason is None and measure != MODULE_COST:
                variant = plan.runs[run].variant
                boundary = plan.boundary_protocol if "boundary" in variant.tasks else None
                expected[run, measure] = Expected(variant.dataset, variant.seed, plan.protocol, boundary)
        costs = {
            key: ExpectedCost(entry["run"], entry["of"], plan.runs[entry["run"]].variant.dataset, entry["protocol"])
            for key, entry in costs_of(plan).items()
        }
        return cls(reports, plan.scale, expected, Costs(reports, plan.scale, costs))

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
        return {
            "pixel metrics": sorted({e.protocol for e in expected}),
            "boundary score": sorted(boundary),
            "costs": self.costs.protocols(),
        }

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
        """Of the pixel metrics, or of the cost of one module; done means that the file is there and accepted."""
        if measure == MODULE_COST:
            return self._state_of_cost(cost_key(run, of_module=True))
        if (run, measure) not in self.expected:
            return "pending"
        if self.get(run, measure) is not None:
            return "done"
        return "unreadable" if self.refusal(run, measure) else "missing"

    def _state_of_cost(self, key: str) -> State:
        if key not in self.costs.expected:
            return "pending"
        if self.costs.get(key) is not None:
            return "done"
        return "unreadable" if self.costs.refusal(key) else "missing"

    def refusal(self, run: str, measure: str, kind: str = PIXELS) -> str | None:
        """The sentence that says why a file is refused."""
        self.get(run, measure, kind)
        return self._refused.get((kind, run, measure))

    def imported(self, run: str, measure: str) -> str:
        """The checkpoint that a measure's weights come from; empty if they were trained here or nothing is measured."""
        found = (self.get(run, measure, kind) for kind in (PIXELS, BOUNDARY))
        return next((result.imported for result in found if result and result.imported), "")

    def refusals(self) -> list[str]:
        """Sentences on all refused files that were asked for, in the order of their names."""
        return [self._refused[key] for key in sorted(self._refused)] + self.costs.refusals()

    def _load(self, run: str, measure: str, kind: str) -> Result | None:
        file = self.file(run, measure, kind)
        # the same sentence wherever the checkout lies: it is printed in committed reports
        name = file.relative_to(self.reports.parent).as_posix()
        data = read_document(file, name, _KEYS)
        if data is None:
            return None
        self._check_head(name, run, measure, kind, data)
        return Result(data["images"], _flat(name, data["metrics"]), _origin(name, data.get("imported")))

    def _check_head(self, name: str, run: str, measure: str, kind: str, data: dict[str, Any]) -> None:
        expected = self.expected[run, measure]
        said_by = {"run": ("path", run), "measure": ("path", measure), "scale": ("path", self.scale)}
        said_by |= {"dataset": ("plan", expected.dataset), "seed": ("plan", expected.seed)}
        versions = {PIXELS: {"pixel_metrics": expected.protocol}, BOUNDARY: {"boundary": expected.boundary}}
        said_by |= {"protocol": ("plan", versions[kind])}
        check_said(name, data, said_by)
        if not isinstance(data["images"], int) or isinstance(data["images"], bool) or data["images"] < 1:
            raise InputError(f"{name}: 'images' is {short(data['images'])}; allowed is a whole number of at least 1.")


def _origin(name: str, imported: Any) -> str:
    if imported is None:
        return ""
    if not isinstance(imported, dict) or not all(isinstance(imported.get(key), str) for key in ("file", "sha256")):
        raise InputError(f"{name}: 'imported' is {short(imported)}; allowed is a mapping of file and sha256.")
    return f"{imported['file']}, sha256 {imported['sha256'][:12]}"


def _flat(name: str, metrics: Any) -> dict[str, float]:
    """{"semseg": {"miou": 77.4}} as {"semseg.miou": 77.4}. Raises InputError for anything but finite numbers."""
    if not isinstance(metrics, dict):
        raise InputError(f"{name}: 'metrics' is {short(metrics)}; allowed is a mapping of tasks.")
    values = {}
    for task, numbers in metrics.items():
        if not isinstance(numbers, dict):
            raise InputError(f"{name}: 'metrics.{task}' is {short(numbers)}; allowed is a mapping of numbers.")
        for metric, value in numbers.items():
            if not _is_finite_number(value):
                raise InputError(
                    f"{name}: 'metrics.{task}.{metric}' is {short(value)}; allowed are finite numbers only."
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
