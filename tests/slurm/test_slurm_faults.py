"""Everything that ends a job on a cluster, on a real SLURM: the weights come out as if nothing had happened.

One workflow of five trainings on four GPUs lives through it all; each test looks at one fault. An undisturbed copy of
the same project, on this machine without SLURM, gives the bytes to compare with.
"""

import os
import signal

import pytest

from tests.slurm.cluster import wait_for
from tests.slurm.slurm_project import SlurmProject, check_once

pytestmark = pytest.mark.slow

FAULTS = ("requeued", "cancelled", "killed", "truncated", "full")
ITERATIONS = 120
TABLE = """\
title: Components
source: {paper: mlore, table: 2}
columns: [semseg.miou]
base: {method: mlore, dataset: pascal_context, backbone: vit_base}
rows:
"""
TABLE += "".join(f"  - label: {fault}\n    set: {{decoder.router.k: {k}}}\n" for k, fault in enumerate(FAULTS, 3))


@pytest.fixture(scope="module")
def planned(cluster, tmp_path_factory):
    """Data prepared, nothing trained."""
    project = SlurmProject.on(
        cluster, tmp_path_factory.mktemp("faults") / "project", {"mlore/table02": TABLE}, ITERATIONS
    )
    project.run("snakemake", "--workflow-profile", "workflow/profiles/local", "--cores", "2", "--until", "prepare")
    return project


@pytest.fixture(scope="module")
def undisturbed(planned, tmp_path_factory):
    """The same project, run on this machine without any fault."""
    project = planned.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    project.reproduce()
    return project


def job_of(cluster, run):
    """The SLURM job that trains a run now."""
    (job,) = [job for job, what in cluster.training().items() if run in what]
    return job


@pytest.fixture(scope="module")
def story(planned, cluster):
    """The workflow and everything that happens to it: fault -> its run, and the jobs that each fault met."""
    project = planned
    project.slow()
    process = project.submit()
    try:
        runs, jobs = faults_of_their_own(project, cluster)
        full_disk(project, cluster, runs, jobs)
        preempt(project, cluster, jobs)
        cluster.kill("slurmctld")
        cluster.start_controller()
        node_down(project, cluster, jobs)
        project.go()
        assert process.wait(timeout=300) == 0, project.said
    finally:
        project.end()
    return runs, jobs


def faults_of_their_own(project, cluster):
    """Each of the four that run first is stopped in another way, after its first checkpoint."""
    project.wait("four trainings run", lambda: len(cluster.training()) == 4)
    every = list(project.plan()["runs"])
    running = sorted(next(run for run in every if run in what) for what in cluster.training().values())
    (waiting,) = set(every) - set(running)
    runs = dict(zip(FAULTS, [*running, waiting], strict=True))
    jobs = {}
    for fault in FAULTS[:-1]:
        project.checkpoint(runs[fault], after=20 if fault == "truncated" else 0)
        project.trains_in(runs[fault], 0)
        jobs[fault] = job_of(cluster, runs[fault])
    cluster.run("scontrol", "requeue", jobs["requeued"])
    cluster.run("scancel", jobs["cancelled"])
    for fault in ("killed", "truncated"):
        os.kill(project.steps(runs[fault])[-1].pid, signal.SIGKILL)
    newest = project.checkpoint(runs["truncated"])
    newest.write_bytes(newest.read_bytes()[:1000])
    return runs, jobs


def full_disk(project, cluster, runs, jobs):
    """The fifth has got a GPU by now: its next checkpoint finds the disk full."""
    project.checkpoint(runs["full"])
    jobs["full"] = job_of(cluster, runs["full"])
    (project.folder / "runs" / runs["full"] / "resume" / ".checkpoint.partial").symlink_to("/dev/full")
    wait_for("the disk is found full", lambda: cluster.attempts(jobs["full"]) == ["FAILED"], 120)


def preempt(project, cluster, jobs):
    """Two of those that run are preempted by a job that wants two GPUs."""
    running = wait_for("four trainings run", lambda: len(now := list(cluster.training())) == 4 and now, 120)
    before = sessions(project)
    cluster.run("sbatch", "-p", "urgent", "--gpus=2", "--mem=1000", "-o", "/dev/null", "--wrap", "sleep 3")
    jobs["preempted"] = wait_for("two are preempted", lambda: preempted(cluster, running), 60)
    trains_again(project, before, 2)


def preempted(cluster, running):
    found = [job for job in running if "PREEMPTED" in cluster.attempts(job)]
    return found if len(found) == 2 else None


def node_down(project, cluster, jobs):
    """The node is set down, and back."""
    jobs["node"] = wait_for("four trainings run", lambda: len(now := list(cluster.training())) == 4 and now, 120)
    before = sessions(project)
    cluster.node_down_and_back()
    trains_again(project, before, 4)


def sessions(project):
    return {run: len(project.sessions(run)) for run in project.plan()["runs"]}


def trains_again(project, before, count):
    project.wait("trainings go on", lambda: sum(n > before[r] for r, n in sessions(project).items()) >= count, 240)


@pytest.mark.parametrize("fault", FAULTS)
def test_weights_scores_and_curve_are_those_of_an_undisturbed_run(story, planned, undisturbed, fault):
    runs, _ = story
    assert planned.fingerprint(runs[fault]) == undisturbed.fingerprint(runs[fault])


@pytest.mark.parametrize("fault", FAULTS)
def test_no_step_was_repeated_needlessly_and_no_two_processes_trained_at_once(story, planned, fault):
    runs, _ = story
    check_once(planned, runs[fault], ITERATIONS, most_repeated=40 if fault == "truncated" else 20)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_curve_and_the_provenance_say_where_it_went_on(story, planned, fault):
    runs, _ = story
    starts = [session[0].step for session in planned.sessions(runs[fault])][1:]
    assert len(starts) >= 1
    resumed = planned.resumed_at(runs[fault])
    assert resumed and set(resumed) <= set(starts)
    curve = (planned.folder / f"reports/smoke/curves/{runs[fault]}.csv").read_text().splitlines()
    at = curve[0].split(",").index("session")
    numbers = [int(row.split(",")[at]) for row in curve[1:]]
    assert [numbers.index(n) for n in range(1, len(resumed) + 1)] == resumed


def test_a_requeued_job_goes_on_under_its_number(story, planned, cluster):
    runs, jobs = story
    first, second, *_ = planned.sessions(runs["requeued"])
    assert first[0].job == second[0].job == jobs["requeued"]
    assert cluster.attempts(jobs["requeued"])[0] == "REQUEUED"


def test_a_cancelled_job_is_submitted_again(story, planned, cluster):
    runs, jobs = story
    first, second, *_ = planned.sessions(runs["cancelled"])
    assert first[0].job == jobs["cancelled"] != second[0].job
    assert cluster.attempts(jobs["cancelled"]) == ["CANCELLED"]
    assert f"FAILED train {runs['cancelled']}: it was cancelled; Stopped by SIGTERM after step" in planned.said
    assert second[0].step == first[-1].step + 1  # it saved before it ended


def test_a_killed_trainer_is_submitted_again(story, planned, cluster):
    runs, jobs = story
    first, second, *_ = planned.sessions(runs["killed"])
    assert first[0].job != second[0].job
    assert cluster.attempts(jobs["killed"]) == ["FAILED"]
    assert second[0].step % 20 == 0  # the last regular checkpoint


def test_a_truncated_checkpoint_is_passed_over_for_the_one_before(story, planned):
    runs, _ = story
    first, second, *_ = planned.sessions(runs["truncated"])
    assert first[-1].step >= 39 and second[0].step == 20  # 40 steps were saved, and their checkpoint cut off


def test_a_full_disk_is_a_sentence_and_costs_an_attempt(story, planned, cluster):
    runs, jobs = story
    assert f"FAILED train {runs['full']}: error: the disk is full while writing" in planned.said
    assert cluster.attempts(jobs["full"]) == ["FAILED"]


def test_preempted_jobs_go_on_under_their_numbers(story, cluster):
    _, jobs = story
    assert len(jobs["preempted"]) == 2
    assert all("PREEMPTED" in cluster.attempts(job) for job in jobs["preempted"])


def test_jobs_of_a_failed_node_go_on_under_their_numbers(story, cluster):
    _, jobs = story
    assert len(jobs["node"]) == 4
    assert all("NODE_FAIL" in cluster.attempts(job) for job in jobs["node"])


def test_the_outage_of_the_controller_cost_nothing(story, cluster):
    # four failures were injected; nothing else was submitted twice
    trainings = [row for row in cluster.accounted("JobID", "Comment") if "train" in row["Comment"]]
    assert len(trainings) == len(FAULTS) + len(("cancelled", "killed", "truncated", "full"))
