"""What a cluster cannot do, or must not do now, is refused with one sentence, and nothing is submitted."""

import pytest

from tests.slurm.cluster import wait_for
from tests.slurm.slurm_project import SITE, SlurmProject
from workflow import leftovers

pytestmark = pytest.mark.slow

TABLE = """\
title: Components
source: {paper: mlore, table: 2}
columns: [semseg.miou]
base: {method: mlore, dataset: pascal_context, backbone: vit_base}
rows:
  - label: MLoRE
"""


@pytest.fixture(scope="module")
def project(cluster, tmp_path_factory):
    return SlurmProject.on(cluster, tmp_path_factory.mktemp("refusals") / "project", {"mlore/table02": TABLE}, 20)


@pytest.fixture
def refused(project, cluster):
    """Runs `make reproduce PROFILE=slurm` and returns the sentence with which it refuses."""
    project.site()

    def run(profile: str = "slurm", **environment: str) -> str:
        plan = project.folder / "params/plan/smoke.yaml"
        before = len(cluster.accounted("JobID")), plan.stat().st_mtime_ns
        said = project.reproduce("--profile", profile, code=2, **environment)
        assert said.startswith("error: ") and said.count("\n") == 1, said
        assert (len(cluster.accounted("JobID")), plan.stat().st_mtime_ns) == before
        return said

    return run


def test_an_unknown_profile(refused):
    assert refused("pbs") == "error: PROFILE 'pbs' does not exist; allowed are local, slurm.\n"


@pytest.mark.parametrize(
    ("site", "sentence"),
    [
        ({"train": {"partition": "gpus"}}, "rules.train: there is no partition 'gpus'; allowed are cpu, gpu, urgent."),
        ({"train": {"gpus": 5}}, "--gpus=h100:5 --account=lab`: Requested node configuration is not available."),
        ({"gpu": {"model": "a100", "tflops": 5}}, "--gpus=a100:1 --account=lab`: Requested node configuration is not"),
        ({"train": {"memory_mb": 10**6}}, "rules.train: SLURM refuses `sbatch --partition=gpu --time="),
        ({"extra": "--no-such-option"}, "unrecognized option '--no-such-option'"),
        ({"train": {"memory": 3}}, "site.yaml: key 'rules.train.memory' is an unknown key here."),
        ({"warning_seconds": 0}, "site.yaml: key 'warning_seconds' is 0; input should be greater than or equal to 1."),
    ],
)
def test_a_site_that_is_not_true(project, refused, site, sentence):
    project.site(**site)
    said = refused()
    assert sentence in said and said.startswith("error: workflow/profiles/slurm/site.yaml: ")


def test_a_rule_that_does_not_exist(project, refused):
    project.site(rules={**SITE["rules"], "training": {"gpus": 1}})
    assert (
        "rules.training is no rule; allowed are default, evaluate, get_data, measure_cost, measure_routing, prepare,"
        in refused()
    )


def test_a_machine_without_slurm(refused, tmp_path):
    said = refused(PATH=str(tmp_path))
    assert said.endswith("needs sbatch, squeue, scancel, scontrol, sinfo on PATH: run this on a login node.\n")


def test_a_run_folder_that_cannot_be_written(project, refused):
    runs = project.folder / "runs"
    assert not runs.exists() or not list(runs.iterdir())
    runs.rmdir() if runs.exists() else None
    runs.symlink_to("/proc/self")  # not even root writes there
    try:
        assert "error: runs/ cannot be written to (" in refused()
    finally:
        runs.unlink()


def test_a_plan_that_changed_while_its_jobs_run(project, refused, cluster):
    name = f"{leftovers.cluster_prefix(project.folder)}_0"
    job = cluster.run("sbatch", "--parsable", "-J", name, "-o", "/dev/null", "--wrap", "sleep 60").strip()
    wait_for("accounting knows the job", lambda: job in [row["JobID"] for row in cluster.accounted("JobID")])
    table = project.folder / "params/tables/mlore/table02.yaml"
    before = table.read_text()
    table.write_text(before.replace("label: MLoRE", "label: another"))
    try:
        said = refused()
        assert "mlore_table02.yaml would change while 1 cluster jobs of the plan before are not over" in said
        assert f"(scancel {job})" in said
        assert "label: MLoRE" in (project.folder / "params/plan/smoke/mlore_table02.yaml").read_text()
    finally:
        table.write_text(before)
