"""`stages.import_checkpoint` and what follows: measured like a trained run, named as imported, never over one."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml

from densemoe.data.get import get_data
from densemoe.data.prepare import prepare_dataset
from densemoe.models import build_model
from densemoe.models.public_names import to_public
from densemoe.params.files import Params, parse, read_yaml
from densemoe.params.naming import data_name, run_name
from densemoe.params.variant import Variant
from densemoe.train.weights import load_weights, save_weights
from stages import _command

REPOSITORY = Path(__file__).parents[2]
PLAN = Path("params/plan/tiny.yaml")


def small(method: str) -> Variant:
    """A PASCAL-Context variant of the smoke plan on fewer images."""
    runs = read_yaml(REPOSITORY / "params/plan/smoke.yaml")["runs"]
    variant = next(e["variant"] for name, e in runs.items() if name.startswith("pascal") and method in name)
    variant["data"].update(train_images=4, val_images=4)
    return parse(Variant, variant, method)


MLORE, BASELINE = small("mlore_n5k3"), small("baseline")
RUN, BASELINE_RUN = run_name(MLORE), run_name(BASELINE)
DATA = data_name(MLORE.dataset, MLORE.data)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("import")
    facts, options = Params(REPOSITORY / "params").dataset(MLORE.dataset), MLORE.data.model_dump(exclude={"crop"})
    get_data(MLORE.dataset, options, root / "raw" / DATA, facts, root / "none")
    prepare_dataset(MLORE.dataset, root / "raw" / DATA, root / "packed" / DATA, facts.frame)
    return root


def outputs() -> dict[str, int]:
    return Params(REPOSITORY / "params").dataset(MLORE.dataset).outputs


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A folder with params, a tiny plan and a checkpoint in public naming."""
    shutil.copytree(REPOSITORY / "params", tmp_path / "params", ignore=shutil.ignore_patterns("plan"))
    (tmp_path / PLAN).parent.mkdir()
    runs = {
        run_name(v): {"title": "tiny", "data": DATA, "variant": v.model_dump(mode="json", exclude_defaults=True)}
        for v in (MLORE, BASELINE)
    }
    (tmp_path / PLAN).write_text(yaml.safe_dump({"scale": "tiny", "runs": runs}))
    torch.manual_seed(4)
    model = build_model(MLORE, outputs(), MLORE.data.crop)
    state = to_public(model.state_dict(), MLORE.tasks, MLORE.decoder.experts.ranks)
    torch.save({"model": {f"module.{k}": v.clone() for k, v in state.items()}}, tmp_path / "released.pth.tar")
    return tmp_path


@pytest.fixture
def command(workspace, monkeypatch, capsys):
    """Run a stage in the workspace as its command line does, in this process: importing torch takes seconds."""
    monkeypatch.chdir(workspace)

    def run(stage: str, *options: str) -> str:
        """What the command printed; for a refusal its sentence."""
        monkeypatch.setattr(sys, "argv", [stage, "--plan", str(PLAN), *options])
        main = importlib.import_module(f"stages.{stage}").main
        try:
            _command.run(main)
        except SystemExit as ended:
            assert ended.code == 2
            text = capsys.readouterr().err
            assert text.startswith("error: ") and text.count("\n") == 1
            return text
        return capsys.readouterr().out

    yield run
    torch.use_deterministic_algorithms(False)  # what measuring sets for its process


@pytest.fixture
def import_(command):
    return lambda run=RUN, file="released.pth.tar": command("import_checkpoint", "--run", run, "--file", file)


def test_an_imported_run_is_measured_and_says_that_it_is_imported(workspace, data, command, import_):
    assert f"runs/{RUN}/model.safetensors: " in import_()
    sha256 = hashlib.sha256((workspace / "released.pth.tar").read_bytes()).hexdigest()
    origin = {"file": "released.pth.tar", "sha256": sha256}

    provenance = json.loads((workspace / f"reports/tiny/provenance/{RUN}.json").read_text())
    left_out = provenance["imported"].pop("keys_left_out")
    assert provenance["imported"] == origin
    assert list(left_out.values()) == [["backbone.pos_embed[:, 0]"]]
    assert provenance["hours"] is None and provenance["run"] == RUN
    curve = (workspace / f"reports/tiny/curves/{RUN}.csv").read_text()
    assert curve == "step,lr,total,semseg,human_parts,saliency,normals,boundary\n"

    torch.manual_seed(4)
    expected = build_model(MLORE, outputs(), MLORE.data.crop)
    model = build_model(MLORE, outputs(), MLORE.data.crop)
    load_weights(workspace / f"runs/{RUN}/model.safetensors", model, RUN)
    assert all(torch.equal(v, expected.state_dict()[k]) for k, v in model.state_dict().items())

    for measure in ("plain", "merged"):
        options = ("--run", RUN, "--measure", measure, "--protocol", "1", "--data-root", str(data))
        command("evaluate", *options, "--device", "cpu")
        document = json.loads((workspace / f"reports/tiny/metrics/{RUN}/{measure}.json").read_text())
        assert document["imported"] == origin
        assert set(document["metrics"]) >= {"semseg", "human_parts", "saliency", "normals"}
    command("score_run", *options)
    document = json.loads((workspace / f"reports/tiny/boundary/{RUN}/merged.json").read_text())
    assert document["imported"] == origin

    assert "left out" in import_()  # again: the same files


def test_a_trained_run_is_never_overwritten(workspace, import_):
    model = workspace / f"runs/{RUN}/model.safetensors"
    model.parent.mkdir(parents=True)
    save_weights(model, build_model(MLORE, outputs(), MLORE.data.crop), RUN, 40)
    before = model.read_bytes()
    assert "holds the weights of run " + RUN + " as trained here; delete" in import_()
    assert model.read_bytes() == before
    assert not (workspace / "reports").exists()


def test_a_training_under_way_or_reported_is_never_overwritten(workspace, import_):
    checkpoint = workspace / f"runs/{RUN}/resume/step-0000020-0123456789abcdef.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"")
    assert "holds checkpoints of a training of run" in import_()
    checkpoint.unlink()
    provenance = workspace / f"reports/tiny/provenance/{RUN}.json"
    provenance.parent.mkdir(parents=True)
    provenance.write_text(json.dumps({"run": RUN, "hours": 3.5}))
    assert "says that run " + RUN + " was trained" in import_()
    assert not (workspace / f"runs/{RUN}/model.safetensors").exists()


def test_wrong_input_is_refused_before_anything_is_written(workspace, import_):
    assert "--file nothing.pth is not a file" in import_(file="nothing.pth")
    text = import_(BASELINE_RUN)
    assert "decoder.kind baseline; only vit with mlore has a public checkpoint to import" in text
    assert "no 'nobody' under runs; allowed are" in import_("nobody")
    content = torch.load(workspace / "released.pth.tar", weights_only=True)
    content["model"]["module.extra"] = torch.ones(2)
    torch.save(content, workspace / "other.pth")
    text = import_(file="other.pth")
    assert f"other.pth does not fit run {RUN}: 1 key is unknown (extra); allowed are" in text
    assert not (workspace / "runs").exists() and not (workspace / "reports").exists()
