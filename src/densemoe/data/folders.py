"""Folders that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(folder: Path | str) -> Iterator[Path]:
    """Yield an empty temporary folder beside `folder`; when the block ends well it takes its place.

    On an exception `folder` is left as it was and the temporary one is removed. What a killed process left behind is
    removed by the next one. One process at a time per folder.
    """
    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        # killed between the two renames below
        old.rename(folder)
    _remove(partial)
    _remove(old)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        _remove(partial)
        raise
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
