"""The prepared data of a run, of the flavour that its numbers are meant for."""

from __future__ import annotations

from pathlib import Path

from densemoe.data.flavour import wanted_flavour
from densemoe.data.packed import Reader
from densemoe.train.entry import Entry


def packed_split(data_root: Path, entry: Entry, split: str) -> Reader:
    """Open data/packed/NAME/SPLIT. Raises InputError when it is missing, damaged or of another flavour."""
    wanted = wanted_flavour(entry.variant.dataset, entry.variant.data.kind)
    return Reader(data_root / "packed" / entry.data / split, wanted)
