"""Which original sources a folder holds, and what follows for each part of the layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from densemoe.data.originals.lists import original_lists
from densemoe.data.originals.sources import PARTS, Part
from densemoe.data.raw import layout
from densemoe.params.files import DatasetFacts


@dataclass(frozen=True)
class Finding:
    """One part of the layout: the folder with its originals, the ids that have one, or why it cannot be rebuilt."""

    part: Part
    folder: Path | None
    ids: tuple[str, ...]
    wanted: int

    @property
    def complete(self) -> bool:
        """Every id that needs it has it."""
        return self.folder is not None and (self.part.optional or len(self.ids) == self.wanted)

    def __str__(self) -> str:
        name = self.part.target.rpartition("/")[0]
        if self.part.pattern is None:
            return f"{name}: cannot be rebuilt: {self.part.why_not}"
        if self.folder is None:
            return f"{name}: its source is not there: {self.part.source}, with {self.part.pattern}"
        some = "the ids that have one" if self.part.optional else f"{self.wanted} ids"
        return f"{name}: {len(self.ids)} files of {some}, from {self.folder}"


def survey(dataset: str, root: Path, facts: DatasetFacts) -> tuple[dict[str, list[str]] | None, list[Finding]]:
    """Lists of the splits where they are there, and a finding for each part. Raises InputError for wrong lists."""
    layout(dataset)
    lists = original_lists(dataset, root, facts)
    ids = [id_ for part in (lists or {}).values() for id_ in part]
    return lists, [_find(part, root, ids) for part in PARTS[dataset]]


def _find(part: Part, root: Path, ids: list[str]) -> Finding:
    if part.pattern is None:
        return Finding(part, None, (), len(ids))
    place, _, name = part.pattern.rpartition("/")
    for folder in (root / place, *sorted(root.rglob(place))):
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        if found := tuple(id_ for id_ in ids if name.format(id=id_) in there):
            return Finding(part, folder, found, len(ids))
    return Finding(part, None, (), len(ids))
