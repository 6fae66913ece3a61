"""The compiled plan of one scale: declared tables -> rows -> runs -> measures, every run once.

The plan is plain data (dicts of strings and numbers): it is committed under params/plan/, DVC reads it through `vars`,
Snakemake through DVC's resolved stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from densemoe.params.atomic import write_text
from densemoe.params.counting import COST_PREFIX, MODULE_COST, as_cell, check_counting, cost_key, resolve_counting
from densemoe.params.errors import InputError
from densemoe.params.files import Params, Row, TableFile, read_yaml
from densemoe.params.naming import data_name, run_name
from densemoe.params.options import routes
from densemoe.params.plots import PlotPanel, needs_routing
from densemoe.params.resolve import Resolved, Step, resolve, select
from densemoe.params.sources import OpenChoice, open_choices
from densemoe.params.variant import Variant


@dataclass
class Use:
    """One place where a run is needed: a row, or the baseline of a table's gain."""

    table: str
    label: str


@dataclass
class Planned:
    """One distinct variant with everything that the plan knows of it."""

    resolved: Resolved
    chosen: dict[str, str]
    """Method, backbone and data set of the row that first named the variant; another row may get there otherwise."""
    title: str
    pending: str | None
    trained: bool
    uses: list[Use] = field(default_factory=list)

    @property
    def variant(self) -> Variant:
        """The typed variant."""
        return self.resolved.variant


@dataclass
class Plan:
    """Everything of one scale, before it is written as plain data."""

    scale: str
    title: str
    note: str
    runs: dict[str, Planned]
    measures: dict[tuple[str, str], str | None]
    """(run, measure) -> reason why it is pending, or None."""
    tables: dict[str, dict[str, Any]]
    protocol: int
    """Version of the pixel metrics."""
    boundary_protocol: int
    cost_protocol: int
    """Version of what is counted."""
    routing_protocol: int
    routed: set[str] = field(default_factory=set)
    """Runs whose routing statistics a figure shows."""


def compile_plan(params: Params, scale: str) -> Plan:
    """Compile every declared table at a scale. Raises InputError with one sentence for the first problem."""
    layer = params.layer("scales", scale)
    protocol = read_yaml(params.root / "protocol.yaml")
    versions = (int(protocol[name]) for name in ("pixel_metrics", "boundary", "cost", "routing"))
    plan = Plan(scale, layer.title, layer.note, {}, {}, {}, *versions)
    pending = params.pending()
    for name in params.names("tables"):
        plan.tables[name] = _Compiler(params, plan, pending, name).table()
    return plan


class _Compiler:
    """Compiles one table into the plan."""

    def __init__(self, params: Params, plan: Plan, pending: dict[str, str], name: str):
        self.params, self.plan, self.pending, self.name = params, plan, pending, name
        self.file: TableFile = params.table(name)
        self.where = str(params.root / "tables" / f"{name}.yaml")
        self.seeds: tuple[int | None, ...] = params.layer("scales", plan.scale).seeds or self.file.seeds or (None,)
        self.choices: dict[OpenChoice, list[str]] = {}

    def table(self) -> dict[str, Any]:
        """The compiled table as plain data."""
        file = self.file
        rows = [self._row(row) for row in file.rows]
        return {
            "name": self.name,
            "scale": self.plan.scale,
            "title": file.title,
            "note": file.note,
            "source": file.source.model_dump(exclude_none=True),
            "notes": [note.model_dump(mode="json") for note in file.notes],
            "choices": self._choices(len(rows)),
            "columns": list(file.columns),
            "rows": rows,
            "plot": [panel.model_dump(mode="json") for panel in file.plot],
            "routing": sorted({self._routing(panel, rows) for panel in file.plot if needs_routing(panel)}),
        }

    def _choices(self, rows: int) -> list[dict[str, Any]]:
        """What the texts leave open in these models; `rows` is empty where it concerns all."""
        return [
            {"keys": list(c.keys), "from": c.origin, "note": c.note, "rows": labels if len(labels) < rows else []}
            for c, labels in self.choices.items()
        ]

    def _routing(self, panel: PlotPanel, rows: list[dict[str, Any]]) -> str:
        """The run whose routing a panel shows. Raises InputError where nothing is routed."""
        run = next(row["cells"]["all"]["run"] for row in rows if row["label"] == panel.row)
        planned = self.plan.runs[run]
        if not routes(planned.variant.decoder) or not planned.trained:
            raise InputError(
                f"{self.where}: plot '{panel.title}' shows the routing of row '{panel.row}', but its run {run} has no "
                "trained router that chooses among experts; allowed are rows of decoder.kind mlore with experts."
            )
        self.plan.routed.add(run)
        return run

    def _printed(self, row: Row) -> dict[str, str]:
        """The printed numbers of a row, from another table if it says so. Raises InputError if they are not there."""
        printed = dict(row.paper)
        for place in row.printed_in:
            rows = self.params.table(place.table).rows
            if place.row > len(rows):
                raise InputError(
                    f"{self.where}: row '{row.label}' is printed in {place.table}, row {place.row}, which is not "
                    f"there; allowed are 1 to {len(rows)}."
                )
            prefix = f"{place.group}/" if place.group else ""
            printed |= {prefix + c: n for c, n in rows[place.row - 1].paper.items() if prefix + c in self.file.columns}
        return printed

    def _row(self, row: Row) -> dict[str, Any]:
        cells = {group or "all": self._cell(row, group) for group in (self.file.groups or {"": {}})}
        return {
            "label": row.label,
            "printed_as": row.printed_as or row.label,
            "info": dict(row.info),
            "origin": row.origin,
            "note": row.note,
            "notes": [note.model_dump(mode="json") for note in row.notes],
            "paper": self._printed(row),
            "cells": cells,
        }

    def _steps(self, row: Row, group: str) -> list[Step]:
        own = {k: v for k, v in row.set.items() if "/" not in k}
        for key, value in row.set.items():
            prefix, slash, path = key.rpartition("/")
            if slash and prefix not in self.file.groups:
                raise InputError(
                    f"{self.where}: row '{row.label}' sets '{key}', but the groups are {list(self.file.groups)}."
                )
            if slash and prefix == group:
                own[path] = value
        steps = [Step(f"{self.where}: base", self.file.base)]
        if group:
            steps.append(Step(f"{self.where}: group '{group}'", self.file.groups[group]))
        return [*steps, Step(f"{self.where}: row '{row.label}'", own)]

    def _cell(self, row: Row, group: str) -> dict[str, Any]:
        """Run, measure and baselines of the first seed; further seeds under `repeats`, a key only where there are."""
        steps = self._steps(row, group)
        trained = row.measure != MODULE_COST
        first, *others = [self._seeded(row, steps, trained, seed) for seed in (self.seeds if trained else (None,))]
        cell: dict[str, Any] = {"run": first["run"], "measure": row.measure, "pending": "", "baseline": {}} | first
        if others:
            cell["repeats"] = others
        if cost := self._cost(row, group, first["run"]):
            cell["cost"] = cost
        return cell

    def _cost(self, row: Row, group: str, run: str) -> dict[str, Any]:
        """Which cost file the cell shows, and by which conventions; empty where no column is a cost."""
        where, of_module = f"{self.where}: row '{row.label}'", row.measure == MODULE_COST
        columns = [c.rpartition("/") for c in self.file.columns]
        metrics = [metric for of, _, metric in columns if of == group and metric.startswith(COST_PREFIX)]
        counting = resolve_counting((self.file.counting, row.counting), group, metrics, where)
        if not metrics:
            return {}
        check_counting(counting, self.plan.runs[run].variant, of_module, where)
        return as_cell(counting, cost_key(run, of_module))

    def _seeded(self, row: Row, steps: list[Step], trained: bool, seed: int | None) -> dict[str, Any]:
        """One seed of a cell; every seed of a row is pending for the same reason."""
        resolved = resolve(self.params, steps, self.plan.scale, seed=seed)
        run = self._add(resolved, steps, row.label, trained)
        self._note_choices(resolved, select(self.params, steps), row.label)
        made: dict[str, Any] = {"run": run, "pending": self._measure(run, row.measure) or ""}
        if self.file.baseline is not None:
            made["baseline"] = self._baseline(steps, seed)
        return made

    def _note_choices(self, resolved: Resolved, chosen: dict[str, str], label: str) -> None:
        for choice in open_choices(self.params, resolved, chosen):
            labels = self.choices.setdefault(choice, [])
            if label not in labels:
                labels.append(label)

    def _baseline(self, steps: list[Step], seed: int | None) -> dict[str, str]:
        chosen = select(self.params, steps)
        shared = {k: chosen[k] for k in ("dataset", "backbone")}
        single = [Step(f"{self.where}: baseline", {**shared, **(self.file.baseline or {})})]
        runs = {}
        for task in self.params.dataset(chosen["dataset"]).outputs:
            resolved = resolve(self.params, single, self.plan.scale, only_task=task, seed=seed)
            runs[task] = self._add(resolved, single, f"baseline of the gain, {task}", True)
            self._measure(runs[task], "plain")
        return runs

    def _add(self, resolved: Resolved, steps: list[Step], label: str, trained: bool) -> str:
        name = run_name(resolved.variant)
        chosen = select(self.params, steps)
        if name not in self.plan.runs:
            title = " ".join(self.params.layer(s + "s", chosen[s]).title for s in ("method", "backbone", "dataset"))
            variant = resolved.variant
            kinds = (f"encoder.{variant.encoder.kind}", f"decoder.{variant.decoder.kind}")
            reason = next((self.pending[k] for k in kinds if k in self.pending), None)
            self.plan.runs[name] = Planned(resolved, chosen, title, reason, trained)
        planned = self.plan.runs[name]
        planned.trained |= trained
        use = Use(self.name, label)
        if use not in planned.uses:
            planned.uses.append(use)
        return name

    def _measure(self, run: str, measure: str) -> str | None:
        reason = self.plan.runs[run].pending or self.pending.get(f"measure.{measure}")
        self.plan.measures[run, measure] = reason
        return reason


def data_of(plan: Plan) -> dict[str, dict[str, Any]]:
    """Prepared data sets that the plan needs: name -> data set and options, without the crop."""
    needed: dict[str, dict[str, Any]] = {}
    for planned in _to_train(plan).values():
        variant = planned.variant
        options = variant.data.model_dump(mode="json", exclude={"crop"})
        needed.setdefault(data_name(variant.dataset, variant.data), {"dataset": variant.dataset, "options": options})
    return dict(sorted(needed.items()))


def _data_of_run(planned: Planned) -> str:
    return data_name(planned.variant.dataset, planned.variant.data)


def _to_train(plan: Plan) -> dict[str, Planned]:
    return {n: p for n, p in plan.runs.items() if p.trained and p.pending is None}


def _as_entry(planned: Planned) -> dict[str, Any]:
    variant = planned.variant.model_dump(mode="json", exclude_defaults=True)
    return {"title": planned.title, "data": _data_of_run(planned), "variant": variant}


def costs_of(plan: Plan) -> dict[str, dict[str, Any]]:
    """What is counted: the network of every run that is trained, and the module of every row that counts one."""
    counted = {(run, False) for run in _to_train(plan)}
    counted |= {
        (run, True) for (run, measure), reason in plan.measures.items() if measure == MODULE_COST and not reason
    }
    return {
        cost_key(run, of_module): {
            "run": run,
            "of": "module" if of_module else "model",
            "protocol": plan.cost_protocol,
        }
        for run, of_module in sorted(counted)
    }


def as_files(plan: Plan, root: Path) -> dict[Path, str]:
    """The plan as the committed files: the index, and one file per table, so that an edited label is a small change."""
    folder = root / "plan"
    scale = plan.scale
    runs = _to_train(plan)
    measured = {
        f"{run}__{measure}": {"run": run, "measure": measure, "data": _data_of_run(runs[run])}
        for (run, measure), reason in sorted(plan.measures.items())
        if reason is None and run in runs and measure != MODULE_COST
    }
    costs = costs_of(plan)
    modules = sorted({entry["run"] for entry in costs.values()} - set(runs))
    tables = {
        f"{scale}_{name.replace('/', '_')}": {"name": name, "file": f"{scale}/{name.replace('/', '_')}.yaml"}
        for name in sorted(plan.tables)
    }
    index = {
        "scale": scale,
        "data": data_of(plan),
        "runs": {name: _as_entry(p) for name, p in sorted(runs.items())},
        # not trained: only a module of theirs is counted
        "modules": {name: _as_entry(plan.runs[name]) for name in modules},
        "measures": {key: entry | {"protocol": plan.protocol} for key, entry in measured.items()},
        "scores": {
            key: entry | {"protocol": plan.boundary_protocol}
            for key, entry in measured.items()
            if "boundary" in runs[entry["run"]].variant.tasks
        },
        "costs": costs,
        "routing": {
            f"{run}__routing": {"run": run, "data": _data_of_run(runs[run]), "protocol": plan.routing_protocol}
            for run in sorted(plan.routed)
            if run in runs
        },
        "tables": tables,
        # apart, because DVC's stages of one kind have the same dependencies
        "figures": {key: entry for key, entry in tables.items() if not plan.tables[entry["name"]]["routing"]},
        "routing_figures": {key: entry for key, entry in tables.items() if plan.tables[entry["name"]]["routing"]},
        "pending": {
            name: {"title": p.title, "reason": p.pending}
            for name, p in sorted(plan.runs.items())
            if p.trained and p.pending is not None
        },
    }
    head = "# Generated by `python -m stages.plan --write`; edit params/tables, methods, scales instead.\n"
    files = {folder / f"{scale}.yaml": head + _dump(index)}
    for name, table in plan.tables.items():
        files[folder / scale / f"{name.replace('/', '_')}.yaml"] = head + _dump(table)
    return files


class _Dumper(yaml.CSafeDumper if hasattr(yaml, "CSafeDumper") else yaml.SafeDumper):  # type: ignore[misc]
    """Plain YAML in which numbers mean the same to YAML 1.1 (PyYAML, Snakemake) and 1.2 (DVC)."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _float(dumper: yaml.Dumper, value: float) -> yaml.Node:
    text = repr(value)
    if "e" in text and "." not in text:  # 1e-06 is a string to YAML 1.1
        mantissa, _, exponent = text.partition("e")
        text = f"{mantissa}.0e{exponent}"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Dumper.add_representer(float, _float)


def _dump(data: Any) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def write_plan(plan: Plan, root: Path) -> list[Path]:
    """Write the files that changed, each by rename; remove tables that are no longer declared. Returns what changed."""
    files = as_files(plan, root)
    changed = []
    for path, text in files.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue  # an untouched file keeps its time stamp
        write_text(path, text)
        changed.append(path)
    for path in _stale(plan, root, files):
        path.unlink()
        changed.append(path)
    return changed


def out_of_step(plan: Plan, root: Path) -> list[Path]:
    """Committed plan files that differ from what the tables say now."""
    files = as_files(plan, root)
    differing = [p for p, text in files.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    return [*differing, *_stale(plan, root, files)]


def _stale(plan: Plan, root: Path, files: dict[Path, str]) -> Iterator[Path]:
    yield from (p for p in sorted((root / "plan" / plan.scale).glob("*.yaml")) if p not in files)
