"""What a training asks SLURM when it is a job: whether another job is over, and to be put back into the queue."""

from __future__ import annotations

import os
import subprocess
import time
from shutil import which

# of a node failure nobody knows whether the job's processes are gone
_OVER = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "PREEMPTED", "DEADLINE", "REVOKED"}
_PATIENCE = 60  # seconds


def own_job() -> str | None:
    """SLURM's number of the job that this process belongs to."""
    return os.environ.get("SLURM_JOB_ID")


def job_is_over(job: str) -> bool | None:
    """True if SLURM has ended a job, False if not, None if it does not know."""
    for command in (
        ["squeue", "-h", "-j", job, "-t", "all", "-o", "%T"],
        ["sacct", "-n", "-X", "-j", job, "-o", "State%30"],
    ):
        if words := _answer(command).split():
            return None if words[0] == "NODE_FAIL" else words[0] in _OVER
    return None


def requeue_own_job() -> str:
    """Have SLURM put this job back into the queue under its own number, and wait to be ended for that.

    Returns why it did not come to that; empty outside of SLURM.
    """
    job = own_job()
    if job is None or which("scontrol") is None:
        return ""
    done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"SLURM does not put job {job} back into the queue: {done.stderr.strip()}"
    time.sleep(_PATIENCE)
    return f"SLURM has not ended job {job}, which was to be put back into the queue"


def _answer(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
