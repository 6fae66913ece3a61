"""The small parts: what is refused before anything is touched, devices, leftovers, the log's condensed form."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.project import ROOT
from workflow import device, leftovers, slurm, sync
from workflow.progress import Progress
from workflow.records import is_foreign, is_recorded, is_started


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scale", "huge"], "error: SCALE 'huge' does not exist; allowed are paper, pilot, smoke."),
        (["--profile", "pbs"], "error: PROFILE 'pbs' does not exist; allowed are local, slurm."),
        (["--table", "mlore/table02,mlore/table99"], "error: TABLE 'mlore/table99' does not exist; allowed are mlore/"),
        (["--cores", "0"], "error: CORES '0' is not a number of cores; allowed are 'all' and whole numbers"),
    ],
)
def test_what_does_not_exist_is_refused_with_one_sentence(arguments, sentence):
    before = {f: f.stat().st_mtime_ns for f in (ROOT / "params" / "plan").rglob("*.yaml")}
    done = subprocess.run(
        [sys.executable, "-m", "workflow.reproduce", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}/src{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(sentence) and done.stderr.count("\n") == 1
    assert before == {f: f.stat().st_mtime_ns for f in (ROOT / "params" / "plan").rglob("*.yaml")} and len(before) > 60


@pytest.fixture
def described(tmp_path):
    """A folder with a dvc.yaml and three plans."""
    (tmp_path / "params" / "plan").mkdir(parents=True)
    for scale in ("smoke", "pilot", "paper"):
        (tmp_path / "params" / "plan" / f"{scale}.yaml").write_text(f"scale: {scale}\n")
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    sync.set_dvc_scale("smoke", tmp_path)
    return tmp_path


def test_the_scale_is_one_line_of_dvc_yaml(described):
    before = (described / "dvc.yaml").read_text().splitlines()
    assert sync.set_dvc_scale("paper", described) and sync.dvc_scale(described) == "paper"
    after = (described / "dvc.yaml").read_text().splitlines()
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        ("  - params/plan/smoke.yaml", "  - params/plan/paper.yaml")
    ]
    assert not sync.set_dvc_scale("paper", described)


def test_a_scale_without_a_plan_is_refused_and_dvc_yaml_kept(described):
    before = (described / "dvc.yaml").read_text()
    with pytest.raises(SystemExit, match="no scale 'huge'; allowed are paper, pilot, smoke"):
        sync.set_dvc_scale("huge", described)
    before = before.replace("- params/plan/smoke.yaml", "- 'params/plan/smoke.yaml'")
    (described / "dvc.yaml").write_text(before)
    with pytest.raises(SystemExit, match=r"must have one line .* under vars; found 0"):
        sync.set_dvc_scale("paper", described)
    assert (described / "dvc.yaml").read_text() == before


def test_visible_devices_follow_the_variable_then_the_driver(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert device.visible_devices() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device.visible_devices() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device.visible_devices() == []
    _script(tmp_path / "nvidia-smi", "echo 'GPU 0: a (UUID: x)'; echo 'GPU 1: b (UUID: y)'; echo '  MIG'")
    assert device.visible_devices() == ["0", "1"]


def test_jobs_at_the_same_time_get_different_devices_and_the_third_waits(tmp_path):
    program = "import os, time; print(os.environ['CUDA_VISIBLE_DEVICES'], flush=True); time.sleep({})"
    environment = {k: v for k, v in os.environ.items() if k != "SLURM_JOB_ID"}
    environment |= {"CUDA_VISIBLE_DEVICES": "3,7", "PYTHONPATH": str(ROOT)}

    def start(seconds):
        command = [sys.executable, "-m", "workflow.device", sys.executable, "-c", program.format(seconds)]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)

    first, second = start(30), start(30)
    try:
        assert {first.stdout.readline(), second.stdout.readline()} == {"3\n", "7\n"}
        third = start(0)
        time.sleep(1.5)
        assert third.poll() is None
        second.kill()  # however a job ends, its device is free again
        second.wait()
        assert third.communicate(timeout=120)[0] in ("3\n", "7\n")
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()


def test_without_a_device_or_in_a_cluster_job_the_command_runs_as_it_is(tmp_path):
    command = [sys.executable, "-m", "workflow.device", "sh", "-c", "echo ${CUDA_VISIBLE_DEVICES-none}; exit 3"]
    for extra, expected in (
        ({"CUDA_VISIBLE_DEVICES": ""}, "\n"),
        ({"SLURM_JOB_ID": "1", "CUDA_VISIBLE_DEVICES": "4,5"}, "4,5\n"),
    ):
        environment = {k: v for k, v in os.environ.items() if k != "SLURM_JOB_ID"} | {"PYTHONPATH": str(ROOT)} | extra
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (3, expected)
    assert not (tmp_path / ".snakemake").exists()


def test_a_job_that_needs_no_device_does_not_wait_for_one(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "SLURM_JOB_ID"}
    environment |= {"CUDA_VISIBLE_DEVICES": "3", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "workflow.device", "--none", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES; exit 3"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "3\n")
    assert not (tmp_path / ".snakemake").exists()


def test_leftovers_are_the_marked_processes_of_this_folder_only(tmp_path):
    here, there = tmp_path / "a", tmp_path / "ab"
    ours = _sleeper(os.environ | leftovers.mark(here), "trap '' TERM; while :; do sleep 0.1; done")
    other = _sleeper(os.environ | leftovers.mark(there), "sleep 60")
    try:
        assert ours.pid in leftovers.processes(here) and other.pid not in leftovers.processes(here)
        assert leftovers.end_processes(here, patience=1) >= 1  # it does not listen, so it is killed
        assert ours.wait(timeout=120) == -9 and leftovers.processes(here) == []
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_cluster_jobs_are_those_of_this_folder(monkeypatch, tmp_path):
    own, other = leftovers.cluster_prefix(tmp_path), leftovers.cluster_prefix(tmp_path / "x")
    assert own != other and re.fullmatch(r"densemoe_[0-9a-f]{6}", own)
    lines = [f"17|RUNNING|{own}_uuid|rule_train_wildcards_a", f"18|RUNNING|{other}_uuid|", "19|PENDING|bash|",
             f"20|PENDING|{own}_uuid|rule_all"]  # fmt: skip
    _script(tmp_path / "squeue", "\n".join(f"echo '{line}'" for line in lines))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert slurm.queued(own) == [
        slurm.Queued("17", "RUNNING", "rule_train_wildcards_a"),
        slurm.Queued("20", "PENDING", "rule_all"),
    ]


def test_processes_of_a_cluster_job_on_this_machine_are_no_leftovers(tmp_path):
    ours = _sleeper(os.environ | leftovers.mark(tmp_path) | {"SLURM_JOB_ID": "17"}, "sleep 60")
    try:
        assert ours.pid not in leftovers.processes(tmp_path)
    finally:
        ours.kill()
        ours.wait()


LOG = """\
Building DAG of jobs...
Job stats:
job             count
------------  -------
train               2
all                 1
total               3

Select jobs to execute...
Execute 2 jobs...
[Mon Nov 23 00:28:34 2026]
localrule train:
    output: runs/a/model.safetensors
    log: runs/logs/train/a.log
    jobid: 2
    wildcards: key=a
    resources: tmpdir=/tmp, gpu=1
[Mon Nov 23 00:28:34 2026]
rule train:
    log: runs/logs/train/b.log
    jobid: 3
    wildcards: key=b
RuleException:
CalledProcessError in file "workflow/rules/train.smk", line 17:
Command 'set -euo pipefail;  python' returned non-zero exit status 2.
[Mon Nov 23 00:28:35 2026]
Error in rule train:
    message: None
    jobid: 2
    log: runs/logs/train/a.log (check log file(s) for error details)
    shell:
        python -m stages.train
        (command exited with non-zero exit code)
Logfile runs/logs/train/a.log:
===============================================================
localrule train:
error: a sentence
===============================================================
[Mon Nov 23 00:28:36 2026]
Finished jobid: 3 (Rule: train)
1 of 3 steps (33%) done
Something that is new
"""


def test_the_log_becomes_a_line_per_job(tmp_path):
    (tmp_path / "runs/logs/train").mkdir(parents=True)
    (tmp_path / "runs/logs/train/a.log").write_text("step 1\nerror: a sentence\n\n")
    progress = Progress(tmp_path)
    said = [text for line in LOG.splitlines() for text in progress.feed(line)]
    assert said == [
        "     2 train",
        "FAILED train a: error: a sentence (log: runs/logs/train/a.log)",
        "[1/3] train b",
        "Something that is new",
    ]
    assert progress.done == 1 and list(progress.failed) == ["2"]
    retry = "Finished jobid: 2 (Rule: train)\n2 of 3 steps (67%) done".splitlines()
    assert [text for line in retry for text in progress.feed(line)] == ["[2/3] train a"]
    assert progress.failed == {}


def test_records_are_found_under_snakemakes_own_names(tmp_path):
    (tmp_path / "Snakefile").write_text(
        "rule a:\n    output: 'out/long_' + 'x' * 120 + '.txt'\n    shell: 'touch {output}'\n"
    )
    out = "out/long_" + "x" * 120 + ".txt"
    (tmp_path / "out").mkdir()
    (tmp_path / out).touch()
    assert is_foreign(tmp_path, out)
    subprocess.run(
        [sys.executable, "-m", "snakemake", "-F", "--cores", "1"], cwd=tmp_path, check=True, capture_output=True
    )
    assert is_recorded(tmp_path, out) and not is_started(tmp_path, out) and not is_foreign(tmp_path, out)
    assert not is_foreign(tmp_path, "out/missing")


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def _sleeper(environment, program):
    process = subprocess.Popen(["sh", "-c", f"echo ready; {program}"], env=environment, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process
