"""Routing statistics of one scale: read, checked against the plan, refused by name when they do not fit.

One file per run, `reports/<scale>/routing/<run>.json`; evaluate/routing.py says what stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densemoe.params.errors import InputError
from densemoe.report.documents import check_said, read_document, short

Tree = dict[str, Any]
_KEYS = ("scale", "run", "measure", "dataset", "seed", "images", "protocol", "routing")
_PARTS = ("activation", "gate", "active_in", "shared_by_all", "mean_gate")


@dataclass(frozen=True)
class Routed:
    """What the plan says of a run whose routing is measured."""

    dataset: str
    seed: int
    protocol: int
    tasks: tuple[str, ...]
    experts: tuple[str, ...]
    """What is written at each expert: its rank, or its number where experts have none."""


class RoutingResults:
    """Routing files that the index of a compiled plan expects, each read once."""

    def __init__(self, reports: Path, index: Mapping[str, Any]):
        self.reports, self.scale = reports, index["scale"]
        self.expected = {e["run"]: _routed(index, e) for e in index.get("routing", {}).values()}
        self._read: dict[str, Tree | None] = {}
        self._refused: dict[str, str] = {}
        self.images: dict[str, int] = {}
        """Run -> number of images, of the files that were read."""

    def get(self, run: str) -> Tree | None:
        """`scale_1` -> `module_1` -> statistics; None when the file is missing or refused, or not expected."""
        if run not in self.expected:
            return None
        if run not in self._read:
            try:
                self._read[run] = self._load(run)
            except InputError as error:
                self._read[run] = None
                self._refused[run] = str(error)
        return self._read[run]

    def absence(self, run: str) -> str:
        """Why a run has no statistics, in a few words; empty if it has."""
        if self.get(run) is not None:
            return ""
        if run in self._refused:
            return "unreadable"
        return "not measured yet" if run in self.expected else "pending"

    def refusal(self, run: str) -> str:
        """Why a run's file was refused when it was asked for; empty if it was not."""
        return self._refused.get(run, "")

    def refusals(self) -> list[str]:
        """Sentences on all refused files that were asked for."""
        return [self._refused[run] for run in sorted(self._refused)]

    def _load(self, run: str) -> Tree | None:
        file = self.reports / self.scale / "routing" / f"{run}.json"
        # the same sentence wherever the checkout lies: it is printed in committed reports
        name, expected = file.relative_to(self.reports.parent).as_posix(), self.expected[run]
        data = read_document(file, name, _KEYS)
        if data is None:
            return None
        said_by = {"run": ("path", run), "scale": ("path", self.scale), "measure": ("path", "routing")}
        said_by |= {"dataset": ("plan", expected.dataset), "seed": ("plan", expected.seed)}
        check_said(name, data, said_by | {"protocol": ("plan", {"routing": expected.protocol})})
        if not isinstance(data["images"], int) or isinstance(data["images"], bool) or data["images"] < 1:
            raise InputError(f"{name}: 'images' is {short(data['images'])}; allowed is a whole number of at least 1.")
        _check(name, data["routing"], expected)
        self.images[run] = data["images"]
        return data["routing"]


def _routed(index: Mapping[str, Any], entry: Mapping[str, Any]) -> Routed:
    variant = index["runs"][entry["run"]]["variant"]
    experts = variant["decoder"]["experts"]
    names = experts.get("ranks") or range(1, experts["count"] + 1)
    return Routed(
        variant["dataset"], variant["seed"], entry["protocol"], tuple(variant["tasks"]), tuple(map(str, names))
    )


def _check(name: str, routing: Any, expected: Routed) -> None:
    """Raises InputError unless every module has statistics of the run's tasks and experts, all finite."""
    experts = [f"expert_{n:02d}" for n in range(1, len(expected.experts) + 1)]
    modules = {}
    for scale, of_scale in _mapping(name, "routing", routing).items():
        for module, statistics in _mapping(name, f"routing.{scale}", of_scale).items():
            modules[f"routing.{scale}.{module}"] = statistics
    if not modules:
        raise InputError(f"{name}: 'routing' is empty; delete it and measure again.")
    for where, statistics in modules.items():
        if set(_mapping(name, where, statistics)) != set(_PARTS):
            raise InputError(f"{name}: '{where}' has not the keys {', '.join(_PARTS)}; delete it and measure again.")
        _check_names(name, f"{where}.activation", statistics["activation"], expected.tasks)
        _check_names(name, f"{where}.active_in", statistics["active_in"], experts)
        for task in expected.tasks:
            of_task = statistics["activation"][task]
            _check_names(name, f"{where}.activation.{task}", of_task, experts)
            _check_shares(name, f"{where}.activation.{task}", of_task)
        for expert in experts:
            shares = statistics["active_in"][expert]
            _check_names(
                name, f"{where}.active_in.{expert}", shares, [f"tasks_{c}" for c in range(len(expected.tasks) + 1)]
            )
            _check_shares(name, f"{where}.active_in.{expert}", shares)


def _mapping(name: str, where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name}: '{where}' is {type(value).__name__}, not a mapping; delete it and measure again.")
    return value


def _check_names(name: str, where: str, value: Any, wanted: Any) -> None:
    if sorted(_mapping(name, where, value)) != sorted(wanted):
        raise InputError(
            f"{name}: '{where}' names {', '.join(value) or 'nothing'}, but the plan says {', '.join(wanted)}."
        )


def _check_shares(name: str, where: str, shares: Mapping[str, Any]) -> None:
    for key, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise InputError(f"{name}: '{where}.{key}' is {share!r}; allowed are numbers from 0 to 1.")
