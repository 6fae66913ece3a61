"""Files that appear whole or not at all: temporary name, fsync, rename."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write; it takes the place of `path` when the block ends well, else nothing changes."""
    with naming_after(path.with_name(f".{path.name}.partial"), lambda: path) as file:
        yield file


@contextmanager
def naming_after(partial: Path, target: Callable[[], Path]) -> Iterator[BinaryIO]:
    """Like `replacing`, for a file whose name is known only once it is written; both names are in one folder.

    An OSError without a file name (a full disk) gets one, so that the sentence for the user can name it.
    """
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target())
        _sync_folder(partial.parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(partial)
        raise


def write_text(path: Path, text: str) -> None:
    """Replace a text file at once."""
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def json_text(data: Any) -> str:
    """JSON with sorted keys, indent 1, no NaN (ValueError)."""
    return json.dumps(data, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def write_json(path: Path, data: Any) -> None:
    """Replace a JSON file at once; see `json_text`."""
    write_text(path, json_text(data))


def _sync_folder(folder: Path) -> None:
    # without it a power cut may undo the rename
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
