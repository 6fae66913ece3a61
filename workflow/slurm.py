"""Questions to SLURM, each by one of its own commands. What it does not know is None, never a guess."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from shutil import which

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo")
_PATIENCE = 60  # seconds; a busy controller answers late
_REASONS = {
    "OUT_OF_MEMORY": "out of memory: give the rule more memory_mb in site.yaml",
    "TIMEOUT": "its time limit was reached: it goes on from its last checkpoint",
    "DEADLINE": "its time limit was reached: it goes on from its last checkpoint",
    "NODE_FAIL": "its node failed",
    "BOOT_FAIL": "its node failed",
    "PREEMPTED": "it was preempted and not put back into the queue",
    "CANCELLED": "it was cancelled",
}


class SlurmError(Exception):
    """SLURM is not there or does not answer; the text is the end of a sentence."""


@dataclass(frozen=True)
class Queued:
    """A job that is not over."""

    job: str
    state: str
    comment: str
    """What it does, as the executor plugin says it: rule_train_wildcards_..."""


def ask(*command: str) -> str:
    """Standard output. Raises SlurmError with SLURM's own words."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlurmError(f"{command[0]} does not answer ({error})") from None
    if done.returncode:
        raise SlurmError(first_line(done.stderr) or f"{command[0]} failed")
    return done.stdout


def first_line(text: str) -> str:
    """The first line that is not empty, without SLURM's prefixes."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return re.sub(r"^(\w+: )?(error: |fatal: |allocation failure: )?", "", line).rstrip(".")


def absent() -> list[str]:
    """Commands of SLURM that are not on PATH."""
    return [name for name in COMMANDS if which(name) is None]


def queued(prefix: str) -> list[Queued]:
    """This person's jobs that are not over and whose name begins with `prefix`."""
    lines = ask("squeue", "--me", "-h", "-o", "%i|%T|%j|%k").splitlines()
    fields = (line.split("|", 3) for line in lines)
    # squeue shows jobs that are over too, for some minutes
    over = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE", "BOOT_FAIL"}
    return [
        Queued(job, state, what) for job, state, name, what in fields if name.startswith(prefix) if state not in over
    ]


def state(job: str) -> str | None:
    """State of a job, e.g. RUNNING or TIMEOUT: from the controller, else from accounting, else None."""
    for command in (
        ("squeue", "-h", "-j", job, "-t", "all", "-o", "%T"),
        ("sacct", "-n", "-X", "-j", job, "-o", "State%30"),
    ):
        try:
            words = ask(*command).split()
        except SlurmError:
            continue
        if words:
            return words[0]
    return None


def reason(job: str) -> str:
    """Why a job failed, in words; empty where SLURM does not tell more than that it did."""
    known = state(job) or ""
    if known in _REASONS:
        return _REASONS[known]
    try:
        # without cgroups a job that takes too much memory is only killed
        killed = "0:9" in ask("sacct", "-n", "-j", job, "-o", "ExitCode").split()
    except SlurmError:
        return ""
    return "killed, by a person or for its memory" if killed else ""


def limits() -> dict[str, int | None]:
    """Partition -> longest run time in minutes, None for no limit."""
    rows = (line.split("|") for line in ask("sinfo", "-h", "-o", "%R|%l").splitlines())
    return {name: minutes(limit) for name, limit in rows}


def minutes(text: str) -> int | None:
    """SLURM's [days-][hours:]minutes:seconds as whole minutes; None for `infinite`."""
    if text in ("infinite", "UNLIMITED", "n/a"):
        return None
    days, _, rest = text.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    hours, mins = ([0, 0, *parts][-3], [0, *parts][-2])
    return int(days or 0) * 1440 + hours * 60 + mins


def refusal(options: Sequence[str]) -> str:
    """Why SLURM would never run a job with these options of sbatch; empty if it would."""
    try:
        ask("sbatch", "--test-only", *options, "--wrap", "true")
    except SlurmError as error:
        return str(error)
    return ""
