"""What is known of the images scored so far: one line of JSON an image, appended, so that a killed run goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from densemoe.params.atomic import write_text


class Journal:
    """An append-only file of records; a record counts only for the same job, and for files that did not change."""

    def __init__(self, path: Path, job: dict[str, Any]):
        """`job`: what the counts depend on beside the images. A file of another job is started anew."""
        self._path = path
        self._head = json.dumps(job, sort_keys=True)
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else [""]
        if lines[0] != self._head:
            lines = [self._head]
        # what follows the last line break was cut off in the middle of writing
        self._lines = [line for line in lines[1:-1] if _record(line) is not None]
        write_text(path, "".join(line + "\n" for line in [self._head, *self._lines]))

    def records(self) -> list[dict[str, Any]]:
        """Records in the order in which they were written."""
        return [record for line in self._lines if (record := _record(line)) is not None]

    def append(self, record: dict[str, Any]) -> None:
        """Add a record; it is on disk when this returns."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
