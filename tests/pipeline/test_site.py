"""A cluster's site file: what jobs ask for, and questions to SLURM, whose answers stand in scripts here."""

import os
import re

import pytest
import yaml

from densemoe.params.errors import InputError
from tests.pipeline.project import ROOT
from workflow import attach, site, slurm
from workflow.pipeline import Pipeline
from workflow.progress import Progress


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the shipped profiles, and a SLURM that knows two partitions and refuses nothing."""
    for name in ("slurm", "local"):
        (tmp_path / "workflow/profiles" / name).mkdir(parents=True)
        for file in (ROOT / "workflow/profiles" / name).glob("*.yaml"):
            (tmp_path / "workflow/profiles" / name / file.name).write_text(file.read_text())
    commands = tmp_path / "bin"
    commands.mkdir()
    script(commands / "sinfo", "echo 'gpu|1-12:00:00'; echo 'cpu|infinite'")
    for name in ("sbatch", "squeue", "scancel", "scontrol"):
        script(commands / name, "true")
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def script(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def mine(folder, **changes):
    """A second cluster: one file."""
    text = yaml.safe_load((folder / "workflow/profiles/slurm/site.yaml").read_text())
    (folder / "workflow/profiles/mine").mkdir()
    (folder / "workflow/profiles/mine/site.yaml").write_text(yaml.safe_dump({**text, **changes}))
    return site.Cluster(folder, "mine")


def test_a_second_cluster_is_one_file(folder):
    mine(folder, account="lab")
    assert site.profiles(folder) == ["local", "mine", "slurm"]
    written = site.Cluster(folder, "mine").write_profile(folder / "out", {"run_a": 10.0})
    profile = yaml.safe_load((written / "config.yaml").read_text())
    shared = yaml.safe_load((folder / "workflow/profiles/slurm/config.yaml").read_text())
    assert {k: profile[k] for k in shared if k != "jobs"} == {k: v for k, v in shared.items() if k != "jobs"}
    assert profile["set-resources"]["train"] == {
        "slurm_partition": "gpu",
        "mem_mb": 64000,
        "runtime": "dict([('run_a', 915)])[wildcards.key]",
        "gpu": 1,
        "nodes": 1,
        "slurm_account": "lab",
        "workers": 7,
    }
    assert profile["set-resources"]["prepare"]["gpu"] == 0 and profile["set-threads"]["prepare"] == 8
    assert profile["default-resources"]["slurm_extra"] == "'--requeue --open-mode=append --signal=USR1@300'"


@pytest.mark.parametrize(
    ("hours", "tflops", "minutes"),
    [
        (10.0, 10, 915),  # 10 h x 1.5, and a quarter of an hour
        (10.0, 50, 195),  # on a GPU five times as fast
        (0.001, 10, 21),  # never less than the warning, SLURM's minute, and the quarter of an hour
        (40.0, 10, 2160),  # the partition's day and a half: the rest by requeue
    ],
)
def test_the_time_of_a_training_follows_from_estimate_gpu_and_limit(folder, hours, tflops, minutes):
    cluster = mine(folder, gpu={"model": "a100", "tflops": tflops})
    assert cluster.minutes("train", hours) == minutes
    assert cluster.minutes("evaluate") == 240


def test_the_shipped_site_asks_slurm_about_every_rule(folder):
    script(folder / "bin/sbatch", f'echo "$@" >> {folder}/asked')
    cluster = site.Cluster(folder, "slurm")
    with pytest.raises(InputError, match="warning_seconds is 300, but partition 'gpu' ends"):
        cluster.limits["gpu"] = 6
        cluster.check({})
    cluster.limits["gpu"] = 2160
    cluster.check({"run_a": 1.0, "run_b": 100.0})
    asked = (folder / "asked").read_text().splitlines()
    assert len(asked) == 2 + len(site.RULES)
    assert (
        "--test-only --partition=gpu --time=2160 --mem=64000 --ntasks=1 --nodes=1 --cpus-per-task=8 --gpus=1"
        in asked[4]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("infinite", None), ("30:00", 30), ("2:00:00", 120), ("1-12:00:00", 2160), ("7-00:00:00", 10080)],
)
def test_times_of_slurm(text, expected):
    assert slurm.minutes(text) == expected


def test_what_slurm_says_first_is_the_reason(folder):
    script(folder / "bin/sbatch", "echo 'sbatch: error: invalid partition specified: x' >&2; echo more >&2; exit 1")
    assert slurm.refusal([]) == "invalid partition specified: x"
    script(
        folder / "bin/sbatch", "echo 'allocation failure: Requested node configuration is not available' >&2; exit 1"
    )
    assert slurm.refusal([]) == "Requested node configuration is not available"


@pytest.mark.parametrize(
    ("state", "steps", "reason"),
    [
        ("OUT_OF_MEMORY", "", "out of memory: give the rule more memory_mb in site.yaml"),
        ("TIMEOUT", "", "its time limit was reached: it goes on from its last checkpoint"),
        ("NODE_FAIL", "", "its node failed"),
        ("CANCELLED", "", "it was cancelled"),
        ("FAILED", "1:0\n0:9", "killed, by a person or for its memory"),
        ("FAILED", "1:0", ""),
    ],
)
def test_why_a_job_failed_where_slurm_tells(folder, state, steps, reason):
    script(folder / "bin/squeue", f"echo {state}")
    script(folder / "bin/sacct", f"echo '{steps}'")
    assert slurm.reason("17") == reason


def test_a_failure_on_a_cluster_is_told_with_reason_log_and_what_is_left(folder):
    script(folder / "bin/squeue", "echo OUT_OF_MEMORY")
    (folder / "a.log").write_text("step 1\nKilled\n")
    progress = Progress(folder)
    log = """\
Job stats:
total               7
rule train:
    jobid: 3
    wildcards: key=a
Job 3 has been submitted with SLURM jobid 17 (log: /x/runs/logs/slurm/rule_train/a/17.log).
Error in rule train:
    jobid: 3
    log: a.log, /x/runs/logs/slurm/rule_train/a/17.log (check log file(s) for error details)
Trying to restart job 3.
"""
    said = [text for line in log.splitlines() for text in progress.feed(line)]
    assert said == ["FAILED train a: out of memory: give the rule more memory_mb in site.yaml; Killed (log: a.log)"]
    assert progress.left == 6


def test_jobs_are_known_by_the_comment_and_the_logs_of_the_executor_plugin():
    pipeline = Pipeline(ROOT, "smoke")
    stage = next(s for s in pipeline.stages.values() if s.group == "evaluate")
    run, measure = stage.key.split("__")
    assert attach.names_of(pipeline, stage) == ("rule_evaluate", f"{run}_{measure}")
    job = slurm.Queued("17", "RUNNING", f"rule_evaluate_wildcards_{run}_{measure}")
    assert attach.outputs_under_way(pipeline, [job]) == [stage.outs[0]]
    assert attach.outputs_under_way(pipeline, [job, slurm.Queued("18", "RUNNING", "something else")]) is None
    names = [attach.names_of(pipeline, s) for s in pipeline.stages.values()]
    assert len(set(names)) == len(names) > 100


def test_the_rules_of_a_site_are_those_that_are_not_local():
    groups = {stage.group for stage in Pipeline(ROOT, "smoke").stages.values()}
    local = re.search(r"^localrules:\n((?:    \w+,\n)+)", (ROOT / "Snakefile").read_text(), re.M)[1]
    assert groups - set(re.findall(r"\w+", local)) == set(site.RULES)
