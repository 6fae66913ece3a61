"""Ids of the splits, from the original sources, verified by their published sha256."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densemoe.data.originals.sources import LISTS
from densemoe.data.prepare.files import read_mat
from densemoe.data.raw import SPLITS, ids_sha256
from densemoe.params.errors import InputError
from densemoe.params.files import DatasetFacts


def original_lists(dataset: str, root: Path, facts: DatasetFacts) -> dict[str, list[str]] | None:
    """Ids by split, or None where the source is not below `root`. Raises InputError for other lists than published."""
    if dataset == "nyud_v2":
        found = sorted(root.rglob(LISTS[dataset]))
        lists = _of_matlab(found[0]) if found else None
        where = found[:1]
    else:
        where = [path for split in SPLITS for path in sorted(root.rglob(LISTS[dataset].format(split=split)))[:1]]
        lists = {path.stem: path.read_text(encoding="utf-8").split() for path in where} if len(where) == 2 else None
    for split, ids in (lists or {}).items():
        wanted = facts.splits[split]
        if len(ids) != wanted.images or wanted.ids_sha256 not in (None, ids_sha256(ids)):
            raise InputError(
                f"{where[0]} does not give the {split} split: {len(ids)} ids, sha256 {ids_sha256(ids)}; published are "
                f"{wanted.images} and {wanted.ids_sha256}."
            )
    return lists


def _of_matlab(path: Path) -> dict[str, list[str]]:
    """The official split of NYU Depth V2: 1-based numbers, which become four-digit ids."""
    names = {"train": "trainNdxs", "val": "testNdxs"}
    return {split: [f"{int(n):04d}" for n in np.ravel(read_mat(path, name))] for split, name in names.items()}
