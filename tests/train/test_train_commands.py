"""The commands `stages.train` and `stages.evaluate` as a user or an engine runs them, on a tiny plan."""

import csv
import importlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import safetensors.numpy
import torch
import yaml

from densemoe.params.errors import InputError
from densemoe.params.files import Params, parse, read_yaml
from densemoe.params.naming import data_name, run_name
from densemoe.params.variant import Variant
from densemoe.report.status.status import RunStatus, read_status

REPOSITORY = Path(__file__).parents[2]
PLAN = Path("params/plan/tiny.yaml")
ITERATIONS = 30
TRAIN_IMAGES, VAL_IMAGES = 8, 4
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "OMP_NUM_THREADS": "1"}


def tiny_variant(method: str) -> Variant:
    """A PASCAL-Context variant of the smoke plan, made smaller still."""
    runs = read_yaml(REPOSITORY / "params/plan/smoke.yaml")["runs"]
    entry = next(entry for name, entry in runs.items() if name.startswith("pascal") and method in name)
    variant = entry["variant"]
    variant["data"].update(train_images=TRAIN_IMAGES, val_images=VAL_IMAGES)
    variant["recipe"].update(iterations=ITERATIONS, batch_size=2)
    if method.startswith("mlore"):
        variant["decoder"]["modules_per_scale"] = 1
    return parse(Variant, variant, method)


MLORE, SINGLE = tiny_variant("mlore_n5k3"), tiny_variant("single_semseg")
RUN, SINGLE_RUN = run_name(MLORE), run_name(SINGLE)


def plan_entry(variant: Variant) -> dict:
    data = data_name(variant.dataset, variant.data)
    return {"title": "tiny", "data": data, "variant": variant.model_dump(mode="json", exclude_defaults=True)}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder with params, the tiny plan and packed data."""
    from densemoe.data.get import get_data
    from densemoe.data.prepare import prepare_dataset

    root = tmp_path_factory.mktemp("commands")
    shutil.copytree(REPOSITORY / "params", root / "params", ignore=shutil.ignore_patterns("plan"))
    (root / PLAN).parent.mkdir()
    runs = {run_name(variant): plan_entry(variant) for variant in (MLORE, SINGLE)}
    (root / PLAN).write_text(yaml.safe_dump({"scale": "tiny", "runs": runs}))
    name = data_name(MLORE.dataset, MLORE.data)
    facts = Params(root / "params").dataset(MLORE.dataset)
    options = MLORE.data.model_dump(mode="json", exclude={"crop"})
    get_data(MLORE.dataset, options, root / "data/raw" / name, facts, root / "none")
    prepare_dataset(MLORE.dataset, root / "data/raw" / name, root / "data/packed" / name, facts.frame)
    return root


@pytest.fixture
def workspace(prepared, tmp_path) -> Path:
    """The same params and data under a fresh folder."""
    shutil.copytree(prepared / "params", tmp_path / "params")
    (tmp_path / "data").symlink_to(prepared / "data")
    return tmp_path


@pytest.fixture(scope="module")
def undisturbed(prepared) -> Path:
    done = command(prepared, "train", "--run", RUN)
    assert done.returncode == 0, done.stderr
    return prepared


def arguments(stage: str, *options: str) -> list[str]:
    return [sys.executable, "-m", f"stages.{stage}", "--plan", str(PLAN), "--device", "cpu", *options]


def command(folder: Path, stage: str, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(arguments(stage, *options), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)


@pytest.fixture
def here(monkeypatch):
    """Runs a command in this process, which has imported torch already."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()

    def run(folder: Path, stage: str, *options: str) -> None:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", arguments(stage, *options)[2:])
        importlib.import_module(f"stages.{stage}").main()

    yield run
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def measure(run: str = RUN, protocol: int = 1) -> tuple[str, ...]:
    return "evaluate", "--run", run, "--measure", "plain", "--protocol", str(protocol)


def started(folder: Path) -> subprocess.Popen:
    """A training that has written a checkpoint of its own."""
    resume = folder / "runs" / RUN / "resume"
    before = set(resume.glob("step-*.pt"))
    call = arguments("train", "--run", RUN, "--checkpoint-steps", "1")
    process = subprocess.Popen(call, cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not set(resume.glob("step-*.pt")) - before:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def outputs(folder: Path) -> tuple[bytes, bytes]:
    assert not (folder / "runs" / RUN / "resume").exists()
    model = (folder / "runs" / RUN / "model.safetensors").read_bytes()
    curve = (folder / "reports/tiny/curves" / f"{RUN}.csv").read_bytes()
    return model, re.sub(rb",[^,\n]*\n", b"\n", curve)  # without the last column, which tells of interruptions


def one_sentence(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 2, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.slow
def test_training_writes_model_curve_and_provenance(undisturbed):
    model, curve = outputs(undisturbed)
    assert len(safetensors.numpy.load(model)) > 100
    rows = list(csv.DictReader(curve.decode().splitlines()))
    assert list(rows[0]) == ["step", "lr", "total", *MLORE.tasks, "balance"]
    assert [int(row["step"]) for row in rows] == list(range(ITERATIONS))
    assert float(rows[-1]["total"]) < float(rows[0]["total"])
    record = json.loads((undisturbed / "reports/tiny/provenance" / f"{RUN}.json").read_text())
    assert (record["run"], record["scale"], record["resumed_at"]) == (RUN, "tiny", [])
    assert 0 < record["hours"] < 0.1


@pytest.mark.slow
def test_killed_full_disk_terminated_then_the_same_bits(undisturbed, workspace):
    resume = workspace / "runs" / RUN / "resume"
    process = started(workspace)
    moment = random.uniform(0, 0.4)
    time.sleep(moment)
    process.kill()
    assert process.wait() == -signal.SIGKILL, f"it had ended {moment:.3f} s after a checkpoint"
    process.stderr.close()
    saved = sorted(path.name for path in resume.glob("step-*.pt"))

    (resume / ".checkpoint.partial").unlink(missing_ok=True)
    (resume / ".checkpoint.partial").symlink_to("/dev/full")  # every byte written there meets a full disk
    full = command(workspace, "train", "--run", RUN, "--checkpoint-steps", "1")
    assert full.returncode == 2, full.stderr
    assert "going on at step" in full.stderr
    assert "error: the disk is full while writing" in full.stderr.splitlines()[-1]
    assert ".checkpoint.partial" in full.stderr.splitlines()[-1]
    assert sorted(path.name for path in resume.glob("step-*.pt")) == saved

    process = started(workspace)
    process.terminate()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 143, errors
    assert "Stopped by SIGTERM after step" in errors.splitlines()[-1]
    assert sorted(path.name for path in (workspace / "runs" / RUN).iterdir()) == ["resume"]
    assert not (workspace / "reports").exists()

    done = command(workspace, "train", "--run", RUN)
    assert done.returncode == 0, done.stderr
    assert outputs(workspace) == outputs(undisturbed)
    record = json.loads((workspace / "reports/tiny/provenance" / f"{RUN}.json").read_text())
    first, second = record["resumed_at"]
    assert 0 < first < second < ITERATIONS


@pytest.mark.slow
def test_a_training_is_seen_while_it_runs_and_after_it_was_killed(workspace):
    """Through `stages.status`'s reader: the step grows, and a process that is gone is stopped at its checkpoint."""
    index = {"scale": "tiny", "runs": {RUN: plan_entry(MLORE)}, "scores": {}, "modules": {}, "costs": {}, "pending": {}}
    index["measures"] = {"m": {"run": RUN, "measure": "plain", "protocol": 1}}

    def look() -> RunStatus:
        return read_status(index, workspace / "runs", workspace / "reports", time.time()).runs[0]

    assert look().state == "queued"
    process = started(workspace)
    try:
        found = look()
        assert found.state == "running"
        assert 0 < found.step <= ITERATIONS and set(found.losses) > {"total", "semseg"}
        assert found.where.endswith(f":{process.pid}") and found.seconds_left is not None
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    after = look()
    assert after.state == "stopped" and after.step >= found.step - 1  # the last step may not have been saved


@pytest.mark.slow
def test_measuring_gives_the_same_bytes_and_the_declared_content(undisturbed, here):
    report = undisturbed / "reports/tiny/metrics" / RUN / "plain.json"
    maps = undisturbed / "runs" / RUN / "boundary_plain.zip"
    done = command(undisturbed, *measure())
    assert done.returncode == 0, done.stderr
    found = report.read_bytes(), maps.read_bytes()
    here(undisturbed, *measure())
    assert (report.read_bytes(), maps.read_bytes()) == found
    document = json.loads(report.read_text())
    metrics = document.pop("metrics")
    assert document == {
        "scale": "tiny",
        "run": RUN,
        "measure": "plain",
        "dataset": "pascal_context",
        "flavour": "scenes",
        "seed": 0,
        "images": VAL_IMAGES,
        "protocol": {"pixel_metrics": 1},
    }
    keys = {task: sorted(values) for task, values in metrics.items()}
    assert keys == {
        "semseg": ["miou"],
        "human_parts": ["miou"],
        "saliency": ["max_f", "max_f_plain"],
        "normals": ["mean_deg"],
    }
    assert len(zipfile.ZipFile(maps).namelist()) == VAL_IMAGES


@pytest.mark.slow
def test_without_the_boundary_task_the_maps_are_an_empty_archive(prepared, here):
    here(prepared, "train", "--run", SINGLE_RUN)
    here(prepared, *measure(SINGLE_RUN))
    assert zipfile.ZipFile(prepared / "runs" / SINGLE_RUN / "boundary_plain.zip").namelist() == []
    document = json.loads((prepared / "reports/tiny/metrics" / SINGLE_RUN / "plain.json").read_text())
    assert list(document["metrics"]) == ["semseg"]


@pytest.mark.slow
def test_a_truncated_model_and_another_protocol_are_refused_and_nothing_is_overwritten(undisturbed, workspace, here):
    folder = workspace / "runs" / RUN
    folder.mkdir(parents=True)
    content = (undisturbed / "runs" / RUN / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors is not a complete safetensors file"):
        here(workspace, *measure())
    with pytest.raises(InputError, match="--protocol is 2, but this code measures by version 1"):
        here(workspace, *measure(protocol=2))
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]
    assert not (workspace / "reports").exists()


def edit_plan(folder: Path, change) -> None:
    index = yaml.safe_load((folder / PLAN).read_text())
    change(index["runs"][RUN])
    (folder / PLAN).write_text(yaml.safe_dump(index))


def refused(folder: Path, stage: str, *options: str) -> str:
    """The sentence of a command that is refused before torch is imported."""
    program = (
        "import runpy, sys; stage, *sys.argv[1:] = sys.argv[1:]\n"
        "try: runpy.run_module(f'stages.{stage}', run_name='__main__', alter_sys=False)\n"
        "finally: assert 'torch' not in sys.modules, 'torch was imported'"
    )
    call = [sys.executable, "-c", program, stage, "--plan", str(PLAN), *options]
    return one_sentence(subprocess.run(call, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True))


def test_bad_input_is_refused_before_torch_is_imported(workspace):
    run = ("--run", RUN)
    said = refused(workspace, "train", "--run", "nothing")
    assert f"{PLAN}: no 'nothing' under runs; allowed are " in said and RUN in said
    assert "--threads is 0; allowed is 1 or more" in refused(workspace, "train", *run, "--threads", "0")
    assert "meta.json is missing; prepare" in refused(workspace, "train", *run, "--data-root", "elsewhere")
    assert "--measure is 'other'; allowed are merged, plain" in refused(workspace, *measure(), "--measure", "other")
    assert "model.safetensors does not exist; train the run first" in refused(workspace, *measure())
    edit_plan(workspace, lambda entry: entry["variant"]["recipe"].update(iterations=ITERATIONS + 1))
    assert "its variant is named pascal_context_" in refused(workspace, "train", *run)
    edit_plan(workspace, lambda entry: entry["variant"]["recipe"].update(iterations="many"))
    assert f"runs.{RUN}: key 'recipe.iterations' is 'many'" in refused(workspace, "train", *run)
    assert sorted(path.name for path in workspace.iterdir()) == ["data", "params"]


def test_data_that_are_not_the_variants_are_refused(workspace):
    edit_plan(workspace, lambda entry: entry.update(data="other_data"))
    assert "its data are 'other_data', but the variant needs" in refused(workspace, "train", "--run", RUN)
