"""Checkpoints of other code: wrappers and prefixes come off, nothing in them is run, what is no checkpoint is named."""

from __future__ import annotations

import collections
import hashlib
import os
import pickle
import zipfile

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from densemoe.params.errors import InputError
from densemoe.train.foreign import read_checkpoint

WEIGHTS = {"a.weight": torch.arange(6.0).view(2, 3), "b.num_batches_tracked": torch.tensor(3)}


def prefixed(*prefixes):
    return {"".join(prefixes) + key: value for key, value in WEIGHTS.items()}


FORMS = {
    "plain": WEIGHTS,
    "ordered": collections.OrderedDict(WEIGHTS),
    "as the public code saves": {
        "model": prefixed("module."),
        "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 2e-5, "params": [0]}]},
        "scheduler": {"base_lrs": [2e-5], "last_epoch": 40000, "_last_lr": [0.0]},
        "epoch": 33,
        "iter_count": 39999,
    },
    "state_dict": {"state_dict": WEIGHTS, "best": 0.5},
    "wrapped twice": {"state_dict": {"model": WEIGHTS}},
    "data parallel": prefixed("module."),
    "compiled in data parallel": prefixed("module.", "_orig_mod."),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_are_read(tmp_path, form):
    path = tmp_path / "checkpoint.pth.tar"
    torch.save(FORMS[form], path)
    found = read_checkpoint(path)
    assert list(found.state) == list(WEIGHTS)
    assert all(torch.equal(found.state[key], value) for key, value in WEIGHTS.items())
    assert found.file == "checkpoint.pth.tar"
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_other_files_that_are_read(tmp_path):
    old, new = tmp_path / "old.pth", tmp_path / "weights.safetensors"
    torch.save(WEIGHTS, old, _use_new_zipfile_serialization=False)
    safetensors.torch.save_file(WEIGHTS, new)
    for path in (old, new):
        assert torch.equal(read_checkpoint(path).state["a.weight"], WEIGHTS["a.weight"])


def test_a_prefix_of_some_keys_stays():
    from densemoe.train.foreign import plain_state

    some = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert list(plain_state(some, "x")) == ["module.a", "b"]


class Harmful:
    """A loader that trusts the file would make a folder."""

    def __reduce__(self):
        return (os.mkdir, ("harmed",))


def saved(value):
    return lambda path: torch.save(value, path)


def cut(path):
    torch.save(WEIGHTS, path)
    path.write_bytes(path.read_bytes()[:-40])


def pickled(path):
    path.write_bytes(pickle.dumps({"a": np.ones(2)}, protocol=2))


def archive(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "b")


NO_CHECKPOINT = "is not a complete checkpoint that torch.save wrote"
WRONG = {
    "empty": (lambda path: path.write_bytes(b""), NO_CHECKPOINT),
    "a download page": (lambda path: path.write_text("<!DOCTYPE html><html>Google Drive"), NO_CHECKPOINT),
    "text": (lambda path: path.write_text("hello, this is no checkpoint\n"), NO_CHECKPOINT),
    "cut": (cut, NO_CHECKPOINT),
    "another archive": (archive, NO_CHECKPOINT),
    "a pickle": (pickled, r"holds more than tensors and plain values \(numpy|" + NO_CHECKPOINT),
    "code": (saved({"model": WEIGHTS, "args": Harmful()}), r"holds more than tensors and plain values \("),
    "a whole module": (
        saved(nn.Linear(2, 2)),
        r"holds more than tensors and plain values \(torch\.nn\.modules\.linear\.Linear\); .*not opened",
    ),
    "a list": (saved([1, 2]), "holds a list, not named tensors; allowed is a state dict, also under the key 'model'"),
    "a tensor": (saved(torch.ones(2)), "holds a Tensor, not named tensors"),
    "nothing": (saved({}), "holds an empty mapping, not named tensors"),
    "numbers": (saved({"lr": 0.1}), "holds a float under 'lr', not a tensor"),
}


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("case", WRONG)
def test_files_that_are_no_checkpoint_are_refused_in_one_sentence(tmp_path, case, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write, sentence = WRONG[case]
    path = tmp_path / "checkpoint.pth"
    write(path)
    with pytest.raises(InputError, match=rf"checkpoint\.pth ({sentence})") as refused:
        read_checkpoint(path)
    assert "\n" not in str(refused.value)
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.pth"]


def test_a_damaged_safetensors_file_and_a_missing_one_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(InputError, match="is not a file; give the downloaded checkpoint"):
        read_checkpoint(path)
    path.write_bytes(b"xx")
    with pytest.raises(InputError, match="is not a complete safetensors file"):
        read_checkpoint(path)
