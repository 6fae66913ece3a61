"""The files that a training leaves while it is not done: lock, live sign, checkpoints, log. Read, never written.

Every reader gives None for what is not there or half there: another machine may be writing it.
"""

from __future__ import annotations

import csv
import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOCK = re.compile(r"training\.lock-(\d+)")
_CHECKPOINT = re.compile(r"step-(\d+)-[0-9a-f]{16}\.pt")
_TAIL = 64 * 1024


@dataclass(frozen=True)
class Process:
    """Who trains; `job` is SLURM's number, `boot`, `space` and `started` are what a lock says, else empty."""

    host: str
    pid: int
    job: str | None = None
    boot: str = ""
    """Of the kernel: another one means that all processes of before are gone."""
    space: str = ""
    """Of process numbers: a number says nothing about another container's process."""
    started: str = ""
    """In the kernel's ticks: numbers are given out again."""

    @property
    def alive(self) -> bool | None:
        """Whether it still runs; None where this machine cannot tell."""
        if self.host != socket.gethostname():
            return None
        if self.boot and self.boot != (_text(Path("/proc/sys/kernel/random/boot_id")) or "").strip():
            return False
        if self.space and self.space != _space():
            return None
        fields = (_text(Path(f"/proc/{self.pid}/stat")) or "").rpartition(")")[2].split()
        if len(fields) < 20 or fields[0] == "Z":
            return False
        return not self.started or fields[19] == self.started

    @property
    def where(self) -> str:
        """`job 7 on node3`, or `node3:4711`."""
        return f"job {self.job} on {self.host}" if self.job else f"{self.host}:{self.pid}"


@dataclass(frozen=True)
class Sign:
    """Steps done and what they cost, as last told by a trainer."""

    step: int
    losses: dict[str, float]
    seconds_per_step: float | None = None
    process: Process | None = None


def read_lock(folder: Path) -> tuple[Process, Path] | None:
    """Who holds the newest lock in the folder of a run, and the file, which is changed every few seconds."""
    locks = [(int(found[1]), p) for p in _listed(folder) if (found := _LOCK.fullmatch(p.name))]
    for _, path in sorted(locks, reverse=True):
        holder = _json((_text(path) or "").partition("\n")[0])
        try:
            known = {key: str(holder.get(key) or "") for key in ("boot", "space", "started")}
            return Process(holder["host"], int(holder["pid"]), holder.get("job"), **known), path
        except (TypeError, KeyError, ValueError, AttributeError):
            continue
    return None


def read_progress(folder: Path) -> Sign | None:
    """The live sign of a trainer, current or left behind."""
    data = _json(_text(folder / "progress.json") or "")
    try:
        process = Process(data["host"], int(data["pid"]))
        losses = {str(name): float(value) for name, value in data["losses"].items()}
        return Sign(int(data["step"]), losses, float(data["seconds_per_step"]), process)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def read_checkpoint(folder: Path) -> Sign | None:
    """Steps of the newest checkpoint, from its name, and the losses of the curve beside it; torch is not needed."""
    steps = [int(found[1]) for p in _listed(folder / "resume") if (found := _CHECKPOINT.fullmatch(p.name))]
    if not steps:
        return None
    rows = list(csv.DictReader((_text(folder / "resume/curve.csv") or "").splitlines()))
    losses = {}
    for name, value in (rows[-1] if rows else {}).items():
        if name not in ("step", "lr", None):
            try:
                losses[name] = float(value)
            except (TypeError, ValueError):
                continue
    return Sign(max(steps), losses)


def last_lines(log: Path, count: int = 1) -> list[str]:
    """The last lines of a log that are not empty; [] where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            # a bar on a terminal writes one line over and over
            text = file.read().decode("utf-8", "replace").replace("\r", "\n")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()][-count:]


def age(path: Path, now: float) -> float | None:
    """Seconds since a file was written; clocks of file servers differ a little, so that it may be a little wrong."""
    try:
        return max(0.0, now - path.stat().st_mtime)
    except OSError:
        return None


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
