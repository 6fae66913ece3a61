"""dvc.yaml at one scale, resolved by DVC, in the shape that a Snakefile needs.

dvc.yaml is the only description of the stage graph: names, paths and commands here are those of its stages. Imports
neither torch nor the whole of DVC, so that a dry run stays quick.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from workflow.records import is_foreign

_TEMPLATE = re.compile(r"\$\{(?:item\.)?([A-Za-z_]\w*)\}")
ADOPTING = "DENSEMOE_ADOPTING"
"""Environment variable that `sync` sets: look at outputs that Snakemake did not make."""


@dataclass(frozen=True)
class Stage:
    """One resolved stage. `cached` are the outputs that DVC keeps; git keeps the others."""

    name: str
    cmd: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    cached: tuple[str, ...]

    @property
    def group(self) -> str:
        """The stage's name in dvc.yaml, without its key."""
        return self.name.partition("@")[0]

    @property
    def key(self) -> str:
        """The stage's key in the plan."""
        return self.name.partition("@")[2]


def plan_file(root: Path, scale: str) -> Path:
    """Where the compiled plan of a scale lies."""
    return root / "params" / "plan" / f"{scale}.yaml"


def scales(root: Path) -> list[str]:
    """Scales that have a compiled plan."""
    return sorted(p.stem for p in (root / "params" / "plan").glob("*.yaml"))


def _read(path: Path) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # compiled tables are long
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)


def description(root: Path, scale: str | None = None) -> dict[str, Any]:
    """dvc.yaml as data; with a scale, `vars` names the plan of that scale instead of the one in the file."""
    data = _read(root / "dvc.yaml")
    if scale is not None:
        data["vars"] = [plan_file(root, scale).relative_to(root).as_posix()]
    return data


def resolve(root: Path, data: Mapping[str, Any]) -> dict[str, Stage]:
    """Stages by name, resolved by DVC's own resolver."""
    from dvc.fs import localfs
    from dvc.parsing import DataResolver

    # of a repository the resolver uses the file system and the section `parsing` of its config only; opening a real one
    # would cost a second in every job on a cluster
    resolver = DataResolver(SimpleNamespace(fs=localfs, config={}), str(root), dict(data))
    return {name: _stage(name, body) for name, body in resolver.resolve()["stages"].items()}


def _outputs(body: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Path and whether DVC keeps it in its cache, of every output of a stage."""
    for kind in ("outs", "metrics", "plots"):
        for entry in body.get(kind, []):
            if isinstance(entry, str):
                yield entry, True
            else:
                ((path, options),) = entry.items()
                yield path, options.get("cache", True)


def _stage(name: str, body: Mapping[str, Any]) -> Stage:
    outs = dict(_outputs(body))
    cached = tuple(path for path, kept in outs.items() if kept)
    return Stage(name, body["cmd"], tuple(body.get("deps", [])), tuple(outs), cached)


def shown_by(table: Path) -> set[str]:
    """Keys of the stages that a compiled table shows: measures of its cells and of the baselines of its gain; costs."""
    compiled = _read(table)
    cells = [
        {**cell, **repeat}
        for row in compiled["rows"]
        for cell in row["cells"].values()
        for repeat in ({}, *cell.get("repeats", ()))  # further seeds of the same cell
    ]
    shown = {f"{cell['run']}__{cell['measure']}" for cell in cells if not cell["pending"]}
    shown |= {compiled["scale"] for cell in cells if "cost" in cell}  # one stage counts all networks of a scale
    return shown | {f"{run}__plain" for cell in cells for run in cell["baseline"].values()}


def results_of(table: Path) -> set[str]:
    """Keys of all stages whose results a compiled table and its figures show: measures, costs, routing, curves."""
    compiled = _read(table)
    runs = {cell["run"] for row in compiled["rows"] for cell in row["cells"].values()}
    return shown_by(table) | runs | {f"{run}__routing" for run in compiled["routing"]}


class Pipeline:
    """The stages of one scale, and what a rule asks of them."""

    def __init__(self, root: str | Path, scale: str):
        self.root, self.scale = Path(root).resolve(), scale
        if scale not in scales(self.root):
            raise SystemExit(f"error: there is no scale '{scale}'; allowed are {', '.join(scales(self.root))}.")
        self._description = description(self.root, scale)
        self.stages = resolve(self.root, self._description)
        self.producer = {out: stage for stage in self.stages.values() for out in stage.outs}

    # What a rule says of its stage group.

    def outputs(self, group: str) -> list[str]:
        """Output patterns of a stage group: `${key}` and `${item.x}` become wildcards, `${scale}` its value."""
        stage = self._description["stages"][group]
        fixed = {"scale": self.scale}
        if isinstance(stage["foreach"], list):  # over one item that is itself the scale
            fixed["item"] = self.scale
        return [_TEMPLATE.sub(lambda m: fixed.get(m[1], "{" + m[1] + "}"), path) for path, _ in _outputs(stage["do"])]

    def rule_inputs(self, group: str) -> Callable:
        """Input function of a rule."""
        return lambda wildcards: self.inputs(self.stage(group, wildcards))

    def rule_cmd(self, group: str) -> Callable:
        """The command of the stage, as a function of the wildcards."""
        return lambda wildcards: self.stage(group, wildcards).cmd

    def stage(self, group: str, wildcards: Mapping[str, str]) -> Stage:
        """The stage of a group that makes the outputs with these wildcards."""
        return self.producer[self.outputs(group)[0].format(**dict(wildcards.items()))]

    def all_outputs(self, group: str) -> list[str]:
        """Outputs of all stages of a group."""
        return [out for stage in self.stages.values() if stage.group == group for out in stage.outs]

    def one_of(self, group: str) -> str:
        """Pattern of the names of a group's tables, where two groups write into the same folder."""
        named = self._plan[re.fullmatch(r"\$\{(\w+)\}", self._description["stages"][group]["foreach"])[1]]
        return "|".join(sorted(re.escape(entry["name"]) for entry in named.values())) or "none"

    # Edges between stages.

    def inputs(self, stage: Stage) -> list[str]:
        """Dependencies of a stage as files: outputs of other stages, or sources.

        Edges are DVC's: paths overlap. Where a stage depends on a compiled table and on a folder of results, only the
        results that the table shows count, so that a table waits for its own runs only; DVC cannot say that.
        """
        files = [path for dep in stage.deps for path in self._makers_of(dep) or self._sources(dep)]
        tables = [dep for dep in stage.deps if dep.startswith(f"params/plan/{self.scale}/")]
        if not tables:
            return files
        shown = {key for table in tables for key in results_of(self.root / table)}
        return [p for p in files if p not in self.producer or self.producer[p].key in shown]

    def _sources(self, dep: str) -> list[str]:
        """A source, or the files of a folder of params: the time stamp of a folder tells nothing of its files."""
        folder = self.root / dep
        if not dep.startswith("params/") or not folder.is_dir():
            return [dep]
        return sorted(p.relative_to(self.root).as_posix() for p in folder.rglob("*.yaml"))

    def _makers_of(self, dep: str) -> list[str]:
        if dep in self.producer:
            return [dep]
        above = [folder.as_posix() for folder in Path(dep).parents if folder.as_posix() in self.producer]
        return self._outs_below.get(dep, above)

    @cached_property
    def _plan(self) -> dict[str, Any]:
        return _read(plan_file(self.root, self.scale))

    @cached_property
    def _outs_below(self) -> dict[str, list[str]]:
        below: dict[str, list[str]] = {}
        for out in self.producer:
            for folder in Path(out).parents:
                below.setdefault(folder.as_posix(), []).append(out)
        return below

    def needed(self, targets: Iterable[str]) -> list[Stage]:
        """The stages that make the targets, and all stages before them, each once."""
        found: dict[str, Stage] = {}
        waiting = list(targets)
        while waiting:
            stage = self.producer.get(waiting.pop())
            if stage is not None and stage.name not in found:
                found[stage.name] = stage
                waiting += self.inputs(stage)
        return list(found.values())

    # Outputs that Snakemake did not make.

    def refuse_unadopted(self) -> None:
        """End with a sentence where outputs kept by DVC are not Snakemake's: it would make them again."""
        if os.environ.get(ADOPTING):
            return
        foreign = [out for s in self.stages.values() for out in s.cached if is_foreign(self.root, out)]
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise SystemExit(
                f"error: {foreign[0]}{more} exists, but was not made by Snakemake (dvc pull, checkout or repro?), "
                "which would make it again. Run `python -m workflow.sync adopt` to keep what DVC finds unchanged, or "
                "delete it."
            )

    def came_with_git(self, stages: Iterable[Stage]) -> list[str]:
        """One output of each stage whose outputs came with the checkout: nobody knows what made them."""
        return [out for s in stages if (out := next((o for o in s.outs if is_foreign(self.root, o)), None))]
