"""A raw data set -> packed splits, image by image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from densemoe.data.folders import replaced
from densemoe.data.packed import SHARD_BYTES, Writer
from densemoe.data.prepare import nyud_v2, pascal_context
from densemoe.data.raw import check_files, layout, locate, read_splits
from densemoe.params.errors import InputError

PREPARE = {"pascal_context": pascal_context.prepare, "nyud_v2": nyud_v2.prepare}
"""Data set -> function from the files of one image to its planes and notes."""

Progress = Callable[[int, int], None]
Prepared = tuple[dict[str, np.ndarray], dict[str, Any]]


def prepare_dataset(
    dataset: str,
    raw_root: Path | str,
    out_root: Path | str,
    frame: tuple[int, int],
    *,
    progress: Progress | None = None,
    workers: int = 1,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Pack both splits of a data set into `out_root`/train and `out_root`/val; an existing folder is replaced whole.

    Args:
        dataset: a name of `densemoe.data.raw.LAYOUTS`.
        raw_root: folder in that layout.
        out_root: where the packed splits go; appears only when both are complete and verified.
        frame: largest height and width that an image may have.
        progress: called with images done and images in all.
        workers: processes.
        shard_bytes: size at which a new shard begins.

    Raises InputError for anything wrong with the raw files, before `out_root` is touched.

    """
    layout(dataset)
    if not Path(raw_root).is_dir():
        raise InputError(f"Folder {raw_root} is missing; it must hold the raw files of {dataset}.")
    splits = read_splits(dataset, raw_root)
    for ids in splits.values():
        check_files(dataset, raw_root, ids)
    total = sum(len(ids) for ids in splits.values())
    done = 0
    with replaced(out_root) as folder:
        for split, ids in splits.items():
            step = None if progress is None else partial(_shifted, progress, done, total)
            (folder / split).mkdir()
            prepare_split(
                dataset, raw_root, folder / split, split, ids, frame,
                progress=step, workers=workers, shard_bytes=shard_bytes,
            )  # fmt: skip
            done += len(ids)


def prepare_split(
    dataset: str,
    raw_root: Path | str,
    folder: Path,
    split: str,
    ids: list[str],
    frame: tuple[int, int],
    *,
    progress: Progress | None = None,
    workers: int = 1,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Pack the images `ids` into the empty `folder` and read them back; arguments as in `prepare_dataset`."""
    prepare = partial(_prepare, dataset, Path(raw_root), frame)
    with Writer(folder, dataset, split, shard_bytes) as writer, _mapped(prepare, ids, workers) as prepared:
        for number, (id_, (planes, notes)) in enumerate(zip(ids, prepared, strict=True), start=1):
            writer.add(id_, planes, notes)
            if progress is not None:
                progress(number, len(ids))
        writer.finish()


def _prepare(dataset: str, raw_root: Path, frame: tuple[int, int], id_: str) -> Prepared:
    files = locate(dataset, raw_root, id_)
    planes, notes = PREPARE[dataset](files)
    height, width = planes["image"].shape[:2]
    if height > frame[0] or width > frame[1]:
        raise InputError(
            f"{files['image']} is {height}x{width}; images of {dataset} are at most {frame[0]}x{frame[1]}, so this is "
            "another edition of the data set."
        )
    return planes, notes


@contextmanager
def _mapped(function: Callable[[str], Prepared], ids: list[str], workers: int) -> Iterator[Iterator[Prepared]]:
    if workers <= 1:
        yield map(function, ids)
        return
    # spawn: a fork of a process with threads may hang
    with get_context("spawn").Pool(min(workers, len(ids))) as pool:
        # in blocks, so that finished images never pile up before a slow disk
        blocks = (ids[start : start + 16 * workers] for start in range(0, len(ids), 16 * workers))
        yield (prepared for block in blocks for prepared in pool.map(function, block))


def _shifted(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)
