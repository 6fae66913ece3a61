"""Real Snakemake and real DVC in a git repository, with stand-in stages: what runs again, what is recorded."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.pipeline.project import Project

pytestmark = pytest.mark.slow

TABLE = "params/tables/mlore/table02.yaml"
INDEX = "reports/smoke/README.md"
DRAWN = ("mlore/table02", "mlore/table02_curves", "cost_and_gain")
HTML = "reports/smoke/report.html"


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """A project after its first full run, committed."""
    project = Project.make(tmp_path_factory.mktemp("engines") / "project")
    said = project.reproduce()
    assert said.splitlines()[-1] == INDEX
    assert "35 jobs done" in said and "35 of 35 stages are done and recorded" in said
    project.commit("results")
    return project


@pytest.fixture
def project(reproduced, tmp_path):
    """A copy of the finished project with all its records."""
    copy = reproduced.copy(tmp_path / "project")
    copy.calls()
    return copy


def run_of(project, label):
    """The run that a row of table 2 shows."""
    text = (project.folder / "params/plan/smoke/mlore_table02.yaml").read_text()
    return re.search(rf"label: {label}\n(?:.*\n)*?      run: (\w+)", text)[1]


COST = {"measure_cost@smoke": 1}
"""All networks are counted when the plan has another run."""


def jobs_of(run, train=1):
    """Calls of the stages of one run."""
    return {f"train@{run}": train, f"evaluate@{run}__plain": 1, f"score_run@{run}__plain": 1}


def without_cost(calls):
    """It waits for nothing: when a run is stopped it may have been done or not."""
    return {call: times for call, times in calls.items() if call not in COST}


def test_every_stage_runs_once(reproduced):
    calls = reproduced.calls()
    plan = reproduced.plan()
    expected = [f"{s}@{d}" for s in ("get_data", "prepare") for d in plan["data"]]
    expected += (
        [f"train@{r}" for r in plan["runs"]]
        + [f"evaluate@{m}" for m in plan["measures"]]
        + [f"score_run@{m}" for m in plan["scores"]]
        + [f"measure_routing@{m}" for m in plan["routing"]]
        + ["measure_cost@smoke"]
    )
    assert calls == dict.fromkeys(sorted(expected), 1)
    assert len(calls) == 27


def test_a_second_run_does_nothing_and_says_so(project):
    before = project.stamps("r*/**/*")
    begin = time.perf_counter()
    said = project.reproduce()
    seconds = time.perf_counter() - begin
    assert said.splitlines() == ["already up to date, nothing was run", HTML, INDEX]
    assert project.calls() == {}
    assert project.stamps("r*/**/*") == before and len(before) > 50
    assert seconds < 30  # 4 s on a quiet machine
    assert "up to date" in project.dvc("status")
    assert project.run("git", "status", "--short") == ""


def test_an_edited_label_renders_one_table_and_trains_nothing(project):
    project.edit(TABLE, "label: three experts", "label: 3 experts")
    before = project.stamps("reports/**/*.*")
    said = project.reproduce()
    after = project.stamps("reports/**/*.*")
    assert project.calls() == {}
    rendered = {f"reports/smoke/tables/mlore/table02.{form}" for form in ("md", "csv", "tex")}
    rendered |= {f"reports/smoke/figures/{f}.{end}" for f in DRAWN for end in ("png", "svg", "csv")}
    rendered |= {"reports/smoke/claims.md", "reports/smoke/claims.json", INDEX, HTML}
    assert {f for f in after if after[f] != before.get(f)} == rendered
    assert "plan: params/plan/smoke/mlore_table02.yaml changed" in said
    assert "3 experts" in (project.folder / "reports/smoke/tables/mlore/table02.md").read_text()
    assert "up to date" in project.dvc("status")


def test_an_edited_comment_does_nothing(project):
    project.edit(TABLE, "# of fifteen", "# of the fifteen experts")
    for name in ("params/base.yaml", "stages/train.py"):
        file = project.folder / name
        file.write_text(file.read_text() + "# a comment\n")
    project.edit("workflow/rules/train.smk", "{params.cmd} --workers", "{params.cmd}  --workers")
    assert "already up to date" in project.reproduce()
    assert project.calls() == {}
    assert "up to date" in project.dvc("status")


def test_an_edited_option_retrains_exactly_its_run_and_dvc_shows_the_difference(project):
    old, kept = run_of(project, "three experts"), run_of(project, "MLoRE")
    project.edit(TABLE, "decoder.router.k: 3", "decoder.router.k: 4")
    said = project.reproduce()
    new = run_of(project, "three experts")
    assert new not in (old, kept)
    assert project.calls() == jobs_of(new) | COST
    assert "10 jobs done" in said  # and the table, its figures, the overview, the claims, the index, the HTML report
    assert "up to date" in project.dvc("status")
    project.commit("another option")
    assert "up to date" in project.dvc("status")

    metrics = project.dvc("metrics", "diff", "HEAD~1", "--md")
    rows = [line for line in metrics.splitlines() if "reports/" in line]
    costs = [row for row in rows if "/costs/" in row]
    assert {re.search(r"costs/(\w+)\.json", row)[1] for row in costs} == {old, new}
    rows = [row for row in rows if row not in costs]
    assert {re.search(r"(?:metrics|boundary)/(\w+)/plain", row)[1] for row in rows} == {old, new}
    assert all(any(new in row and key in row for row in rows) for key in ("semseg.miou", "boundary.ods_f"))
    params = project.dvc("params", "diff", "HEAD~1", "--md")
    assert f"runs.{new}.variant.decoder.router.k" in params and kept not in params
    project.dvc("plots", "diff", "HEAD~1", "-o", "plots")
    page = (project.folder / "plots" / "index.html").read_text()
    assert f"curves/{new}.csv" in page.replace("\\/", "/") and kept in page

    # and back: the old run is still there
    project.edit(TABLE, "decoder.router.k: 4", "decoder.router.k: 3")
    project.reproduce()
    assert project.calls() == COST  # the plan changed, so the networks are counted again


def test_after_a_clone_and_a_pull_nothing_trains(project, tmp_path):
    project.dvc("remote", "add", "-d", "shelf", str(tmp_path / "remote"))
    project.dvc("push")
    project.commit("remote")
    clone = project.clone(tmp_path / "clone")
    clone.dvc("pull")
    refused = clone.reproduce(code=1)
    assert "was not made by Snakemake" in refused and "workflow.sync adopt" in refused
    assert "was not made by Snakemake" in clone.run("snakemake", "-n", "--cores", "1", code=1)
    assert "34 of 35 stages are current" in clone.python("-m", "workflow.sync", "adopt")
    assert "1 jobs done" in clone.reproduce() and (clone.folder / HTML).exists()  # kept by nobody, made anew
    assert "already up to date" in clone.reproduce()
    assert clone.calls() == {}
    assert clone.run("git", "status", "--short") == ""
    clone.edit(TABLE, "decoder.router.k: 3", "decoder.router.k: 4")
    clone.reproduce()
    assert len(clone.calls()) == 3 + len(COST)


def test_a_pull_of_some_stages_can_be_adopted_and_the_others_run(project, tmp_path):
    project.edit(TABLE, "decoder.router.k: 3", "decoder.router.k: 4")
    new = None
    failing = project.python("-m", "stages.plan", "--scale", "smoke", "--write") and run_of(project, "three experts")
    project.reproduce(code=1, FAKE_FAIL=f"train@{failing}")
    project.dvc("remote", "add", "-d", "shelf", str(tmp_path / "remote"))
    project.dvc("push")
    project.commit("some")
    clone = project.clone(tmp_path / "clone")
    clone.python("-m", "dvc", "pull", code=None)  # the run that failed is not there
    said = clone.python("-m", "workflow.sync", "adopt")
    assert "Snakemake: 26 of 35 stages are current" in said
    clone.reproduce()
    new = run_of(clone, "three experts")
    assert clone.calls() == {f"evaluate@{new}__plain": 1, f"score_run@{new}__plain": 1, f"train@{new}": 1}


def test_results_that_came_with_git_alone_are_made_again(project, tmp_path):
    clone = project.clone(tmp_path / "clone")
    assert (clone.folder / INDEX).exists()  # Snakemake by itself would find nothing to do
    said = clone.reproduce("--table", "mlore/table02")
    assert "results came with the checkout" in said
    calls = clone.calls()
    assert len([c for c in calls if c.startswith("train@")]) == 3
    clone.reproduce()
    both = calls | clone.calls()
    assert len([c for c in both if c.startswith("train@")]) == 8 and set(both.values()) == {1}
    assert "up to date" in clone.dvc("status")
    assert "already up to date" in clone.reproduce()


def test_a_folder_that_a_person_filled_is_not_taken_for_an_output_and_removed(tmp_path):
    project = Project.make(tmp_path / "project")
    (name,) = [n for n in project.plan()["data"] if n.startswith("nyud")]
    precious = project.folder / "data" / "raw" / name / "images.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("by hand")
    for said in (project.reproduce(code=1), project.run("snakemake", "--cores", "1", code=1)):
        assert f"data/raw/{name} exists, but was not made by Snakemake" in said
    assert precious.read_text() == "by hand" and project.calls() == {}


def test_one_failed_run_does_not_stop_the_others(tmp_path):
    project = Project.make(tmp_path / "project")
    plan = project.plan()
    bad = run_of(project, "three experts")
    said = project.reproduce(code=1, FAKE_FAIL=f"train@{bad}")
    assert f"FAILED train {bad}: error: the fake stage was told to fail (log: runs/logs/train/{bad}.log)" in said
    assert "26 jobs done, 1 failed" in said and "26 of 35 stages are done and recorded" in said
    calls = project.calls()
    assert sum(calls.values()) == len(calls) == 25
    assert (project.folder / "reports/smoke/tables/mlore/table03.md").exists()
    # everything is rendered all the same, and the index names the failed run and its row
    index = (project.folder / INDEX).read_text()
    assert f"- `{bad}`: train {bad}: error: the fake stage was told to fail" in index
    assert "Rows: `mlore/table02` three experts." in index and "| failed" in index
    assert "| three experts | ours (smoke)" in (project.folder / "reports/smoke/tables/mlore/table02.md").read_text()
    assert (project.folder / "reports/smoke/claims.md").exists()
    assert "the fake stage was told to fail" in (project.folder / HTML).read_text()
    again = project.reproduce()
    assert "came with the checkout" not in again and "9 jobs done" in again
    assert "Failed" not in (project.folder / INDEX).read_text() + (project.folder / HTML).read_text()
    assert "up to date" in project.dvc("status")
    assert project.calls() == {f"evaluate@{bad}__plain": 1, f"score_run@{bad}__plain": 1, f"train@{bad}": 1}
    assert len(plan["runs"]) == 8


def wait_for(project, call, seconds=300):  # far beyond what it takes: a limit is for what hangs, not for a busy machine
    deadline = time.monotonic() + seconds
    while not (project.folder / "calls" / call).exists():
        assert time.monotonic() < deadline, f"{call} never began"
        time.sleep(0.1)


def processes_in(project):
    """Processes that a run in this folder has started."""
    mark = f"DENSEMOE_RUN_IN={project.folder}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.fixture
def interrupted(project):
    """A project whose new run sleeps in training, with the process that reproduces it."""
    project.edit(TABLE, "decoder.router.k: 3", "decoder.router.k: 5")
    project.python("-m", "stages.plan", "--scale", "smoke", "--write")
    name = run_of(project, "three experts")
    process = project.start(FAKE_SLEEP=f"train@{name}")
    try:
        wait_for(project, f"train@{name}")
        yield project, name, process
    finally:
        for pid in [process.pid, *processes_in(project)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_a_second_reproduce_in_the_same_folder_is_refused(interrupted):
    project, name, process = interrupted
    said = project.reproduce(code=2)
    assert said == (
        f"error: this folder is being reproduced already (process {process.pid}); wait for it or stop it.\n"
    )
    assert without_cost(project.calls()) == {f"train@{name}": 1}


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_behind_and_goes_on(interrupted, sign):
    project, name, process = interrupted
    process.send_signal(sign)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 128 + sign
    assert said.rstrip().endswith("stopped; the same command goes on from here")
    assert processes_in(project) == []
    project.reproduce()
    assert without_cost(project.calls()) == jobs_of(name, train=2)
    assert "up to date" in project.dvc("status")


def test_after_kill_9_of_the_heads_the_trainer_is_ended_first(interrupted):
    project, name, process = interrupted
    commands = {p: Path(f"/proc/{p}/cmdline").read_bytes() for p in processes_in(project)}
    trainers = [p for p, command in commands.items() if b"stages.train" in command]
    heads = [p for p, command in commands.items() if b"snakemake" in command and p not in trainers]
    assert trainers and heads
    for pid in [process.pid, *heads]:
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    said = project.reproduce()
    assert "processes that a killed run had left behind" in said and "removed the lock of a killed run" in said
    assert without_cost(project.calls()) == jobs_of(name, train=2)
    assert processes_in(project) == []


def test_two_scales_share_folders_and_dvc_lock(project):
    said = project.reproduce("--scale", "pilot", "--table", "mlore/table02")
    assert "dvc.yaml: DVC now works on the scale pilot" in said
    assert said.splitlines()[-1] == "reports/pilot/tables/mlore/table02.md"
    lock = (project.folder / "dvc.lock").read_text()
    assert "render_table@pilot_mlore_table02:" in lock and "render_index@smoke:" in lock
    assert len(project.calls()) == 13  # of one data set
    said = project.reproduce()
    assert "already up to date" in said
    assert "now works on the scale smoke" in project.python("-m", "workflow.sync", "scale", "smoke")
    assert "up to date" in project.dvc("status")
    assert project.calls() == {}


def test_dvc_repro_runs_the_same_graph_and_is_adopted(project):
    project.edit(TABLE, "decoder.router.k: 3", "decoder.router.k: 4")
    project.python("-m", "stages.plan", "--scale", "smoke", "--write")
    new = run_of(project, "three experts")
    project.dvc("repro", "--quiet")
    assert project.calls() == jobs_of(new) | COST
    assert f"runs/{new}/model.safetensors" in project.reproduce(code=1)
    project.python("-m", "workflow.sync", "adopt")
    assert "already up to date" in project.reproduce()


def test_the_report_holds_the_tables(project):
    project.run("snakemake", "--report", "report.html", "--cores", "1", "--nolock")
    page = (project.folder / "report.html").read_text()
    assert "our numbers beside the printed ones" in page and "mlore/table03" in page
    assert "the data behind it lie beside it as CSV" in page
