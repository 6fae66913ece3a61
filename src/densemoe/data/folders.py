"""Folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from densemoe.params.errors import InputError


@contextmanager
def replaced(folder: Path | str) -> Iterator[Path]:
    """Yield an empty temporary folder beside `folder`; when the block ends well it takes its place.

    On an exception `folder` is left as it was and the temporary one is removed. What a killed process left behind is
    removed by the next one. One process at a time per folder.
    """
    folder = Path(folder)
    partial = _partial(folder)
    _remove(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        _remove(partial)
        raise
    _swap(partial, folder)


@contextmanager
def resumed(folder: Path | str) -> Iterator[Path]:
    """As `replaced`, but what a killed or interrupted process left in the temporary folder is still there.

    Bad input and a full disk remove it.
    """
    folder = Path(folder)
    partial = _partial(folder)
    partial.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
    except (InputError, OSError):
        _remove(partial)
        raise
    _swap(partial, folder)


def _partial(folder: Path) -> Path:
    """Name of the temporary folder, once a swap that was cut short is mended."""
    old = _old(folder)
    if old.exists() and not folder.exists():
        # killed between the two renames of a swap
        old.rename(folder)
    _remove(old)
    return folder.with_name(f".{folder.name}.partial")


def _swap(partial: Path, folder: Path) -> None:
    if folder.exists():
        folder.rename(_old(folder))
    partial.rename(folder)
    _remove(_old(folder))


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
