"""Jobs that a killed run left behind: found, and ended before anything is started again.

A run marks the environment of all its processes. Whoever holds the run's lock knows that a marked process outside of
it is left over; two trainers of one run would write into the same folder. (Found through /proc, which Linux has.)
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

MARK = "DENSEMOE_RUN_IN"


def mark(root: Path) -> dict[str, str]:
    """The variable that marks the processes of a run in this folder."""
    return {MARK: str(root)}


def processes(root: Path) -> list[int]:
    """Marked processes of this folder, without this one, its parents, and those that a cluster job runs here."""
    wanted = f"{MARK}={root}".encode()
    own = _parents()
    job = os.environ.get("SLURM_JOB_ID", "").encode()
    found = []
    for pid in _pids():
        variables = _environment(pid).split(b"\0")
        its_job = next((v.partition(b"=")[2] for v in variables if v.startswith(b"SLURM_JOB_ID=")), job)
        if pid not in own and wanted in variables and its_job == job:
            found.append(pid)
    return found


def end_processes(root: Path, patience: float = 20.0) -> int:
    """Ask marked processes to end, kill those that do not within `patience` seconds. Returns how many there were."""
    found = processes(root)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes(root):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + patience
        while processes(root) and time.monotonic() < deadline:
            time.sleep(0.1)
    return len(found)


def cluster_prefix(root: Path, prefix: str = "densemoe") -> str:
    """Name of this folder's cluster jobs: two checkouts of one person must not take each other's for their own."""
    return f"{prefix}_{hashlib.sha256(str(root).encode()).hexdigest()[:6]}"


def _pids() -> list[int]:
    return [int(p.name) for p in Path("/proc").glob("[0-9]*")]


def _environment(pid: int) -> bytes:
    try:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return b""
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it ended, or is another person's
        return b""


def _parents() -> set[int]:
    found, pid = set(), os.getpid()
    while pid > 0:
        found.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    return found
