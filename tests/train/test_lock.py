"""The lock of a run: one holder at a time, whoever dies and however. Files alone decide, as they must on NFS."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from densemoe.train import lock as module
from densemoe.train.lock import RunLock, RunLocked, this_process

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
HOLD = """
import sys, time
from pathlib import Path
from densemoe.train.lock import RunLock
with RunLock(Path(sys.argv[1]), "a_run"):
    print("held", flush=True)
    time.sleep(60)
"""


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def quick(folder: Path, **options) -> RunLock:
    return RunLock(folder, "a_run", **{"beat": 0.05, "patience": 1.0, **options})


def foreign(folder: Path, number: int = 1, **changes) -> Path:
    """A lock as another machine's process would leave it, not beating."""
    holder = {**vars(this_process(None)), "host": "elsewhere", "boot": "b", "pid": 7, **changes}
    path = folder / f"training.lock-{number}"
    path.write_text(json.dumps(holder) + "\n" + "0" * 20 + "\n")
    return path


@pytest.fixture
def holder(tmp_path):
    """Another process of this machine that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_nothing_is_left_after_a_release(tmp_path):
    with quick(tmp_path / "run") as held:
        assert files(tmp_path / "run") == ["training.lock-1"]
        held.check()
    assert files(tmp_path / "run") == []


def test_a_live_holder_of_this_machine_is_told_at_once(tmp_path, holder):
    began = time.monotonic()
    with pytest.raises(RunLocked, match=rf"run a_run is being trained by process {holder.pid} on "), quick(tmp_path):
        pass
    assert time.monotonic() - began < 0.5
    assert files(tmp_path) == ["training.lock-1"]


@pytest.mark.parametrize("reaped", [False, True])
def test_a_killed_holder_of_this_machine_is_followed_at_once(tmp_path, holder, reaped):
    holder.send_signal(signal.SIGKILL)
    if reaped:
        holder.wait()
    else:
        while Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
    with quick(tmp_path, patience=1000.0) as held:
        assert files(tmp_path) == ["training.lock-2"]  # a number is never used for another holder while one is there
        held.check()


@pytest.mark.parametrize("change", [{"started": "1"}, {"boot": "before the restart"}])
def test_a_number_given_out_again_and_a_restarted_machine_are_dead_holders(tmp_path, change):
    foreign(tmp_path, **{**vars(this_process(None)), **change})
    with quick(tmp_path, patience=1000.0):
        assert files(tmp_path) == ["training.lock-2"]


def test_slurm_knows_that_the_job_of_a_holder_elsewhere_is_over(tmp_path):
    foreign(tmp_path, job="17")
    asked = []
    with quick(tmp_path, job="18", patience=1000.0, job_is_over=lambda job: asked.append(job) or True):
        assert asked == ["17"]


def test_the_other_half_of_ones_own_job_is_watched_not_asked_about(tmp_path):
    foreign(tmp_path, job="17")  # its node failed, the job was requeued: it may live on behind a broken network
    said = []
    with quick(tmp_path, job="17", patience=0.2, job_is_over=lambda job: pytest.fail("asked"), say=said.append):
        assert "run a_run is locked by process 7 on elsewhere (SLURM job 17); watching" in said[0]


@pytest.mark.parametrize("answer", [None, False])
def test_a_silent_holder_elsewhere_is_dead_after_the_patience(tmp_path, answer):
    foreign(tmp_path, job="17")
    began = time.monotonic()
    with quick(tmp_path, patience=0.5, job_is_over=lambda job: answer):
        assert time.monotonic() - began >= 0.5


def test_a_beating_holder_elsewhere_is_alive(tmp_path, monkeypatch):
    with quick(tmp_path):
        monkeypatch.setattr(module, "_here", lambda holder: False)
        with pytest.raises(RunLocked, match="two processes would write into"), quick(tmp_path, patience=5.0):
            pass


def test_who_was_taken_for_dead_writes_nothing_more(tmp_path, monkeypatch):
    with quick(tmp_path, beat=1000.0) as suspended:
        with monkeypatch.context() as patch:
            patch.setattr(module, "_here", lambda holder: False)
            successor = quick(tmp_path, patience=0.2).__enter__()
        with pytest.raises(RunLocked, match="taken over by process"):
            suspended.check()
        successor.check()
    assert files(tmp_path) == ["training.lock-2"]  # the release of the one leaves the other's lock alone
    successor.check()
    successor.__exit__()
    assert files(tmp_path) == []


def test_a_lock_cut_short_is_followed_after_the_patience(tmp_path):
    (tmp_path / "training.lock-3").write_text('{"host": "her')
    with quick(tmp_path, patience=0.2):
        assert files(tmp_path) == ["training.lock-4"]


def test_without_hard_links_it_works_as_well(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(module.os, "link", refuse)
    with quick(tmp_path):
        assert files(tmp_path) == ["training.lock-1"]
        with pytest.raises(RunLocked), quick(tmp_path):
            pass
    assert files(tmp_path) == []


def test_a_lost_answer_of_the_file_server_is_no_refusal(tmp_path, monkeypatch):
    link = os.link

    def twice(source, target):
        link(source, target)
        raise FileExistsError(17, "File exists")

    monkeypatch.setattr(module.os, "link", twice)
    with quick(tmp_path) as held:
        held.check()


RACE = """
import os, sys, time
from pathlib import Path
from densemoe.train.lock import RunLock, RunLocked
folder, until = Path(sys.argv[1]), float(sys.argv[2])
taken = 0
while time.time() < until:
    try:
        lock = RunLock(folder, "a_run", beat=0.5, patience=5)
        lock.__enter__()
    except RunLocked:
        time.sleep(0.002)
        continue
    # mkdir says whether anybody else is in here
    (folder / "inside").mkdir()
    lock.check()
    (folder / "inside").rmdir()
    taken += 1
    if taken % 3:
        lock.__exit__()
    else:  # as if it had crashed: the file stays, and says that the process began at another time
        path = lock._path
        lock._over.set()
        lock._beating.join()
        os.close(lock._descriptor)
        path.write_text(path.read_text().replace('"started": "', '"started": "9', 1))
print(taken)
"""


@pytest.mark.slow
def test_of_many_that_race_for_living_and_dead_locks_never_two_hold_it(tmp_path):
    until = str(time.time() + 8)
    command = [sys.executable, "-c", RACE, str(tmp_path), until]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, env=ENVIRONMENT, **pipes) for _ in range(6)]
    outcomes = [racer.communicate(timeout=60) for racer in racers]
    assert [error for _, error in outcomes] == [""] * 6
    assert sum(int(taken) for taken, _ in outcomes) > 50


def test_only_who_came_to_hold_the_lock_ousts_the_holder(tmp_path):
    """A challenger with a stale list of files makes a later number for a moment, and stands back."""
    with RunLock(tmp_path, "a_run") as lock:
        later = tmp_path / "training.lock-9"
        line = json.dumps(asdict(this_process(None)))
        later.write_text(f"{line}\n{0:020d}\n")
        lock.check()
        later.write_text(f"{line}\n{1:020d}\n")
        with pytest.raises(RunLocked, match="taken over"):
            lock.check()
