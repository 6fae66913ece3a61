"""The smoke pipeline of two tables on a real SLURM with four declared GPUs, through the command that people type."""

import re
from collections import Counter

import pytest

from tests.slurm.slurm_project import SlurmProject
from workflow.leftovers import cluster_prefix
from workflow.pipeline import Pipeline
from workflow.site import RULES

pytestmark = pytest.mark.slow

TABLES = {
    "mlore/table02": """\
title: Components
source: {paper: mlore, table: 2}
columns: [semseg.miou, boundary.ods_f]
base: {method: mlore, dataset: pascal_context, backbone: vit_base}
rows:
  - label: Baseline
    set: {method: baseline}
    paper: {semseg.miou: "77.38"}
  - label: MLoRE
    paper: {semseg.miou: "79.26"}
  - label: three experts
    set: {decoder.router.k: 3}
""",
    "mlore/table03": """\
title: On the other data set
source: {paper: mlore, table: 3}
columns: [semseg.miou]
base: {method: mlore, dataset: nyud_v2, backbone: vit_base}
rows:
  - label: MLoRE
    paper: {semseg.miou: "79.26"}
""",
}
ITERATIONS = 20


@pytest.fixture(scope="module")
def project(cluster, tmp_path_factory):
    return SlurmProject.on(cluster, tmp_path_factory.mktemp("slurm") / "project", TABLES, ITERATIONS)


@pytest.fixture(scope="module")
def reproduced(project):
    """What `make reproduce PROFILE=slurm` said."""
    project.slow()  # so that all four trainings are seen at the same time
    process = project.submit()
    try:
        for run in project.plan()["runs"]:
            project.trains_in(run, 0, seconds=300)
        project.go()
        assert process.wait(timeout=300) == 0, project.said
    finally:
        project.end()
    return project.said


def test_two_tables_come_out(project, reproduced):
    assert reproduced.splitlines()[-1] == "reports/smoke/README.md"
    count = len(Pipeline(project.folder, "smoke").stages)
    assert count > 20
    assert f"{count} jobs done" in reproduced and f"{count} of {count} stages are done and recorded" in reproduced
    for name in TABLES:
        text = (project.folder / "reports/smoke/tables" / f"{name}.md").read_text()
        assert re.search(r"MLoRE.*\d\.\d", text)
    assert "already up to date" in project.reproduce("--profile", "slurm")


def test_accounting_shows_what_was_asked_for(project, cluster, reproduced):
    jobs = [j for j in cluster.accounted("JobName", "Comment", "State", "ReqTRES", "Timelimit", "Partition", "Account")
            if j["Comment"].startswith("rule_")
            and j["JobName"].startswith(cluster_prefix(project.folder))]  # fmt: skip
    by_rule = {}
    for job in jobs:
        by_rule.setdefault(re.match(r"rule_([a-z_]+?)(?:_wildcards|$)", job["Comment"])[1], []).append(job)
    # every stage that is not rendered where Snakemake runs, once
    stages = Counter(stage.group for stage in Pipeline(project.folder, "smoke").stages.values())
    assert {rule: len(found) for rule, found in by_rule.items()} == {r: n for r, n in stages.items() if r in RULES}
    assert stages["train"] == 4
    assert {job["State"] for job in jobs} == {"COMPLETED"}
    assert {job["Account"] for job in jobs} == {"lab"}
    # next to nothing is estimated for a smoke run: a quarter of an hour and the warning are asked for
    limits = {"train": ("gpu", "00:17:00"), "evaluate": ("gpu", "00:30:00"), "prepare": ("cpu", "00:20:00")}
    for rule, (partition, limit) in limits.items():
        assert {(j["Partition"], j["Timelimit"]) for j in by_rule[rule]} == {(partition, limit)}
        assert all(("gres/gpu=1" in j["ReqTRES"]) == (partition == "gpu") for j in by_rule[rule])


def test_every_training_had_a_gpu_of_its_own(project, reproduced):
    gpus = {run: {step.gpu for step in project.steps(run)} for run in project.plan()["runs"]}
    assert sorted(gpu for found in gpus.values() for gpu in found) == ["0", "1", "2", "3"]
