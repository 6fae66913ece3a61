"""A raw data set -> packed splits, shard by shard, over processes; a killed one goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densemoe.data.codecs import CODECS
from densemoe.data.flavour import check_flavour, flavour_of
from densemoe.data.folders import resumed
from densemoe.data.packed import FORMAT, finish
from densemoe.data.prepare import nyud_v2, pascal_context
from densemoe.data.prepare.files import image_size
from densemoe.data.prepare.pool import completed
from densemoe.data.raw import check_files, layout, locate, read_splits
from densemoe.data.shards import SHARD_BYTES, Packable, cut, is_done, write_shard
from densemoe.params.errors import InputError, allowed

PREPARE = {"pascal_context": pascal_context.prepare, "nyud_v2": nyud_v2.prepare}
"""Data set -> function from the files of one image to its planes and notes."""

Progress = Callable[[int, int], None]
Prepared = tuple[dict[str, np.ndarray], dict[str, Any]]


@dataclass(frozen=True)
class Shard:
    """One shard to make; sent to the process that makes it."""

    dataset: str
    raw_root: Path
    folder: Path
    number: int
    ids: tuple[str, ...]
    codec: str

    def make(self, report: Callable[[], None] = lambda: None) -> int:
        """Write and verify the shard, unless it is there already; `report` is called per image. Returns its images."""
        files = [locate(self.dataset, self.raw_root, id_) for id_ in self.ids]
        key = self._key(files)
        if is_done(self.folder, self.number, key):
            for _ in self.ids:
                report()
        else:
            images = self._images(files, report)
            write_shard(self.folder, self.number, self.dataset, images, codec=self.codec, key=key)
        return len(self.ids)

    def _images(self, files: list[dict[str, Path]], report: Callable[[], None]) -> Iterator[Packable]:
        for id_, found in zip(self.ids, files, strict=True):
            planes, notes = PREPARE[self.dataset](found)
            yield Packable(id_, planes, notes, found["image"])
            report()

    def _key(self, files: list[dict[str, Path]]) -> str:
        """What the shard is made from: a raw file that was touched since makes it another."""
        stats = [(path, path.stat()) for found in files for path in found.values()]
        raw = [(path.relative_to(self.raw_root).as_posix(), stat.st_size, stat.st_mtime_ns) for path, stat in stats]
        return hashlib.sha256(json.dumps([FORMAT, self.codec, self.ids, raw]).encode()).hexdigest()


def prepare_dataset(
    dataset: str,
    raw_root: Path | str,
    out_root: Path | str,
    frame: tuple[int, int],
    *,
    flavour: str | None = None,
    codec: str = "raw",
    progress: Progress | None = None,
    workers: int = 1,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Pack both splits of a data set into `out_root`/train and `out_root`/val; an existing folder is replaced whole.

    After a kill or an interrupt the shards that were complete are verified and kept.

    Args:
        dataset: a name of `densemoe.data.raw.LAYOUTS`.
        raw_root: folder in that layout.
        out_root: where the packed splits go; appears only when both are complete and verified.
        frame: largest height and width that an image may have.
        flavour: the flavour that the raw data must be of; None takes any that has the layout.
        codec: a name of `densemoe.data.codecs.CODECS`; changes no sample.
        progress: called with images done and images in all: per image by one process, per shard by several.
        workers: processes; changes no byte.
        shard_bytes: bytes of planes at which a new shard begins.

    Raises InputError for anything wrong with the raw files, before `out_root` is touched.

    """
    raw_root, out_root = Path(raw_root), Path(out_root)
    layout(dataset)
    if codec not in CODECS:
        raise InputError(f"Unknown codec '{codec}'; allowed are {allowed(CODECS)}.")
    if not raw_root.is_dir():
        raise InputError(f"Folder {raw_root} is missing; it must hold the raw files of {dataset}.")
    found = flavour_of(dataset, raw_root)
    if flavour is not None:
        check_flavour(raw_root, dataset, found, flavour)
    splits = read_splits(dataset, raw_root)
    for ids in splits.values():
        check_files(dataset, raw_root, ids)
    cuts = {split: cut(_sizes(dataset, raw_root, ids, frame), dataset, shard_bytes) for split, ids in splits.items()}
    try:
        with resumed(out_root) as folder:
            for split in splits:
                (folder / split).mkdir(exist_ok=True)
            jobs = [
                Shard(dataset, raw_root, folder / split, number, tuple(splits[split][i] for i in images), codec)
                for split, parts in cuts.items()
                for number, images in enumerate(parts)
            ]
            _make(jobs, progress, workers)
            for split, parts in cuts.items():
                finish(folder / split, dataset, split, found, codec, len(parts))
    except BrokenProcessPool:
        raise InputError(
            "A process that prepared images was killed, perhaps for want of memory; complete shards are kept: run the "
            "same command again, with fewer --workers."
        ) from None


def _make(jobs: list[Shard], progress: Progress | None, workers: int) -> None:
    total, done = sum(len(job.ids) for job in jobs), 0

    def report(images: int = 1) -> None:
        nonlocal done
        done += images
        if progress is not None:
            progress(done, total)

    if workers <= 1:
        for job in jobs:
            job.make(report)
        return
    for images in completed(Shard.make, jobs, workers):
        report(images)


def _sizes(dataset: str, raw_root: Path, ids: list[str], frame: tuple[int, int]) -> list[tuple[int, int]]:
    """Heights and widths of the images, from their headers. Raises InputError for one larger than the frame."""
    sizes = []
    for id_ in ids:
        path = locate(dataset, raw_root, id_)["image"]
        height, width = image_size(path)
        if height > frame[0] or width > frame[1]:
            raise InputError(
                f"{path} is {height}x{width}; images of {dataset} are at most {frame[0]}x{frame[1]}, so this is "
                "another edition of the data set."
            )
        sizes.append((height, width))
    return sizes
