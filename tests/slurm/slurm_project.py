"""A small copy of the project whose jobs run on the throw-away cluster, with a witness of every training step."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.pipeline.project import Project
from tests.slurm.cluster import Cluster, wait_for

SITE = {
    "account": "lab",
    "gpu": {"model": "h100", "tflops": 10},
    "warning_seconds": 60,
    "rules": {
        "default": {"partition": "cpu", "gpus": 0, "cpus": 1, "memory_mb": 2000, "minutes": 20},
        "train": {"partition": "gpu", "gpus": 1, "cpus": 1, "memory_mb": 3000, "minutes": None},
        "evaluate": {"partition": "gpu", "gpus": 1, "cpus": 1, "memory_mb": 3000, "minutes": 30},
        "measure_routing": {"partition": "gpu", "gpus": 1, "cpus": 1, "memory_mb": 3000},
    },
    "snakemake": {
        "jobs": 20,
        "latency-wait": 5,
        "slurm-init-seconds-before-status-checks": 1,
        "max-status-checks-per-second": 0.5,
        "slurm-status-attempts": 60,
    },
}

# The executor plugin looks at its jobs ever more rarely, and has no option against that. Here it does every second.
QUICK_POLLS = """
import sys

if "snakemake" in sys.orig_argv and "--executor" not in sys.orig_argv:
    from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

    interval = RemoteExecutor.next_seconds_between_status_checks
    RemoteExecutor.next_seconds_between_status_checks = interval.setter(
        lambda self, seconds: interval.fset(self, min(seconds, 1))
    )
"""

# Every step is written down with its process. While the file `slow` exists a step lasts 0.3 s, late ones 3 s.
WITNESS = """

_plain = training_progress


def training_progress(iterations, say):
    import os
    from pathlib import Path

    follow = _plain(iterations, say)
    root = Path(__file__).parents[3]
    (root / "steps").mkdir(exist_ok=True)
    run = next(word for word in sys.orig_argv + sys.argv if word.count("_") > 2 and "/" not in word)
    witness = (root / "steps" / run).open("a", buffering=1)

    def count(step, values):
        job = os.environ.get("SLURM_JOB_ID", "0")
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "none")
        print(step, os.getpid(), job, gpu, time.time(), file=witness)
        if (root / "slow").exists():
            time.sleep(0.3 if step < 0.75 * iterations else 3)
        follow(step, values)

    return count
"""


@dataclass(frozen=True)
class Step:
    """One training step that was done."""

    step: int
    pid: int
    job: str
    gpu: str
    time: float


class SlurmProject(Project):
    """A project on a cluster."""

    cluster: Cluster | None = None
    process: subprocess.Popen | None = None
    """The last `make reproduce` that was started, while it is to be alive."""

    @classmethod
    def on(cls, cluster: Cluster, folder: Path, tables: dict[str, str], iterations: int, site: dict | None = None):
        """Real stages, eight small scenes, so many iterations."""
        project = cls.make(folder, tables, fake=False)
        project.cluster = cluster
        for size in ("[48, 64]", "[53, 70]"):
            project.edit("params/scales/smoke.yaml", f"size: {size}, train_images: 96, val_images: 24",
                         f"size: {size}, train_images: 8, val_images: 4")  # fmt: skip
        project.edit("params/scales/smoke.yaml", "iterations: 40", f"iterations: {iterations}")
        project.python("-m", "stages.plan", "--scale", "smoke", "--write")
        (folder / "sitecustomize.py").write_text(QUICK_POLLS)
        with (folder / "src/densemoe/train/progress.py").open("a") as file:
            file.write(WITNESS)
        with (folder / ".gitignore").open("a") as ignored:
            ignored.write("/steps/\n/slow\n")
        project.site(**(site or {}))
        project.commit("on a cluster")
        return project

    @property
    def environment(self) -> dict[str, str]:
        own = super().environment
        if self.cluster is None:
            return own
        theirs = self.cluster.environment
        python = own["PATH"].partition(os.pathsep)[0]
        path = f"{self.cluster.folder}/bin{os.pathsep}{python}{os.pathsep}{theirs['PATH']}"
        return own | {"SLURM_CONF": theirs["SLURM_CONF"], "PATH": path}

    def site(self, **changes) -> None:
        """Write site.yaml with changes; those of `train` and `snakemake` are merged."""
        site = {**SITE, **{k: v for k, v in changes.items() if k not in ("train", "snakemake")}}
        site["rules"] = {**site["rules"], "train": {**SITE["rules"]["train"], **changes.get("train", {})}}
        site["snakemake"] = {**site["snakemake"], **changes.get("snakemake", {})}
        file = self.folder / "workflow" / "profiles" / "slurm" / "site.yaml"
        file.write_text(yaml.safe_dump(site))

    def copy(self, folder: Path) -> SlurmProject:
        """A copy on the same cluster."""
        shutil.copytree(self.folder, folder, symlinks=True)
        copied = SlurmProject(folder)
        copied.cluster = self.cluster
        return copied

    # Running.

    def submit(self, *arguments: str) -> subprocess.Popen:
        """Start `make reproduce PROFILE=slurm` and do not wait; it writes into `said`."""
        with (self.folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                [self.environment["PATH"].split(os.pathsep)[1] + "/python", "-m", "workflow.reproduce", "--profile",
                 "slurm", *arguments],
                cwd=self.folder, env=self.environment, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        return self.process

    def wait(self, what: str, is_so, seconds: float = 120):
        """The first true value of `is_so()` while `make reproduce` runs."""

        def look():
            assert self.process is None or self.process.poll() is None, f"it ended before {what}:\n{self.said}"
            return is_so()

        return wait_for(what, look, seconds)

    @property
    def said(self) -> str:
        """What the last `submit` has printed."""
        return (self.folder / "said").read_text()

    def end(self) -> None:
        """Leave no process of a failed test behind."""
        if self.process is not None and self.process.poll() is None:
            self.kill_heads(self.process)

    def kill_heads(self, process: subprocess.Popen) -> None:
        """SIGKILL `make reproduce` and its Snakemake, not the cluster's jobs."""
        mark = f"DENSEMOE_RUN_IN={self.folder}".encode()
        heads = [process.pid]
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark in variables and not any(v.startswith(b"SLURM_JOB_ID=") for v in variables):
                heads.append(int(folder.name))
        assert len(heads) >= 2, "no Snakemake is running"
        for pid in heads:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        self.process = None

    def slow(self) -> None:
        """Let training steps last."""
        (self.folder / "slow").touch()

    def go(self) -> None:
        """Let training steps be as quick as they are."""
        (self.folder / "slow").unlink(missing_ok=True)

    # Looking.

    def steps(self, run: str) -> list[Step]:
        """The steps of a run in the order in which they were done, by whomever."""
        file = self.folder / "steps" / run
        rows = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [Step(int(r[0]), int(r[1]), r[2], r[3], float(r[4])) for r in rows if len(r) == 5]

    def sessions(self, run: str) -> list[list[Step]]:
        """The same, apart for each process."""
        found: list[list[Step]] = []
        for step in self.steps(run):
            if not found or found[-1][0].pid != step.pid or found[-1][0].job != step.job:
                found.append([])
            found[-1].append(step)
        return found

    def trains_in(self, run: str, session: int, seconds: float = 120) -> list[Step]:
        """Wait until the given session of a run, counted from 0, has done a step; returns its steps."""
        found = self.wait(
            f"session {session} of {run} trains",
            lambda: len(found := self.sessions(run)) > session and found,
            seconds,
        )
        return found[session]

    def checkpoint(self, run: str, after: int = 0, seconds: float = 120) -> Path:
        """Wait for a checkpoint of more than `after` steps and return it."""

        def newest() -> Path | None:
            found = sorted((self.folder / "runs" / run / "resume").glob("step-*.pt"))
            return found[-1] if found and int(re.search(r"step-(\d+)", found[-1].name)[1]) > after else None

        return self.wait(f"{run} has a checkpoint after step {after}", newest, seconds)

    def log(self, run: str) -> str:
        """The log of a training."""
        return (self.folder / "runs" / "logs" / "train" / f"{run}.log").read_text()

    def resumed_at(self, run: str) -> list[int]:
        """Where the trainings of a run went on, as its provenance tells."""
        return yaml.safe_load((self.folder / "reports/smoke/provenance" / f"{run}.json").read_text())["resumed_at"]

    def fingerprint(self, run: str) -> dict[str, str]:
        """What must not depend on what happened on the way: weights, scores, and the curve but for its sessions."""
        files = [f"runs/{run}/model.safetensors", f"reports/smoke/metrics/{run}/plain.json"]
        prints = {file: hashlib.sha256((self.folder / file).read_bytes()).hexdigest() for file in files}
        return prints | {"curve": plain_curve(self.folder / f"reports/smoke/curves/{run}.csv")}


def plain_curve(file: Path) -> str:
    """A curve without its last column, which tells of interruptions."""
    return "\n".join(row.rpartition(",")[0] for row in file.read_text().splitlines())


def check_once(project: SlurmProject, run: str, iterations: int, most_repeated: int = 20) -> None:
    """Every step was done, none twice beyond the last checkpoint, and no two processes trained at the same time."""
    sessions = project.sessions(run)
    starts = [session[0].step for session in sessions]
    assert [number for session in sessions for number in _gaps(session)] == []
    assert starts[0] == 0 and sessions[-1][-1].step == iterations - 1
    for before, after in itertools.pairwise(sessions):
        assert before[-1].time < after[0].time
        assert after[0].step <= before[-1].step + 1  # nothing was left out
        assert (
            after[0].step > before[-1].step - most_repeated
        )  # and nothing but what came after a checkpoint was done again
    # no process came back after another one had begun
    assert len({session[0].pid for session in sessions}) == len(sessions)


def _gaps(session: list[Step]) -> list[int]:
    return [b.step for a, b in itertools.pairwise(session) if b.step != a.step + 1]
