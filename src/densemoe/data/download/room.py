"""Room on the disk, asked for before it is used."""

from __future__ import annotations

import shutil
from pathlib import Path

from densemoe.params.errors import InputError

UNPACKED = 1.5
"""Bytes on disk per byte of an archive: its images hardly shrink, its label maps and depths do. An estimate."""


def check_room(folder: Path, needed: int, purpose: str) -> None:
    """Raise InputError when the disk of `folder`, or of its nearest parent that exists, has fewer bytes left."""
    there = folder
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if free < needed:
        raise InputError(
            f"The disk of {folder} has {gigabytes(free)} left, but {purpose} takes about {gigabytes(needed)}; free "
            "some room, or let the folder be a link to a larger disk."
        )


def gigabytes(count: int) -> str:
    """Bytes for a person: 4.22 GB, 317 kB."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
