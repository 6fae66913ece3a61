"""The state of every run of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from densemoe.report.results import BOUNDARY, PIXELS, Results
from densemoe.report.status.evidence import SILENCE, Evidence, Log
from densemoe.report.status.signs import Sign, age

State = Literal["failed", "running", "measuring", "stopped", "trained", "queued", "done"]

STATES: dict[State, str] = {
    "failed": "ended with an error, which the last line of its log tells",
    "running": "trains",
    "measuring": "trained; a measure is being taken",
    "stopped": "ended by a signal or without a word; starting it again goes on from the last checkpoint",
    "trained": "to be measured",
    "queued": "not begun",
    "done": "measured",
}


@dataclass(frozen=True)
class RunStatus:
    """One run."""

    run: str
    state: State
    iterations: int
    step: int = 0
    """Steps done, as far as is known."""
    losses: Mapping[str, float] = field(default_factory=dict)
    seconds_left: float | None = None
    """Of the training, at the pace so far."""
    where: str = ""
    detail: str = ""
    """The last line of the log, or what is still to be measured."""
    silent: float | None = None
    """Seconds since the last sign, of a run under way or stopped."""


@dataclass(frozen=True)
class Status:
    """All runs of one scale; `pending` are those whose model is not built yet."""

    scale: str
    runs: tuple[RunStatus, ...]
    pending: tuple[str, ...]

    def counts(self) -> dict[State, int]:
        """How many runs are in each state."""
        found = [run.state for run in self.runs]
        return {state: found.count(state) for state in STATES}


def read_status(index: Mapping[str, Any], runs: Path, reports: Path, now: float) -> Status:
    """Look at every run of a plan.

    Args:
        index: content of params/plan/<scale>.yaml.
        runs: folder of all runs, and of their logs under logs/.
        reports: folder that holds one folder of reports per scale.
        now: seconds since 1970.
    """
    results = Results.from_index(reports, index)
    found = (_run(name, entry, results, runs, now) for name, entry in index["runs"].items())
    return Status(index["scale"], tuple(found), tuple(index["pending"]))


def _run(name: str, entry: Mapping[str, Any], results: Results, runs: Path, now: float) -> RunStatus:
    iterations = entry["variant"]["recipe"]["iterations"]
    lacking = _lacking(name, results)
    if not lacking:
        return RunStatus(name, "done", iterations, iterations)
    if (runs / name / "model.safetensors").is_file():
        return _measured(name, iterations, lacking, runs, now)
    evidence = Evidence.read(runs, name, now)
    if evidence.none:
        return RunStatus(name, "queued", iterations, detail=_data_problem(entry["data"], runs, now))
    return _running(name, iterations, evidence) if evidence.alive else _ended(name, iterations, evidence)


def _lacking(name: str, results: Results) -> list[tuple[str, str]]:
    """(kind of file, measure) of what the plan wants and is not there."""
    wanted = [(kind, m) for (run, m), e in results.expected.items() if run == name for kind in _kinds(e.boundary)]
    return [(kind, measure) for kind, measure in wanted if results.get(name, measure, kind) is None]


def _kinds(boundary: int | None) -> tuple[str, ...]:
    return (PIXELS,) if boundary is None else (PIXELS, BOUNDARY)


def _measured(name: str, iterations: int, lacking: list[tuple[str, str]], runs: Path, now: float) -> RunStatus:
    """A trained run: the log of each missing measure tells."""
    stages = {PIXELS: "evaluate", BOUNDARY: "score_run"}
    model = age(runs / name / "model.safetensors", now)
    waiting = RunStatus(name, "trained", iterations, iterations, detail=f"to measure: {_names(lacking)}")
    for kind, measure in lacking:
        log = Log.read(runs / "logs" / stages[kind] / f"{name}__{measure}.log", now)
        if log.age is None or (model is not None and log.age > model):
            continue  # never begun, or of a model before this one
        told = f"{stages[kind]} {measure}: {log.last or 'wrote nothing yet'}"
        if log.is_error:
            return RunStatus(name, "failed", iterations, iterations, detail=told, silent=log.age)
        if log.age <= SILENCE:
            return RunStatus(name, "measuring", iterations, iterations, detail=told, silent=log.age)
    return waiting


def _names(lacking: list[tuple[str, str]]) -> str:
    return ", ".join(measure if kind == PIXELS else f"{measure} ({kind})" for kind, measure in lacking)


def _data_problem(data: str, runs: Path, now: float) -> str:
    """Why nothing can begin, if its data failed."""
    for stage in ("get_data", "prepare"):
        log = Log.read(runs / "logs" / stage / f"{data}.log", now)
        if log.is_error:
            return f"{stage} {data}: {log.last}"
    return ""


def _running(name: str, iterations: int, evidence: Evidence) -> RunStatus:
    where = evidence.process.where if evidence.process else ""
    sign = evidence.current
    if sign is None:
        step, losses = (evidence.saved.step, evidence.saved.losses) if evidence.saved else (0, {})
        return RunStatus(name, "running", iterations, step, losses, None, where, "starting", evidence.silent)
    left = None
    if sign.seconds_per_step is not None:
        left = max(0.0, (iterations - sign.step) * sign.seconds_per_step - (evidence.live_age or 0.0))
    return RunStatus(name, "running", iterations, sign.step, sign.losses, left, where, silent=evidence.silent)


def _ended(name: str, iterations: int, evidence: Evidence) -> RunStatus:
    log, saved, live = evidence.log, evidence.saved, evidence.live
    if log.is_error:
        last = max((sign for sign in (live, saved) if sign), key=lambda sign: sign.step, default=Sign(0, {}))
        return RunStatus(name, "failed", iterations, last.step, last.losses, detail=log.last, silent=evidence.silent)
    # steps that are not saved are lost
    step, losses = (saved.step, saved.losses) if saved else (0, {})
    return RunStatus(name, "stopped", iterations, step, losses, detail=log.last, silent=evidence.silent)
