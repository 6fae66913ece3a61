"""Loaders: the contract's batches; a step is a function of seed and number alone."""

import numpy as np
import pytest
import torch

from densemoe.data.loaders import TrainLoader, ValLoader
from densemoe.data.packed import Reader
from densemoe.data.prepare import prepare_dataset
from densemoe.data.transforms import NEEDS, val_sample
from densemoe.params.errors import InputError
from tests.data.raw_layouts import WRITE

CROP = (48, 48)


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    found = {}
    for dataset in NEEDS:
        root = tmp_path_factory.mktemp(dataset)
        WRITE[dataset](root / "raw", train=11, val=5)
        prepare_dataset(dataset, root / "raw", root / "packed", (64, 64))
        found[dataset] = {split: Reader(root / "packed" / split) for split in ("train", "val")}
    return found


def train_loader(reader, start=0, stop=7, **changes):
    options = {"crop": CROP, "tasks": tuple(NEEDS[reader.dataset]), "batch_size": 4, "seed": 3, **changes}
    return TrainLoader(reader, start_step=start, stop_step=stop, **options)


def equal(a, b):
    return a.keys() == b.keys() and all(a[k] == b[k] if k == "id" else torch.equal(a[k], b[k]) for k in a)


def all_equal(first, second):
    first, second = list(first), list(second)
    return len(first) == len(second) > 0 and all(map(equal, first, second))


@pytest.mark.parametrize("dataset", sorted(NEEDS))
@pytest.mark.parametrize("split", ["train", "val"])
def test_batches_are_those_of_the_contract(readers, dataset, split):
    reader = readers[dataset][split]
    loader = train_loader(reader, stop=1) if split == "train" else ValLoader(
        reader, crop=CROP, tasks=tuple(NEEDS[dataset]), batch_size=4)  # fmt: skip
    batch = next(iter(loader))
    forms = {
        "image": (torch.float32, (4, 3, 48, 48)),
        "semseg": (torch.int64, (4, 48, 48)),
        "human_parts": (torch.int64, (4, 48, 48)),
        "saliency": (torch.int64, (4, 48, 48)),
        "normals": (torch.float32, (4, 3, 48, 48)),
        "boundary": (torch.float32, (4, 48, 48)),
        "depth": (torch.float32, (4, 48, 48)),
        "box": (torch.int64, (4, 4)),
    }
    assert set(batch) == {"image", "id", "box", *NEEDS[dataset]}
    for key in set(batch) - {"id"}:
        assert (batch[key].dtype, tuple(batch[key].shape)) == forms[key], key
    assert len(batch["id"]) == 4
    assert set(batch["id"]) <= set(reader.ids)
    classes = {"semseg": 21 if dataset == "pascal_context" else 40, "human_parts": 7, "saliency": 2}
    for task in classes.keys() & set(batch):
        known = batch[task][batch[task] != 255]
        assert 0 <= known.min() <= known.max() < classes[task]
    edge = batch["boundary"]
    assert ((edge >= 0) & (edge <= 1) | (edge == 255)).all()
    ignored = batch["normals"] == 255
    assert (ignored.all(1) == ignored.any(1)).all()


def test_only_the_tasks_asked_for(readers):
    loader = train_loader(readers["nyud_v2"]["train"], stop=1, tasks=("depth",))
    assert set(next(iter(loader))) == {"image", "id", "box", "depth"}
    with pytest.raises(InputError, match="no labels for task 'human_parts'"):
        train_loader(readers["nyud_v2"]["train"], tasks=("human_parts",))


def test_epochs_are_permutations_without_the_rest(readers):
    loader = train_loader(readers["nyud_v2"]["train"], stop=8)
    assert loader.steps_per_epoch == 2
    assert len(loader) == 8
    epochs = [[key for step in (2 * e, 2 * e + 1) for key in loader.keys(step)] for e in range(4)]
    for number, keys in enumerate(epochs):
        assert {epoch for epoch, _ in keys} == {number}
        assert len({image for _, image in keys}) == 8
    assert len({tuple(image for _, image in keys) for keys in epochs}) == 4
    batch = next(iter(loader))
    assert batch["id"] == [readers["nyud_v2"]["train"].ids[image] for _, image in loader.keys(0)]
    assert loader.keys(10**9)[0][0] == 5 * 10**8


@pytest.mark.parametrize("dataset", sorted(NEEDS))
def test_a_run_may_start_at_any_step(readers, dataset):
    reader = readers[dataset]["train"]
    whole = list(train_loader(reader))
    assert all_equal(whole, train_loader(reader))
    for start in (1, 3, 6):
        assert all_equal(whole[start:], train_loader(reader, start=start))
    assert not list(train_loader(reader, start=7))


def test_seed_and_epoch_change_the_samples(readers):
    reader = readers["nyud_v2"]["train"]
    first, other = (next(iter(train_loader(reader, seed=seed, batch_size=11))) for seed in (3, 4))
    assert first["id"] != other["id"]
    # the same image in two epochs of one seed
    batches = list(train_loader(reader, stop=2, batch_size=11))
    image = [batch["image"][batch["id"].index("0001")] for batch in batches]
    assert not torch.equal(*image)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", sorted(NEEDS))
def test_worker_processes_change_nothing(readers, dataset):
    reader = readers[dataset]["train"]
    whole = list(train_loader(reader))
    for workers in (1, 2):
        assert all_equal(whole, train_loader(reader, workers=workers))
        assert all_equal(whole[4:], train_loader(reader, start=4, workers=workers))
    val = [ValLoader(readers[dataset]["val"], crop=CROP, tasks=("semseg",), batch_size=2, workers=w) for w in (0, 2)]
    assert all_equal(*val)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_global_generator_does_not_move(readers, workers):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    list(train_loader(readers["nyud_v2"]["train"], stop=2, workers=workers))
    assert torch.equal(torch.get_rng_state(), before)


def test_ranks_share_every_batch(readers):
    reader = readers["nyud_v2"]["train"]
    whole = list(train_loader(reader))
    parts = [list(train_loader(reader, rank=rank, world=2)) for rank in (0, 1)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert first["id"] + second["id"] == batch["id"]
        assert torch.equal(torch.cat([first["image"], second["image"]]), batch["image"])
        assert torch.equal(torch.cat([first["depth"], second["depth"]]), batch["depth"])
    with pytest.raises(ValueError, match="does not divide"):
        train_loader(reader, world=3)


def test_validation_in_order_with_a_smaller_last_batch(readers):
    reader = readers["pascal_context"]["val"]
    loader = ValLoader(reader, crop=CROP, tasks=("semseg", "normals"), batch_size=2)
    batches = list(loader)
    assert len(loader) == len(batches) == 3
    assert [id_ for batch in batches for id_ in batch["id"]] == reader.ids
    assert [len(batch["id"]) for batch in batches] == [2, 2, 1]
    sample = val_sample(reader[2].planes, "pascal_context", ("semseg", "normals"), CROP)
    np.testing.assert_array_equal(batches[1]["normals"][0].numpy(), sample["normals"])
    top, left, height, width = batches[1]["box"][0].tolist()
    assert (height, width) == reader[2].planes["semseg"].shape
    cropped = batches[1]["semseg"][0][top : top + height, left : left + width]
    np.testing.assert_array_equal(cropped.numpy(), reader[2].planes["semseg"])


def test_frame_must_hold_every_validation_image(readers):
    with pytest.raises(InputError, match=r"height 34 and of width 45; the frame data\.crop is 48x44"):
        ValLoader(readers["nyud_v2"]["val"], crop=(48, 44), tasks=("depth",), batch_size=2)


def test_human_parts_alone_train_on_people_only(readers):
    reader = readers["pascal_context"]["train"]
    with_people = {id_ for i, id_ in enumerate(reader.ids) if reader.notes(i)["people"]}
    assert len(with_people) == 6
    alone = train_loader(reader, batch_size=2, stop=3, tasks=("human_parts",))
    assert alone.steps_per_epoch == 3
    assert {id_ for batch in alone for id_ in batch["id"]} == with_people
    assert train_loader(reader, batch_size=2, tasks=("human_parts", "saliency")).steps_per_epoch == 5


def test_too_few_images_for_a_batch(readers):
    with pytest.raises(InputError, match=r"has 11 usable images, fewer than recipe\.batch_size 12"):
        train_loader(readers["nyud_v2"]["train"], batch_size=12)
