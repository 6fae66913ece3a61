"""The real stages, end to end: killed during training, the same command ends with the same weights and curve."""

import os
import signal
import time
from hashlib import sha256
from pathlib import Path

import pytest

from tests.pipeline.project import Project

pytestmark = pytest.mark.slow

TABLE = """\
title: Components
source: {paper: mlore, table: 2}
columns: [semseg.miou, boundary.ods_f]
base: {method: mlore, dataset: pascal_context, backbone: vit_base}
rows:
  - label: MLoRE
    paper: {semseg.miou: "79.26"}
plot:
  - {kind: activation, title: Tasks and experts, row: MLoRE, modules: all}
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """One run on eight scenes; checkpoints come every twenty steps."""
    project = Project.make(tmp_path_factory.mktemp("kill") / "project", {"mlore/table02": TABLE}, fake=False)
    project.edit("params/scales/smoke.yaml", "size: [48, 64], train_images: 96, val_images: 24",
                 "size: [48, 64], train_images: 8, val_images: 4")  # fmt: skip
    project.python("-m", "stages.plan", "--scale", "smoke", "--write")
    (run,) = project.plan()["runs"]
    assert project.plan()["runs"][run]["variant"]["recipe"]["iterations"] == 40
    return project, run


def fingerprints(project, run):
    """The files whose bytes must not depend on what happened on the way."""
    files = [f"runs/{run}/model.safetensors", f"reports/smoke/metrics/{run}/plain.json"]
    files += [f"runs/{run}/boundary_plain.zip", f"reports/smoke/costs/{run}.json", f"reports/smoke/routing/{run}.json"]
    files += ["reports/smoke/tables/mlore/table02.md", "reports/smoke/figures/mlore/table02.svg"]
    prints = {f: sha256((project.folder / f).read_bytes()).hexdigest() for f in files}
    rows = (project.folder / f"reports/smoke/curves/{run}.csv").read_text().splitlines()
    # the last column tells of interruptions
    return prints | {"curve": [row.rpartition(",")[0] for row in rows], "resumed": rows[-1][-1]}


def marked(project):
    """Command lines of the processes that a run in this folder has started."""
    mark = f"DENSEMOE_RUN_IN={project.folder}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().decode()
        except OSError:
            continue
    return found


def test_kill_9_of_trainer_and_head_changes_no_bit(planned, tmp_path):
    project, run = planned
    undisturbed = project.copy(tmp_path / "undisturbed")
    said = undisturbed.reproduce()
    assert "13 jobs done" in said and said.splitlines()[-1] == "reports/smoke/README.md"

    process = project.start()
    deadline = time.monotonic() + 180
    try:
        while not any((project.folder / "runs" / run / "resume").glob("step-*.pt")):
            assert process.poll() is None and time.monotonic() < deadline, "no checkpoint was written"
            time.sleep(0.02)
        killed = marked(project)
        for pid in [process.pid, *killed]:
            os.kill(pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    assert any("stages.train" in line for line in killed.values())
    assert any("snakemake" in line and "stages.train" not in line for line in killed.values())
    assert not (project.folder / "runs" / run / "model.safetensors").exists()  # it was in the middle

    project.reproduce()
    log = (project.folder / "runs" / "logs" / "train" / f"{run}.log").read_text()
    assert "going on at step" in log, log
    assert fingerprints(project, run) == fingerprints(undisturbed, run) | {"resumed": "1"}
    assert "already up to date" in project.reproduce()
    assert "up to date" in project.dvc("status")
