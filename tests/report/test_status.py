"""Runs in every state, from fabricated folders; times left by hand; a real training looked at while it runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from report_plan import Folder, index_of

from densemoe.report.status.evidence import SILENCE
from densemoe.report.status.status import RunStatus, read_status
from densemoe.report.status.text import duration, status_data, status_text

NOW = 1_800_000_000.0
HOST = socket.gethostname()


class Runs:
    """The folder of all runs of a plan with the one run `a` of 100 steps and its data `d`."""

    def __init__(self, root: Path, reports: Folder):
        self.root, self.reports = root, reports
        self.index = index_of("a", pending={"b": "not built yet"})
        self.index["runs"]["a"] |= {"data": "d"}
        self.index["runs"]["a"]["variant"]["recipe"] = {"iterations": 100}

    def put(self, path: str, text: str, age: float = 0.0) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        os.utime(target, (NOW - age, NOW - age))
        return target

    def log(self, text: str, age: float = 0.0, stage: str = "train", name: str = "a") -> Path:
        return self.put(f"logs/{stage}/{name}.log", text, age)

    def progress(self, *, host: str = "node3", pid: int = 4711, age: float = 0.0, pace: float = 2.0) -> Path:
        content = {"run": "a", "step": 40, "iterations": 100, "losses": {"total": 1.25}, "written": NOW - age}
        content |= {"seconds_per_step": pace, "host": host, "pid": pid}
        return self.put("a/progress.json", json.dumps(content), age)

    def lock(self, *, number: int = 1, host: str = "node3", pid: int = 4711, age: float = 0.0, **known: str | None):
        holder = {"host": host, "boot": "", "space": "", "pid": pid, "started": "", "job": None, "token": "t"} | known
        return self.put(f"a/training.lock-{number}", f"{json.dumps(holder)}\n{7:020d}\n", age)

    def checkpoint(self, step: int, age: float = 0.0) -> Path:
        self.put("a/resume/curve.csv", f"step,lr,total,semseg\n0,1e-3,9.5,9.5\n{step - 1},1e-3,2.5,1.5\n", age)
        return self.put(f"a/resume/step-{step:07d}-{'0' * 16}.pt", "", age)

    def model(self, age: float = 0.0) -> Path:
        return self.put("a/model.safetensors", "", age)

    def status(self) -> RunStatus:
        found = read_status(self.index, self.root, self.reports.root, NOW)
        assert found.pending == ("b",)
        (run,) = found.runs
        return run

    def text(self, **options: bool) -> str:
        return status_text(read_status(self.index, self.root, self.reports.root, NOW), **options)


@pytest.fixture
def runs(tmp_path, folder) -> Runs:
    return Runs(tmp_path / "runs", folder)


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_nothing_has_begun(runs):
    assert runs.status() == RunStatus("a", "queued", 100)
    assert runs.text() == "smoke scale: 1 queued; 1 not built yet"
    assert runs.text(every_run=True).splitlines()[-1].split() == ["a", "queued", "0/100"]


def test_queued_behind_data_that_failed(runs):
    runs.log("error: data/archives/x is not there.\n", stage="get_data", name="d")
    assert runs.status().detail == "get_data d: error: data/archives/x is not there."
    assert "error: data/archives/x" in runs.text()


def test_done(runs):
    runs.reports.put("a", {"semseg": {"miou": 50.0}})
    runs.log("error: of long ago\n")
    assert runs.status().state == "done"


def test_the_boundary_score_belongs_to_done(runs):
    runs.index["scores"]["a__plain"] = {"run": "a", "measure": "plain", "protocol": 1}
    runs.model()
    runs.reports.put("a", {"semseg": {"miou": 50.0}})
    assert (runs.status().state, runs.status().detail) == ("trained", "to measure: plain (boundary)")


def test_running_elsewhere_with_the_time_left(runs):
    runs.progress(age=20.0)
    found = runs.status()
    assert (found.state, found.step, found.losses, found.where) == ("running", 40, {"total": 1.25}, "node3:4711")
    assert found.seconds_left == 60 * 2.0 - 20.0  # 60 steps of 2 s, of which 20 s have passed since
    assert found.silent == 20.0
    head, line = runs.text().splitlines()[-2:]
    assert head.split() == ["run", "state", "step", "left", "loss", "where"]
    assert line.split("  ")[-1] == "node3:4711" and "40/100   2 min  total 1.25" in line


def test_time_left_is_never_negative(runs):
    runs.progress(age=100.0, pace=0.5)
    assert runs.status().seconds_left == 0.0


def test_a_lock_tells_the_job_and_that_the_sign_is_of_the_process_before(runs):
    runs.progress(pid=1)
    runs.checkpoint(30)
    runs.lock(number=1, pid=1, age=10**6)
    runs.lock(number=2, job="77")
    found = runs.status()
    assert (found.state, found.step, found.where, found.detail) == ("running", 30, "job 77 on node3", "starting")
    assert found.seconds_left is None and found.losses == {"total": 2.5, "semseg": 1.5}


def test_a_process_of_this_machine_is_looked_up(runs, gone):
    runs.progress(host=HOST, pid=os.getpid(), age=10**6)
    assert runs.status().state == "running"  # however long a step may take
    runs.progress(host=HOST, pid=gone)
    assert runs.status().state == "stopped"  # however recent its sign


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({}, "running"),
        ({"started": "1"}, "stopped"),  # the number was given to another process since
        ({"boot": "another"}, "stopped"),
        ({"space": "another"}, "running"),  # of a container: its sign is recent
    ],
)
def test_what_a_lock_says_of_its_process(runs, known, state):
    runs.lock(host=HOST, pid=os.getpid(), **known)
    assert runs.status().state == state


def test_a_dead_lock_stands_for_nothing_whatever_else_is_recent(runs, gone):
    runs.lock(host=HOST, pid=gone)
    runs.log("step 40/100\n")
    assert runs.status().state == "stopped"


def test_without_a_sign_for_long_it_is_stopped_at_its_last_checkpoint(runs):
    runs.progress(age=SILENCE + 1)
    runs.checkpoint(30, age=SILENCE + 100)
    found = runs.status()
    assert (found.state, found.step, found.silent) == ("stopped", 30, SILENCE + 1)
    assert "no sign for 2 min" in runs.text()
    runs.progress(age=SILENCE + 1, pace=SILENCE)  # a slow model: its steps take that long
    assert runs.status().state == "running"


def test_stopped_by_a_signal(runs):
    runs.log("going on\nStopped by SIGTERM after step 41 of 100; x is saved. Run the same command again to go on.\n")
    runs.checkpoint(41)
    found = runs.status()
    assert (found.state, found.step) == ("stopped", 41)
    assert found.detail.startswith("Stopped by SIGTERM after step 41")


@pytest.mark.parametrize(
    "log",
    [
        "step 30/100\nerror: run a: the loss of semseg is nan at step 40.\n",
        'Traceback (most recent call last):\n  File "x.py", line 1\nRuntimeError: CUDA out of memory\n\n',
    ],
)
def test_failed_with_the_last_line_of_its_log(runs, log):
    runs.log(log)
    runs.progress()
    runs.checkpoint(30)
    found = runs.status()
    assert (found.state, found.step) == ("failed", 40)
    assert found.detail == log.strip().splitlines()[-1]
    assert found.detail in runs.text()


def test_started_again_after_an_error(runs):
    runs.log("error: of before\n")
    runs.lock()
    assert runs.status().state == "running"


def test_a_log_alone(runs):
    runs.log("")
    assert (runs.status().state, runs.status().detail) == ("running", "starting")
    runs.log("step 3/100\n", age=SILENCE + 1)
    assert (runs.status().state, runs.status().detail) == ("stopped", "step 3/100")


def test_measuring(runs):
    runs.model(age=50.0)
    assert (runs.status().state, runs.status().step) == ("trained", 100)
    runs.log("batch 1/9\rbatch 2/9", age=5.0, stage="evaluate", name="a__plain")
    assert (runs.status().state, runs.status().detail) == ("measuring", "evaluate plain: batch 2/9")
    runs.log("error: no room\n", stage="evaluate", name="a__plain")
    assert (runs.status().state, runs.status().detail) == ("failed", "evaluate plain: error: no room")
    runs.log("error: no room\n", age=60.0, stage="evaluate", name="a__plain")  # of a model before this one
    assert runs.status().state == "trained"


@pytest.mark.parametrize("name", ["a/progress.json", "a/training.lock-1", "a/resume/curve.csv", "logs/train/a.log"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe,\n\x00", b'{"host": null, "pid": {}}\n'])
def test_half_written_files_are_no_error(runs, name, content):
    path = runs.put(name, "")
    path.write_bytes(content)
    runs.checkpoint(30) if "curve" not in name else runs.put(f"a/resume/step-0000030-{'0' * 16}.pt", "")
    assert runs.status().step == 30
    json.dumps(status_data(read_status(runs.index, runs.root, runs.reports.root, NOW)), allow_nan=False)


def test_durations():
    told = [duration(s) for s in (0.0, 59.4, 59.5, 90.0, 3599.0, 3661.0, 86_400.0, 100_000.0)]
    assert told == ["0 s", "59 s", "1 min", "2 min", "1 h 00 min", "1 h 01 min", "1 d 00 h", "1 d 04 h"]


def command(root: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command on a copy of the smoke plan; an import of torch ends it."""
    refuse = "import sys; sys.modules.update(torch=None, timm=None, scipy=None, pandas=None)\n"
    code = f"{refuse}import runpy; runpy.run_module('stages.status', run_name='__main__', alter_sys=True)"
    env = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=folder, env=env)


def test_the_command(root, tmp_path):
    (tmp_path / "params").symlink_to(root / "params")
    done = command(root, tmp_path, "--scale", "paper", "--format", "json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["counts"]["queued"] == len(content["runs"]) > 50
    for words, sentence in (
        (("--scale", "none"), "error: params/plan/none.yaml does not exist."),
        (("--watch", "0"), "error: --watch is 0; allowed is a number of seconds above 0."),
    ):
        done = command(root, tmp_path, *words)
        assert (done.returncode, done.stderr.strip()) == (2, sentence)
