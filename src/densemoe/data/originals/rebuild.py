"""The parts of a data set that are plain copies of its original sources, in the archives' layout."""

from __future__ import annotations

import shutil
from pathlib import Path

from densemoe.data.folders import replaced
from densemoe.data.originals.survey import Finding
from densemoe.data.raw import layout
from densemoe.params.errors import InputError


def rebuild(dataset: str, lists: dict[str, list[str]], findings: list[Finding], out: Path) -> list[Finding]:
    """Write the lists and every complete part into `out`, whole or not at all; returns the parts that are missing.

    Raises InputError when `out` exists: what is there may be better.
    """
    if out.exists():
        raise InputError(f"{out} exists; name a new folder.")
    with replaced(out) as folder:
        for split, ids in lists.items():
            path = folder / layout(dataset).split.format(split=split)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{id_}\n" for id_ in ids), encoding="utf-8")
        for finding in findings:
            if finding.complete:
                _copy(finding, folder)
    return [finding for finding in findings if not finding.complete]


def _copy(finding: Finding, folder: Path) -> None:
    name = finding.part.pattern.rpartition("/")[2]
    for id_ in finding.ids:
        target = folder / finding.part.target.format(id=id_)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(finding.folder / name.format(id=id_), target)
