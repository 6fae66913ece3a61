"""Embedded scenes through the commands to batches: every label arrives with sensible content."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from densemoe.data.get import get_data
from densemoe.data.loaders import TrainLoader, ValLoader
from densemoe.data.packed import Reader
from densemoe.data.scenes import SCENES_VERSION
from densemoe.data.transforms import NEEDS
from densemoe.params.errors import InputError
from densemoe.params.files import Params

REPOSITORY = Path(__file__).parents[2]
SCENES = {"kind": "scenes", "version": SCENES_VERSION, "size": [48, 64], "train_images": 8, "val_images": 4}


def run_stage(stage, cwd, dataset):
    environment = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "OMP_NUM_THREADS": "1"}
    call = [sys.executable, "-m", f"stages.{stage}", "--data", dataset, "--plan", "plan.yaml"]
    params = ["--params", str(REPOSITORY / "params")]
    subprocess.run(call + params, cwd=cwd, env=environment, check=True, capture_output=True)


def packed_bytes(root):
    return {p.relative_to(root): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*.*")}


@pytest.fixture(scope="module", params=sorted(NEEDS))
def prepared(request, tmp_path_factory):
    dataset, root = request.param, tmp_path_factory.mktemp(request.param)
    (root / "plan.yaml").write_text(yaml.safe_dump({"data": {dataset: {"dataset": dataset, "options": SCENES}}}))
    for stage in ("get_data", "prepare"):
        run_stage(stage, root, dataset)
    return dataset, root


def test_every_label_has_content(prepared):
    dataset, root = prepared
    reader = Reader(root / "data/packed" / dataset / "val")
    assert len(reader) == 4
    loader = ValLoader(reader, crop=(64, 64), tasks=tuple(NEEDS[dataset]), batch_size=4)
    batch = next(iter(loader))
    inside = np.zeros(batch["semseg"].shape, bool)
    for mask, (top, left, height, width) in zip(inside, batch["box"].tolist(), strict=True):
        mask[top : top + height, left : left + width] = True
    assert 0.5 < inside.mean() < 1
    for task in {"semseg", "saliency", "boundary"} & set(batch):
        assert (batch[task].numpy()[~inside] == 255).all()
    assert len(np.unique(batch["semseg"])) >= 4
    assert 0.01 < (batch["boundary"].numpy() == 1).sum() / inside.sum() < 0.3
    normals = batch["normals"].numpy().transpose(0, 2, 3, 1)
    valid = normals[..., 0] != 255
    assert 0.1 < valid.sum() / inside.sum() <= 1
    np.testing.assert_allclose(np.linalg.norm(normals[valid], axis=-1), 1, atol=0.02)
    if dataset == "nyud_v2":
        depth = batch["depth"].numpy()
        assert not depth[~inside].any()
        assert 0.2 < np.median(depth[inside]) < 12
    else:
        assert 0.01 < (batch["saliency"].numpy()[inside] == 1).mean() < 0.9


@pytest.mark.parametrize("prepared", ["pascal_context"], indirect=True)
def test_people_have_parts(prepared):
    dataset, root = prepared
    notes = [Reader(root / f"data/packed/{dataset}/{split}") for split in ("train", "val")]
    shows = [(r.notes(i)["people"], (r[i].planes["bits"] & 7).any()) for r in notes for i in range(len(r))]
    assert len(shows) == 12
    assert any(people for people, _ in shows)
    assert all(people for people, parts in shows if parts)
    assert any(parts for _, parts in shows)


def test_training_batches(prepared):
    dataset, root = prepared
    loader = TrainLoader(
        Reader(root / f"data/packed/{dataset}/train"),
        crop=(40, 56), tasks=tuple(NEEDS[dataset]), batch_size=4, seed=0, start_step=0, stop_step=4,
    )  # fmt: skip
    batches = list(loader)
    assert len(batches) == 4
    for batch in batches:
        assert batch["image"].shape == (4, 3, 40, 56)
        assert batch["image"].isfinite().all()
        assert -2.2 < batch["image"].min() < batch["image"].max() < 2.7


def test_the_same_options_give_the_same_bytes(prepared):
    dataset, root = prepared
    before = packed_bytes(root / "data/packed")
    for stage in ("get_data", "prepare"):
        run_stage(stage, root, dataset)
    assert packed_bytes(root / "data/packed") == before
    assert len(before) == 6


def test_another_version_of_the_renderer_is_refused(tmp_path):
    facts = Params(REPOSITORY / "params").dataset("nyud_v2")
    wrong = {**SCENES, "version": SCENES_VERSION + 1}
    with pytest.raises(InputError, match=rf"version {SCENES_VERSION + 1} .* allowed is {SCENES_VERSION}\."):
        get_data("nyud_v2", wrong, tmp_path / "raw", facts, tmp_path / "none")
    assert not list(tmp_path.iterdir())
