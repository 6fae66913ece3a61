"""A fetched archive put into its place: unpacked aside, checked, renamed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from densemoe.data.download.failure import MirrorError
from densemoe.data.download.room import UNPACKED, check_room
from densemoe.data.download.unpack import unpack
from densemoe.data.raw import layout
from densemoe.data.verify import check_raw
from densemoe.params.errors import InputError
from densemoe.params.files import DatasetFacts

Progress = Callable[[int, int], None]


def install(dataset: str, archive: Path, folder: Path, facts: DatasetFacts, progress: Progress | None = None) -> None:
    """Unpack `archive` as `folder`, which must not exist; it appears whole and checked, or not at all.

    Raises MirrorError when the archive is damaged, unsafe, incomplete or of another flavour, InputError when the disk
    has no room.
    """
    check_room(folder, int(archive.stat().st_size * UNPACKED), f"unpacking {archive.name}")
    aside = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        unpack(archive, aside, progress)
        root = _root(dataset, aside)
        try:
            check_raw(dataset, root, facts)
        except InputError as error:
            # the folder will be gone: name the archive instead
            raise MirrorError(str(error).replace(str(root), archive.name).rstrip(".")) from None
        root.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def link(dataset: str, source: Path, folder: Path, facts: DatasetFacts) -> None:
    """Make `folder` a link to the unpacked data set in `source`. Raises MirrorError when that is not complete."""
    try:
        check_raw(dataset, source, facts)
    except InputError as error:
        raise MirrorError(str(error).rstrip(".")) from None
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(source.resolve(), target_is_directory=True)


def _root(dataset: str, folder: Path) -> Path:
    """Where in the archive the data set begins: archives have one top folder, of any name."""
    split = layout(dataset).split.format(split="train")
    for place in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        if (place / split).is_file():
            return place
    raise MirrorError(f"the archive has no {split}: it is not {dataset} in the layout that is needed")
