"""The lock of a run: one process at a time writes into its folder, on network file systems too. Imports no torch.

No flock: it is off or local to a machine on many clusters. A lock is a file `training.lock-N`, made by a hard link,
which every file server makes exactly once. A holder says in it who it is and changes a counter every few seconds.
Whoever finds files of dead holders only makes the next number; nothing is ever taken away from a holder, and of two
that come together at least one sees the other. A file is dead when its process is (same machine and boot), when SLURM
says that its job is over, or when its counter stands still while it is being watched: clocks are never compared.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from densemoe.params.errors import InputError

_NAME = re.compile(r"training\.lock-(\d+)")
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


class RunLocked(InputError):
    """Another process trains this run, or has taken it over; the text is a sentence for the user."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock."""

    host: str
    boot: str
    """Of the kernel: another one means that all processes of before are gone."""
    space: str
    """Of process numbers: a number says nothing about another container's process."""
    pid: int
    started: str
    """Of the process, in the kernel's ticks: numbers are given out again."""
    job: str | None
    """SLURM's number of the job, if there is one."""
    token: str

    @property
    def who(self) -> str:
        """For a sentence."""
        return f"process {self.pid} on {self.host}" + (f" (SLURM job {self.job})" if self.job else "")


def this_process(job: str | None) -> Holder:
    """The holder that this process would be."""
    return Holder(
        socket.gethostname(), _boot(), _space(), os.getpid(), _started(os.getpid()), job, secrets.token_hex(8)
    )


class RunLock:
    """Context manager that holds a run's lock.

    Args:
        folder: of the run; made if it is not there.
        run: name of the run, for sentences.
        job: SLURM's number of the job that this process belongs to.
        job_is_over: asks SLURM about another job: True if nothing of it can run any more, None if that is not known.
        beat: seconds between two changes of the counter.
        patience: a foreign counter that stands still for so many seconds belongs to a dead holder.
        say: takes a line where the patience is needed.

    Entering raises RunLocked when somebody else holds the lock, OSError when the folder cannot be written.

    """

    def __init__(
        self,
        folder: Path,
        run: str,
        *,
        job: str | None = None,
        job_is_over: Callable[[str], bool | None] = lambda job: None,
        beat: float = 10.0,
        patience: float = 60.0,
        say: Callable[[str], None] = lambda text: None,
    ):
        self._folder, self._run, self._job = folder, run, job
        self._job_is_over, self._beat, self._patience, self._say = job_is_over, beat, patience, say
        self._path: Path | None = None
        self._descriptor = -1
        self._over = threading.Event()
        self._beating: threading.Thread | None = None

    def __enter__(self) -> RunLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._holder = this_process(self._job)
        while not self._try():
            time.sleep(random.uniform(0.05, 0.5))  # of two that stood back from each other one comes first
        self._count_to(1)
        self._beating = threading.Thread(target=self._keep_beating, name="run lock", daemon=True)
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._beating.join()
        os.close(self._descriptor)
        if self._is_mine():
            self._path.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise RunLocked if somebody took the run over, as after this process was suspended or cut off for long."""
        number = _number(self._path)
        later = [path for path in self._files() if _number(path) > number and _is_held(path)]
        if later or not self._is_mine():
            holder = _read(max(later, key=_number)) if later else None
            by = holder.who if holder else "another process"
            raise RunLocked(
                f"run {self._run} was taken over by {by} while this process ({self._holder.who}) gave no sign of life; "
                "it ends here and writes nothing more."
            )

    # Taking.

    def _try(self) -> bool:
        """Take the lock. False when another one came at the same time; raises RunLocked when one holds it."""
        dead = {path: _identity(path) for path in self._files()}
        for path in dead:
            self._refuse_if_alive(path)
        number = max((_number(path) for path in dead), default=0) + 1
        if not self._make(self._folder / f"training.lock-{number}"):
            return False
        others = [path for path in self._files() if path != self._path]
        if any(_number(path) > number or dead.get(path) != _identity(path) for path in others):
            os.close(self._descriptor)
            self._path.unlink(missing_ok=True)
            return False
        for path in others:
            path.unlink(missing_ok=True)
        return True

    def _make(self, path: Path) -> bool:
        own = self._folder / f".{path.name}.{self._holder.token}"
        try:
            self._descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            os.write(self._descriptor, json.dumps(asdict(self._holder)).encode() + b"\n" + _count(0))
            os.fsync(self._descriptor)
            made = _link(own, path)
        except OSError:
            own.unlink(missing_ok=True)
            raise
        own.unlink(missing_ok=True)
        if made:
            self._path = path
        else:
            os.close(self._descriptor)
        return made

    def _refuse_if_alive(self, path: Path) -> None:
        holder = _read(path)
        if holder is not None and self._is_dead(holder):
            return
        who = holder.who if holder else "a process that has not said which it is"
        held = (
            f"run {self._run} is being trained by {who}; two processes would write into {self._folder}. "
            "Wait for it, or end it first."
        )
        if holder is not None and _here(holder):
            raise RunLocked(held)
        before, deadline = _text(path), time.monotonic() + self._patience
        if before:
            self._say(f"run {self._run} is locked by {who}; watching for {self._patience:g} s whether that is alive")
        while time.monotonic() < deadline and path.exists():
            time.sleep(min(1.0, self._patience / 10))
            if _text(path) not in (before, ""):
                raise RunLocked(held)

    def _is_dead(self, holder: Holder) -> bool:
        own = self._holder
        if holder.host == own.host and holder.boot != own.boot:
            return True
        if _here(holder):
            return _started(holder.pid) != holder.started
        # the same job under the same number, requeued: after a node failure its other half may live on
        return holder.job is not None and holder.job != own.job and self._job_is_over(holder.job) is True

    # Holding.

    def _keep_beating(self) -> None:
        number = 1
        while not self._over.wait(self._beat):
            number += 1
            with contextlib.suppress(OSError):  # a file server away for a while; check() tells what came of it
                self._count_to(number)

    def _count_to(self, number: int) -> None:
        offset = len(json.dumps(asdict(self._holder)).encode()) + 1
        os.pwrite(self._descriptor, _count(number), offset)
        os.fsync(self._descriptor)

    def _is_mine(self) -> bool:
        holder = _read(self._path)
        return holder is not None and holder.token == self._holder.token

    def _files(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]


def _number(path: Path) -> int:
    return int(_NAME.fullmatch(path.name)[1])


def _count(number: int) -> bytes:
    return b"%020d\n" % number


def _read(path: Path) -> Holder | None:
    """Who holds a lock file; None if it is gone or was cut short by a crash of its machine."""
    try:
        return Holder(**json.loads(_identity(path)))
    except (ValueError, TypeError):
        return None


def _identity(path: Path) -> str:
    """What distinguishes one lock from another under the same name."""
    return _text(path).partition("\n")[0]


def _is_held(path: Path) -> bool:
    """Whether its maker came to hold it: who stands back again, or dies before, has not begun to count."""
    count = _text(path).partition("\n")[2]
    return count.isdigit() and int(count) > 0


def _link(own: Path, path: Path) -> bool:
    try:
        os.link(own, path)
    except FileExistsError:
        # the answer of a file server may be lost and the request sent again: the number of links tells
        return own.stat().st_nlink == 2
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        own.replace(path)
    return True


def _here(holder: Holder) -> bool:
    """Whether this process can see the holder's process."""
    return (holder.host, holder.boot, holder.space) == (socket.gethostname(), _boot(), _space())


def _boot() -> str:
    return _text("/proc/sys/kernel/random/boot_id")


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process began; empty if there is none, or only the remains of one."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return "" if len(fields) < 20 or fields[0] == "Z" else fields[19]


def _text(path: str | Path) -> str:
    """What is in a file; empty if it is gone. Any other fault is raised: who cannot look must not call another dead."""
    try:
        return Path(path).read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
