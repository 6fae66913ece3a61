"""A live sign of a training for others to read: `progress.json` beside the model to be, every few seconds.

Not an output: no engine knows it, no training reads it back, and one that cannot write it goes on. Imports no torch.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

NAME = "progress.json"
EVERY_SECONDS = 5.0


class LiveSign:
    """To call after every step with its number and the losses by name; a context manager that removes the file.

    So the file is there only while the process is, unless that was killed.

    The file holds `run`, `step` (steps done), `iterations`, `losses`, `seconds_per_step` (mean of this process),
    `host`, `pid` and `written` (seconds since 1970 by the trainer's clock).

    Args:
        folder: of the run.
        run: name of the run.
        iterations: steps of the whole training.
        every: seconds between two writings; the first step is always written.
        clock: seconds since 1970.

    """

    def __init__(
        self,
        folder: Path,
        run: str,
        iterations: int,
        *,
        every: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.time,
    ):
        self._path = folder / NAME
        self._partial = folder / f".{NAME}.{os.getpid()}.partial"
        self._head = {"run": run, "iterations": iterations, "host": socket.gethostname(), "pid": os.getpid()}
        self._every, self._clock = every, clock
        self._began, self._written = clock(), float("-inf")
        self._done = 0

    def __enter__(self) -> LiveSign:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        """Count a step that has just been done."""
        self._done += 1
        now = self._clock()
        if now - self._written < self._every:
            return
        self._written = now
        pace = {"seconds_per_step": (now - self._began) / self._done, "written": now}
        self._write(json.dumps({**self._head, "step": step + 1, "losses": dict(values), **pace}))

    def _write(self, text: str) -> None:
        # renamed, so that no reader sees a half; not synced to disk, which would cost more than it is worth
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._partial.write_text(text, encoding="utf-8")
            self._partial.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                self._partial.unlink()
