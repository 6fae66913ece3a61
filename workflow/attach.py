"""Cluster jobs that outlived the Snakemake that submitted them: what they make, and what of it is done.

Snakemake itself would submit them again beside the old ones, and would remove what they finished while nobody looked.
It leaves a marker under .snakemake/incomplete for every output of a job that it saw begin and not end, with the job's
number.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workflow import slurm
from workflow.pipeline import Pipeline, Stage

_POLL = 10.0  # seconds between two looks at the queue


@dataclass(frozen=True)
class Marked:
    """A stage whose job was begun and not seen to end."""

    stage: Stage
    job: str
    since: float
    """When it was submitted, seconds since the epoch."""


def marked(pipeline: Pipeline) -> list[Marked]:
    """Stages of this pipeline that a cluster job was submitted for and that Snakemake did not see end."""
    found: dict[str, Marked] = {}
    for file in (pipeline.root / ".snakemake" / "incomplete").glob("*"):
        if not file.is_file() or file.name == "migration_underway":
            continue
        try:
            path = urlsafe_b64decode(file.name.encode()).decode()
            job = json.loads(file.read_text()).get("external_jobid")
        except ValueError:
            continue
        stage = pipeline.producer.get(path)
        if stage is not None and job:
            found[stage.name] = Marked(stage, str(job), file.stat().st_mtime)
    return list(found.values())


def finished(pipeline: Pipeline, waiting: Iterable[slurm.Queued]) -> list[Stage]:
    """Stages whose job came to a good end unseen: it is over, SLURM does not say that it failed, every output is new.

    An output that exists is complete: stages write under another name and rename.
    """
    queue = {job.job for job in waiting}
    done = []
    for mark in marked(pipeline):
        outs = [pipeline.root / out for out in mark.stage.outs]
        if mark.job in queue or not all(out.exists() and out.stat().st_mtime >= mark.since for out in outs):
            continue
        if slurm.state(mark.job) in ("COMPLETED", None):
            done.append(mark.stage)
    return done


def outputs_under_way(pipeline: Pipeline, waiting: Iterable[slurm.Queued]) -> list[str] | None:
    """One output of each stage that a job in the queue makes; None if the work of a job is not known."""
    by_job = {mark.job: mark.stage.outs[0] for mark in marked(pipeline)}
    jobs = [job.job for job in waiting]
    return [by_job[job] for job in jobs] if all(job in by_job for job in jobs) else None


def wait_until_over(prefix: str, say: Callable[[str], None], poll: float = _POLL) -> None:
    """Return when no job of that prefix is in the queue. An outage of the controller is waited out."""
    shown = None
    while True:
        try:
            jobs = slurm.queued(prefix)
        except slurm.SlurmError:
            time.sleep(poll)
            continue
        if not jobs:
            return
        if (left := len(jobs)) != shown:
            say(f"waiting for {left} cluster job{'s' if left > 1 else ''} of the run before")
            shown = left
        time.sleep(poll)
