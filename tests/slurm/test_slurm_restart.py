"""On a real SLURM: trainings reach their time limit and go on, and so does everything when Snakemake is killed.

Three trainings, of which Snakemake submits two at a time. It is killed twice: once while they run, and once more so
that they end while nobody looks.
"""

import pytest

from tests.slurm.cluster import wait_for
from tests.slurm.slurm_project import SlurmProject, check_once

pytestmark = pytest.mark.slow

ITERATIONS = 160
TABLE = """\
title: Components
source: {paper: mlore, table: 2}
columns: [semseg.miou]
base: {method: mlore, dataset: pascal_context, backbone: vit_base}
rows:
"""
TABLE += "".join(f"  - label: k={k}\n    set: {{decoder.router.k: {k}}}\n" for k in (3, 4, 5))
# SLURM warns up to a minute early: a minute after the start at the earliest, two at the latest
SITE = {"train": {"minutes": 3}, "warning_seconds": 60, "snakemake": {"jobs": 2}}


@pytest.fixture(scope="module")
def planned(cluster, tmp_path_factory):
    """Data prepared, nothing trained."""
    folder = tmp_path_factory.mktemp("restart") / "project"
    project = SlurmProject.on(cluster, folder, {"mlore/table02": TABLE}, ITERATIONS, SITE)
    project.run("snakemake", "--workflow-profile", "workflow/profiles/local", "--cores", "2", "--until", "prepare")
    return project


@pytest.fixture(scope="module")
def undisturbed(planned, tmp_path_factory):
    """The same project, run on this machine without any fault."""
    project = planned.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    project.reproduce()
    return project


@pytest.fixture(scope="module")
def story(planned, cluster):
    """What the three commands said, and the jobs that outlived the first one."""
    project, said = planned, []
    project.slow()
    first = project.submit()
    try:
        project.wait("two trainings run", lambda: len(cluster.training()) == 2, 240)
        jobs = dict(cluster.training())
        runs = {job: next(run for run in project.plan()["runs"] if run in what) for job, what in jobs.items()}
        for run in runs.values():
            project.trains_in(run, 0)
        project.kill_heads(first)
        said.append(project.said)

        second = project.submit()
        (third_run,) = set(project.plan()["runs"]) - set(runs.values())
        project.trains_in(third_run, 0, 240)  # what does not depend on the others is not kept waiting
        for run in runs.values():
            project.trains_in(run, 1, 240)  # after the warning
        project.trains_in(third_run, 1, 240)
        project.kill_heads(second)
        said.append(project.said)
        project.go()
        wait_for("all jobs end", lambda: not cluster.queue(), 240)

        last = project.submit()
        assert last.wait(timeout=240) == 0, project.said
        said.append(project.said)
    finally:
        project.end()
    return jobs, runs, said


def runs_of(project):
    runs = sorted(project.plan()["runs"])
    assert len(runs) == 3
    return runs


def test_weights_scores_and_curves_are_those_of_undisturbed_runs(story, planned, undisturbed):
    for run in runs_of(planned):
        assert planned.fingerprint(run) == undisturbed.fingerprint(run)


def test_no_step_is_done_twice_and_no_two_processes_train_one_run(story, planned):
    for run in runs_of(planned):
        check_once(planned, run, ITERATIONS, most_repeated=1)  # every session was warned, and saved its last step


def test_a_time_limit_is_warned_of_and_the_job_goes_on_under_its_number(story, planned, cluster):
    jobs, _, _ = story
    for run in runs_of(planned):
        assert "going on at step" in planned.log(run)
        sessions = planned.sessions(run)
        assert len({session[0].job for session in sessions}) == 1 and len(sessions) >= 2
        assert planned.resumed_at(run) == [session[0].step for session in sessions[1:]]
    for job in jobs:
        assert cluster.attempts(job)[0] == "REQUEUED"


def test_a_restarted_command_waits_for_the_jobs_and_submits_the_others(story, planned, cluster):
    jobs, _, said = story
    assert f"2 cluster jobs of the run before go on: {' '.join(sorted(jobs))}" in said[1]
    assert "removed the lock of a killed run" in said[1]
    trainings = [row["Comment"] for row in cluster.accounted("JobID", "Comment") if "rule_train" in row["Comment"]]
    assert len([what for what in trainings if any(run in what for run in runs_of(planned))]) == 3


def test_jobs_that_ended_while_nobody_looked_are_kept(story, planned):
    _, _, said = story
    assert "3 jobs came to their end while nobody looked; their results are kept" in said[2]
    assert "train" not in said[2] and "jobs done" in said[2]
    assert "already up to date" in planned.reproduce("--profile", "slurm")
