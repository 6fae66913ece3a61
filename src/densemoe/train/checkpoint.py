"""Checkpoints of a run under way: written at once, named after their own sha256, the last two kept."""

from __future__ import annotations

import hashlib
import pickle
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import nn

from densemoe.params.atomic import naming_after, write_text
from densemoe.params.errors import InputError
from densemoe.train.curve import Curve

FORMAT = 1
KEPT = 2
_NAME = re.compile(r"step-(\d+)-([0-9a-f]{16})\.pt")


class Checkpointer:
    """Saves and restores one run in one folder: step, weights, optimizer, curve, time trained, sessions.

    The file `step-0000020-<first 16 digits of its sha256>.pt` appears complete or not at all; a live copy of the curve,
    `curve.csv`, lies beside it for a person to watch. No generator state is stored: the loop needs none.

    Args:
        folder: where the checkpoints lie; made at the first save.
        run: name of the run; checkpoints of another one are refused.
        session: what to remember of this process, e.g. its commit; `step` is added.
        every_steps: a checkpoint is due after this many steps,
        every_seconds: or after this much time,
        before_writing: called before a checkpoint is written; raises if this process must not write any more.
        share: but only once saving has taken at most this share of the time, so that a large model is saved less often.
        say: takes warnings, a line each.
        clock: seconds that only grow.

    """

    def __init__(
        self,
        folder: Path,
        run: str,
        *,
        session: dict[str, Any],
        every_steps: int,
        every_seconds: float,
        share: float = 0.05,
        before_writing: Callable[[], None] = lambda: None,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.folder = folder
        self.step = 0
        """Steps done at the last checkpoint that is on disk."""
        self.sessions: list[dict[str, Any]] = [{"step": 0, **session}]
        """What is remembered of every process that trained this run, and the step at which it began."""
        self._run, self._session, self._say, self._clock = run, session, say, clock
        self._every_steps, self._every_seconds, self._share = every_steps, every_seconds, share
        self._before_writing = before_writing
        self._seconds_before, self._began = 0.0, clock()
        self._saved_at, self._cost = clock(), 0.0
        self._good: list[Path] = []

    @property
    def seconds(self) -> float:
        """Time trained, over all processes; what was done after a checkpoint and lost is not counted."""
        return self._seconds_before + self._clock() - self._began

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer, curve: Curve) -> int:
        """Load the newest sound checkpoint, if there is one, and return the step to go on with (0 at the start).

        A damaged one is passed over with a warning.

        Raises:
            InputError: the checkpoint is of another run or format, or does not fit model, optimizer or curve.

        """
        for path in _newest_first(self.folder):
            state = _read(path)
            if state is None:
                self._say(f"warning: {path} is damaged and passed over; going back to the one before, if any.")
                continue
            self._check(path, state)
            try:
                model.load_state_dict(state["model"])
                optimizer.load_state_dict(state["optimizer"])
                curve.load_state(state["curve"])
            except (RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise InputError(
                    f"{path} does not fit what this version of the code builds for run {self._run} ({reason}). "
                    f"Remove {self.folder} to train from the start."
                ) from None
            self.step = state["step"]
            self.sessions = [*state["sessions"], {"step": self.step, **self._session}]
            self._seconds_before, self._began = state["seconds"], self._clock()
            self._good = [path]
            self._say(f"going on at step {self.step} from {path}")
            break
        self._saved_at = self._clock()
        return self.step

    def due(self, step: int) -> bool:
        """Whether to save now, with `step` steps done."""
        since = self._clock() - self._saved_at
        asked = step - self.step >= self._every_steps or since >= self._every_seconds
        return asked and self._cost <= self._share * since

    def save(self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, curve: Curve) -> Path:
        """Write a checkpoint of `step` steps done, then remove all but the last two.

        Raises OSError, e.g. when the disk is full; the checkpoints before are then untouched.
        """
        began = self._clock()
        self._before_writing()
        state = {
            "format": FORMAT,
            "run": self._run,
            "step": step,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "curve": curve.state(),
            "seconds": self.seconds,
            "sessions": self.sessions,
        }
        path = _write(self.folder, step, state)
        self._good = [*self._good, path][-KEPT:]
        write_text(self.folder / "curve.csv", curve.text)
        for old in self.folder.glob("step-*.pt"):
            if old not in self._good:
                old.unlink()
        self.step, self._saved_at = step, self._clock()
        self._cost = self._saved_at - began
        return path

    def clear(self) -> None:
        """Remove the folder: the run is complete."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _check(self, path: Path, state: dict[str, Any]) -> None:
        if state.get("format") != FORMAT:
            raise InputError(
                f"{path} has format {state.get('format')}, this version reads format {FORMAT}. "
                f"Remove {self.folder} to train from the start."
            )
        if state["run"] != self._run:
            raise InputError(
                f"{path} is a checkpoint of run {state['run']}, not of {self._run}. Move it away, or remove "
                f"{self.folder} to train from the start."
            )


class _HashingWriter:
    """Passes bytes on and keeps their sha256; remembers the OSError that torch.save turns into something else."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._hash = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            written = self._file.write(data)
        except OSError as error:
            self.error = error
            raise
        self._hash.update(data)
        return written

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:16]


def _write(folder: Path, step: int, state: dict[str, Any]) -> Path:
    def target() -> Path:
        return folder / f"step-{step:07d}-{writer.digest}.pt"

    with naming_after(folder / ".checkpoint.partial", target) as file:
        writer = _HashingWriter(file)
        try:
            torch.save(state, writer)
        except RuntimeError:
            if writer.error is not None:
                raise writer.error from None
            raise
    return target()


def _newest_first(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name)), reverse=True)


def _read(path: Path) -> dict[str, Any] | None:
    """The content, or None if the file is damaged."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest()[:16] != _NAME.fullmatch(path.name)[2]:
            return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
