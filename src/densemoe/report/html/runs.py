"""Everything about one run: where it is shown, what it measured, where it comes from, what made it as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densemoe.params.files import Params
from densemoe.params.metrics import METRICS
from densemoe.params.plan import Plan, compile_plan
from densemoe.params.sources import leaves
from densemoe.report.explain import explain_run
from densemoe.report.html.curves import Curves, read_curves
from densemoe.report.html.pictures import Picture, Pictures
from densemoe.report.html.routing import Routing, routing_of
from densemoe.report.index import run_states
from densemoe.report.model import Table
from densemoe.report.numbers import ours
from densemoe.report.results import BOUNDARY, PIXELS
from densemoe.report.routing import RoutingResults
from densemoe.report.scale import Scale

LAST_LINES, LONGEST_LINE = 25, 300
"""Of each log."""


@dataclass(frozen=True)
class Use:
    """A row that shows a run; `role` is empty, or the task that the run is the baseline of."""

    table: str
    label: str
    place: int | None
    """Of the row in its table, from 1; None for the baselines of a whole table."""
    role: str


@dataclass(frozen=True)
class Measured:
    """One measure of a run with its numbers, each as (title, shown)."""

    measure: str
    state: str
    images: int | None
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RunPage:
    """One run."""

    name: str
    title: str
    state: str
    reason: str
    """Why it is pending or failed, else empty."""
    uses: tuple[Use, ...]
    measures: tuple[Measured, ...]
    provenance: tuple[tuple[str, Any], ...]
    parameters: tuple[Mapping[str, Any], ...]
    curves: Curves
    routing: Routing
    pictures: tuple[Picture, ...]
    logs: tuple[tuple[str, str], ...]
    """Stage and the end of its log."""


def run_pages(scale: Scale, pictures: Pictures, logs: Path, failed: Mapping[str, str]) -> list[RunPage]:
    """One page per run of the plan, those to be trained first, then the pending ones."""
    params = Params(scale.params)
    plan = compile_plan(params, scale.index["scale"])
    states, uses, index = run_states(scale.index, scale.results), _uses(scale.tables), scale.index
    logs_of, routing = _log_files(logs), RoutingResults(scale.results.folder.parent, index)
    pages = []
    for name, entry in {**index["runs"], **index["pending"]}.items():
        pages.append(
            RunPage(
                name=name,
                title=entry["title"],
                state="failed" if name in failed else states[name],
                reason=failed.get(name) or entry.get("reason", ""),
                uses=tuple(uses.get(name, ())),
                measures=_measures(scale, name),
                provenance=_provenance(scale.results.folder / "provenance" / f"{name}.json"),
                parameters=_parameters(params, plan, name),
                curves=read_curves(scale.results.folder / "curves" / f"{name}.csv"),
                routing=routing_of(routing, name),
                pictures=tuple(pictures.of_run(name)),
                logs=tuple(end for file in logs_of.get(name, ()) if (end := _end_of(file))[1]),
            )
        )
    return pages


def _uses(tables: Sequence[Table]) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {}
    for table in tables:
        uses = [(run.run, Use(table.name, row.label, i, "")) for i, row in enumerate(table.rows, 1) for run in row.runs]
        uses += [(run.run, Use(table.name, "", None, run.role)) for run in table.baselines]
        for run, use in uses:
            if use not in found.setdefault(run, []):
                found[run].append(use)
    return found


def _measures(scale: Scale, run: str) -> tuple[Measured, ...]:
    found = []
    for of_run, measure in scale.results.expected:
        if of_run == run:
            files = [f for kind in (PIXELS, BOUNDARY) if (f := scale.results.get(run, measure, kind)) is not None]
            numbers = [
                (METRICS[key].heading if key in METRICS else key, ours(v, key) if key in METRICS else f"{v:g}")
                for file in files
                for key, v in file.values.items()
            ]
            images = files[0].images if files else None
            found.append(Measured(measure, scale.results.state(run, measure), images, tuple(numbers)))
    return tuple(found)


def _provenance(file: Path) -> tuple[tuple[str, Any], ...]:
    """Dotted key and value; the variant is left out, since the parameters say more about it."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return tuple(leaves({k: v for k, v in data.items() if k not in ("variant", "run", "scale")}))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, AttributeError):
        return ((f"provenance/{file.name}", "is not readable JSON"),)


def _parameters(params: Params, plan: Plan, run: str) -> tuple[Mapping[str, Any], ...]:
    """Empty for a run that params/ no longer give: the plan is older than they."""
    return tuple(explain_run(params, plan, run)["keys"]) if run in plan.runs else ()


def _log_files(folder: Path) -> dict[str, list[Path]]:
    """Run -> its logs: `<stage>/<run>.log` and `<stage>/<run>__<measure>.log`."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*/*.log")):
        found.setdefault(file.stem.partition("__")[0], []).append(file)
    return found


def _end_of(file: Path) -> tuple[str, str]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    name = f"{file.parent.name} {file.stem.partition('__')[2]}".strip()
    return name, "\n".join(line[:LONGEST_LINE] for line in lines)
