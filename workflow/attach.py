"""Cluster jobs that outlived the Snakemake that submitted them: what they make, and what of it is done.

Snakemake itself would submit them again beside the old ones, and would remove or disown what they finished while nobody
looked. What is known of a job without it: the comment that the executor plugin gives it in the queue, and the log that
SLURM writes, runs/logs/slurm/rule_RULE/WILDCARDS/JOB.log. (Snakemake's own markers do not help: in the job a second
Snakemake overwrites them.)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from workflow import slurm
from workflow.pipeline import Pipeline, Stage
from workflow.records import is_recorded

_POLL = 10.0  # seconds between two looks at the queue
_LOGS = "runs/logs/slurm"


def names_of(pipeline: Pipeline, stage: Stage) -> tuple[str, str]:
    """Rule and wildcards of a stage's job, as the executor plugin writes them: names of folders, parts of comments."""
    pattern = pipeline.outputs(stage.group)[0]
    expression = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(pattern))
    values = re.fullmatch(expression, stage.outs[0]).groups()
    return f"rule_{stage.group}", "_".join(values).replace("/", "_")


def outputs_under_way(pipeline: Pipeline, jobs: Iterable[slurm.Queued]) -> list[str] | None:
    """One output of each stage that a job in the queue makes; None if the work of a job is not known."""
    names = {stage.outs[0]: names_of(pipeline, stage) for stage in pipeline.stages.values()}
    by_comment = {"_wildcards_".join(filter(None, name)): out for out, name in names.items()}
    comments = [job.comment for job in jobs]
    return [by_comment[c] for c in comments] if all(c in by_comment for c in comments) else None


def finished(pipeline: Pipeline, jobs: Iterable[slurm.Queued]) -> list[Stage]:
    """Stages whose job came to a good end unseen: all outputs are there, and SLURM does not say that the job failed.

    An output that exists is complete: stages write under another name and rename.
    """
    queue = {job.job for job in jobs}
    done = []
    for stage in pipeline.stages.values():
        unseen = [out for out in stage.outs if not is_recorded(pipeline.root, out)]
        if not unseen or not all((pipeline.root / out).exists() for out in stage.outs):
            continue
        rule, wildcards = names_of(pipeline, stage)
        logs = (pipeline.root / _LOGS / rule / wildcards).glob("*.log")
        numbers = sorted((log.stem for log in logs if log.stem.isdecimal()), key=int)
        if numbers and numbers[-1] not in queue and slurm.state(numbers[-1]) in ("COMPLETED", None):
            done.append(stage)
    return done


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
