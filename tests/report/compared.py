"""A git repository with params, a compiled plan of one small table, metrics and code, changed commit by commit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pygit2

from densemoe.params.files import Params, read_yaml
from densemoe.params.plan import compile_plan, write_plan
from densemoe.report.compare.changes import Comparison
from stages.compare import Revisions, compare_revisions

TABLE = "mlore/table11"
_WHO = pygit2.Signature("a", "a@b.c", 1_700_000_000, 0)


class Repository:
    """Under construction in a folder; `params` is the real params/ to take everything but tables from."""

    def __init__(self, folder: Path, params: Path, scale: str = "paper"):
        self.root, self.scale = folder, scale
        shutil.copytree(params, folder / "params", ignore=shutil.ignore_patterns("plan", "tables", "claims"))
        self._git = pygit2.init_repository(folder)

    def table(self, rows: dict[str, dict[str, Any]], head: str = "", columns: str = "semseg.miou, normals.mean_deg"):
        """Write the table and compile the plan: label -> `set` and `paper` of a row."""
        lines = ["title: Top-k", "source: {paper: mlore, table: 11}", f"columns: [{columns}]", head]
        lines += ["base: {method: mlore, dataset: pascal_context, backbone: vit_base}", "rows:"]
        for label, row in rows.items():
            lines += [f"  - label: {label}", *(f"    {key}: {json.dumps(value)}" for key, value in row.items())]
        path = self.write(f"params/tables/{TABLE}.yaml", "\n".join(lines) + "\n")
        write_plan(compile_plan(Params(self.root / "params"), self.scale), self.root / "params")
        return path

    def run_of(self, label: str, seed: int = 0) -> str:
        """The run of a row as the plan names it now."""
        rows = read_yaml(self.root / f"params/plan/{self.scale}/mlore_table11.yaml")["rows"]
        cell = next(row for row in rows if row["label"] == label)["cells"]["all"]
        return [cell["run"], *(repeat["run"] for repeat in cell.get("repeats", ()))][seed]

    def metrics(self, label: str, miou: float, normals: float, *, seed: int = 0, protocol: int = 1) -> Path:
        """A metrics file of the run of a row."""
        run = self.run_of(label, seed)
        head = {"scale": self.scale, "run": run, "measure": "plain", "dataset": "pascal_context", "seed": seed}
        head |= {"images": 5105, "protocol": {"pixel_metrics": protocol}}
        content = head | {"metrics": {"semseg": {"miou": miou}, "normals": {"mean_deg": normals}}}
        return self.write(f"reports/{self.scale}/metrics/{run}/plain.json", json.dumps(content))

    def cost(self, label: str, params: int) -> Path:
        """A cost file of the run of a row: so many parameters, a multiply-add each."""
        run = self.run_of(label)
        head = {"scale": self.scale, "run": run, "of": "model", "dataset": "pascal_context", "protocol": {"cost": 1}}
        counts = {"params": {"used": params}, "macs": {"plain": params, "merged": params}}
        parts = {form: {"all": {"params": params, "macs": params}} for form in ("plain", "merged")}
        content = head | {"image": {"height": 512, "width": 512}} | counts | {"parts": parts}
        return self.write(f"reports/{self.scale}/costs/{run}.json", json.dumps(content))

    def trained(self, label: str, commit: str, *, dirty: bool = False, seed: int = 0) -> Path:
        """The record of a training."""
        record = json.dumps({"commit": commit, "dirty": dirty})
        return self.write(f"reports/{self.scale}/provenance/{self.run_of(label, seed)}.json", record)

    def write(self, path: str, text: str) -> Path:
        """A file with its folders."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def commit(self) -> str:
        """Everything that is there, as a commit; its short name."""
        index = self._git.index
        index.add_all()
        index.remove_all([entry.path for entry in index if not (self.root / entry.path).exists()] or ["nothing"])
        parents = [] if self._git.head_is_unborn else [self._git.head.target]
        done = self._git.create_commit("HEAD", _WHO, _WHO, "", index.write_tree(), parents)
        index.write()
        return str(done)[:7]

    def compare(self, before: str, after: str | None = None, scale: str | None = None) -> Comparison:
        """As the command does."""
        return compare_revisions(Revisions(self.root, before, after), scale)
