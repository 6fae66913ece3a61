"""All signs of one training together, and whether it is alive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from densemoe.report.status.signs import (
    Process,
    Sign,
    age,
    last_lines,
    read_checkpoint,
    read_lock,
    read_progress,
)

SILENCE = 120.0
"""Seconds without a sign after which a process that cannot be looked up counts as gone. A lock changes every 10 s, but
other machines of a shared file system may see that a minute later."""
_LINES = 60


@dataclass(frozen=True)
class Log:
    """The end of a log."""

    lines: tuple[str, ...]
    age: float | None
    """Seconds since it was written; None where there is none."""

    @classmethod
    def read(cls, path: Path, now: float) -> Log:
        """Of a stage's log."""
        return cls(tuple(last_lines(path, _LINES)), age(path, now))

    @property
    def last(self) -> str:
        """The last line, empty if there is none."""
        return self.lines[-1] if self.lines else ""

    @property
    def was_stopped(self) -> bool:
        """Whether it ends with the sentence of a training that a signal ended (a remark may follow)."""
        return any(line.startswith("Stopped by ") for line in self.lines[-3:])

    @property
    def is_error(self) -> bool:
        """Whether it ends with a sentence for the user or with a traceback."""
        if self.was_stopped:
            return False
        return self.last.startswith("error:") or any(line.startswith("Traceback ") for line in self.lines)


@dataclass(frozen=True)
class Evidence:
    """What a run without a model has left so far."""

    lock: Process | None
    lock_age: float | None
    live: Sign | None
    live_age: float | None
    saved: Sign | None
    log: Log

    @classmethod
    def read(cls, runs: Path, run: str, now: float) -> Evidence:
        """From the folder of all runs."""
        folder = runs / run
        lock, live = read_lock(folder), read_progress(folder)
        return cls(
            lock=lock[0] if lock else None,
            lock_age=age(lock[1], now) if lock else None,
            live=live,
            live_age=age(folder / "progress.json", now) if live else None,
            saved=read_checkpoint(folder),
            log=Log.read(runs / "logs/train" / f"{run}.log", now),
        )

    @property
    def none(self) -> bool:
        """Whether nothing has begun."""
        return self.lock is None and self.live is None and self.saved is None and self.log.age is None

    @property
    def silent(self) -> float | None:
        """Seconds since the last sign."""
        return min((a for a in (self.lock_age, self.live_age, self.log.age) if a is not None), default=None)

    @property
    def alive(self) -> bool:
        """Whether a process trains: looked up where this machine can, else a recent sign is asked for.

        A lock decides; without one the live sign, and before its first step the log.
        """
        if self.lock is not None:
            return _recent(self.lock_age) if self.lock.alive is None else self.lock.alive
        if self.log.was_stopped or self.log.is_error:
            return False
        if self.live is not None and self.live.process is not None:
            alive = self.live.process.alive
            # it writes after a step, and a step of a large model may be slow
            return _recent(self.live_age, 10 * (self.live.seconds_per_step or 0.0)) if alive is None else alive
        return _recent(self.log.age)

    @property
    def process(self) -> Process | None:
        """Who trains, if it is alive."""
        return self.lock or (self.live.process if self.live else None)

    @property
    def current(self) -> Sign | None:
        """The live sign, unless a process before this one left it."""
        if self.live is None or self.live.process is None or self.lock is None:
            return self.live
        same = (self.live.process.host, self.live.process.pid) == (self.lock.host, self.lock.pid)
        return self.live if same else None


def _recent(seconds: float | None, patience: float = 0.0) -> bool:
    return seconds is not None and seconds <= max(SILENCE, patience)
