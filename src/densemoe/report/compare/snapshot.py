"""One state of the repository as data: tables with our numbers, options of runs, who trained them; scale by scale."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densemoe.params.errors import InputError
from densemoe.params.files import read_yaml
from densemoe.params.tolerances import Tolerances
from densemoe.report.compare.older import completed_index, completed_table
from densemoe.report.compare.options import dotted
from densemoe.report.model import Table
from densemoe.report.scale import Scale


@dataclass(frozen=True)
class Training:
    """Where the weights of a run come from: the code that trained them, None where git did not know it."""

    commit: str | None
    dirty: bool | None
    imported: str = ""
    """File and beginning of the sha256 of weights that were trained elsewhere."""

    @property
    def short(self) -> str:
        """E.g. `1a2b3c4`, `1a2b3c4 with changes` or `imported from x.pth, sha256 012345678901`."""
        if self.imported:
            return f"imported from {self.imported}"
        return (self.commit[:7] if self.commit else "unknown code") + (" with changes" if self.dirty else "")


@dataclass(frozen=True)
class ScaleSnapshot:
    """One scale: never compared with another one."""

    scale: str
    tables: Mapping[str, Table]
    options: Mapping[str, Mapping[str, Any]]
    """Run -> dotted option -> value; pending runs have none."""
    trained: Mapping[str, Training]
    tolerances: Tolerances
    refused: tuple[str, ...] = ()
    """A sentence per file that cannot be used; the rest is there."""


@dataclass(frozen=True)
class Snapshot:
    """What stands in a commit or in the working tree."""

    name: str
    scales: Mapping[str, ScaleSnapshot]
    problems: tuple[str, ...] = ()
    """A sentence per plan that cannot be read; the other scales are there."""


def read_snapshot(root: Path, name: str, scales: Collection[str]) -> Snapshot:
    """Read the given scales from a folder that holds params/ and reports/; a scale without a plan is left out."""
    found, problems = {}, []
    for scale in sorted(scales):
        plan = root / "params/plan" / f"{scale}.yaml"
        if not plan.is_file():
            continue
        try:
            found[scale] = _read_scale(plan, root / "reports")
        except InputError as error:
            problems.append(str(error).replace(f"{root}/", ""))
        except (KeyError, TypeError, AttributeError) as error:
            problems.append(
                f"params/plan/{scale}.yaml is of a version of the plan that this code does not read ({error!r})."
            )
    return Snapshot(name, found, tuple(dict.fromkeys(problems)))  # one file may concern all scales


def _read_scale(plan: Path, reports: Path) -> ScaleSnapshot:
    index = completed_index(read_yaml(plan))
    compiled = [completed_table(read_yaml(plan.parent / entry["file"])) for entry in index["tables"].values()]
    read = Scale.of(index, compiled, plan.parent.parent, reports)
    trained, refused = _trained(read.results.folder / "provenance")
    sections = [section for section in read.index.values() if isinstance(section, dict)]
    return ScaleSnapshot(
        scale=read.index["scale"],
        tables={table.name: table for table in read.tables},
        options={
            name: dotted(entry["variant"])
            for section in sections
            for name, entry in section.items()
            if isinstance(entry, dict) and "variant" in entry
        },
        trained=trained,
        tolerances=read.tolerances,
        refused=(*read.results.refusals(), *refused),
    )


def _trained(folder: Path) -> tuple[dict[str, Training], list[str]]:
    """Run -> who trained it, and a sentence per unreadable record."""
    trained, refused = {}, []
    for file in sorted(folder.glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            imported = record.get("imported")
            origin = f"{imported['file']}, sha256 {imported['sha256'][:12]}" if imported else ""
            trained[file.stem] = Training(record["commit"], record["dirty"], origin)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            name = file.relative_to(folder.parents[2]).as_posix()
            refused.append(f"{name}: is not a readable record of a training; the run's commit is not known.")
    return trained, refused
