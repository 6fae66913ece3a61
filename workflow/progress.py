"""Snakemake's log as a line per finished job, and what failed with the last line of its log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from workflow import slurm

_JOB = re.compile(r"^(?:local)?rule (\w+):$")
_FINISHED = re.compile(r"^Finished jobid: (\d+) \(Rule: (\w+)\)$")
_STEPS = re.compile(r"^(\d+) of (\d+) steps")
_FAILED = re.compile(r"^Error in rule (\w+)")
_FIELD = re.compile(r"^ {4}(\w+): (.*)$")
_NOISE = re.compile(
    "|".join(
        [
            r"\[.*\]",
            "Using workflow specific profile.*",
            "Assuming unrestricted shared.*",
            "Building DAG.*",
            "Using shell.*",
            "Provided .*",
            "Rules claiming more.*",
            "Conda environments: ignored",
            "Job stats:",
            "job +count",
            "-+ +-+",
            "Select jobs.*",
            r"Execute \d+ jobs.*",
            "Complete log.*",
            "Elapsed time.*",
            "Nothing to be done.*",
            "SLURM run ID: .*",
            "Trying to restart job .*",
            # a failed job is told in one line
            "Exiting because a job execution failed.*",
            "At least one job did not complete.*",
            "(Rule|Workflow)(Exception|Error):",
            "CalledProcessError in file.*",
            "Command 'set -euo.*",
            "",
        ]
    )
)
_SUBMITTED = re.compile(r"^Job (\d+) has been submitted with SLURM jobid (\d+) .*")
_STATS = re.compile(r"^(\w+) +(\d+)$")
_FENCE = re.compile(r"^=+$")


@dataclass
class Job:
    """One job as the log describes it."""

    rule: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The rule and what its wildcards stand for."""
        values = [part.partition("=")[2] for part in self.fields.get("wildcards", "").split(", ")]
        return " ".join([self.rule, *filter(None, values)])

    @property
    def log(self) -> str:
        """Path of the job's log; a cluster adds one of its own behind a comma."""
        return self.fields.get("log", "").partition(" (")[0].partition(",")[0]


class Progress:
    """Fed line by line; remembers how many jobs ended and which failed. Lines that it does not know pass unchanged."""

    def __init__(self, root: Path):
        self.root = root
        self.started: dict[str, Job] = {}
        self.failed: dict[str, Job] = {}
        self.done = 0
        self.total = 0
        self.jobs: dict[str, str] = {}
        """Snakemake's number of a job -> SLURM's."""
        self._block: Job | None = None
        self._is_failure = False
        self._fences = 0
        self._ended: str | None = None

    def feed(self, line: str) -> list[str]:
        """What to print for one line of Snakemake's log."""
        if self._fences:  # inside the log of a failed job, between two lines of `=`
            self._fences -= bool(_FENCE.match(line))
            return []
        if self._block is not None:
            if found := _FIELD.match(line):
                self._block.fields[found[1]] = found[2]
            if line.startswith("    "):
                return []
            ended = self._end_block()
            return ended + self._outside(line)
        return self._outside(line)

    def _outside(self, line: str) -> list[str]:
        if found := _JOB.match(line) or _FAILED.match(line):
            self._block, self._is_failure = Job(found[1]), bool(_FAILED.match(line))
        elif found := _FINISHED.match(line):
            self._ended = found[1]
            self.failed.pop(found[1], None)  # a second attempt
        elif found := _STEPS.match(line):
            return self._step(found[1], found[2])
        elif line.startswith("Logfile "):
            self._fences = 2
        elif found := _SUBMITTED.match(line):
            self.jobs[found[1]] = found[2]
        elif found := _STATS.match(line):
            if found[1] == "total":
                self.total = int(found[2])
            return [] if found[1] in ("all", "total") else [f"  {found[2]:>4} {found[1]}"]
        elif not _NOISE.fullmatch(line):
            return [line]
        return []

    def _step(self, done: str, total: str) -> list[str]:
        self.done = int(done)
        job = self.started.get(self._ended or "", Job("a job"))
        return [] if job.rule == "all" else [f"[{done:>{len(total)}}/{total}] {job.name}"]

    def _end_block(self) -> list[str]:
        job, self._block = self._block, None
        number = job.fields.get("jobid", "")
        if not self._is_failure:
            self.started[number] = job
            return []
        job.fields = {**self.started.get(number, job).fields, **job.fields}
        self.failed[number] = job
        return [f"FAILED {self.describe(job)}"]

    @property
    def left(self) -> int:
        """Jobs that neither ended well nor failed: they wait for one that failed, or were stopped."""
        return max(0, self.total - self.done - len(self.failed))

    def describe(self, job: Job) -> str:
        """A failed job with why SLURM ended it if that is known, the last line of its log, and where that lies."""
        log = self.root / job.log
        lines = log.read_text(errors="replace").split("\n") if job.log and log.is_file() else []
        last = next((x.strip() for x in reversed(lines) if x.strip()), "it wrote no log")
        number = self.jobs.get(job.fields.get("jobid", ""))
        why = slurm.reason(number) if number else ""
        return f"{job.name}: {f'{why}; ' if why else ''}{last} (log: {job.log or 'none'})"
