"""Trained weights on disk: the same bytes, whole or refused."""

import pytest
import safetensors
import torch
from torch import nn

from densemoe.params.errors import InputError
from densemoe.train.weights import load_weights, save_weights


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_what_is_saved_comes_back(tmp_path):
    path = tmp_path / "runs" / "model.safetensors"
    a, b = net(), net()
    a[1].num_batches_tracked += 5
    save_weights(path, a, "a_run", 60)
    load_weights(path, b, "a_run")
    assert len(a.state_dict()) == 7
    assert all(torch.equal(x, b.state_dict()[name]) for name, x in a.state_dict().items())
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata() == {"training": '{"run": "a_run", "step": 60}'}
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_same_weights_give_the_same_bytes_every_time(tmp_path):
    path, model, found = tmp_path / "model.safetensors", net(), set()
    for _ in range(20):  # with several metadata keys this gives two orders of them
        save_weights(path, model, "a_run", 60)
        found.add(path.read_bytes())
    assert len(found) == 1


def test_files_that_cannot_be_used_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(InputError, match=r"model.safetensors does not exist; train the run first\.$"):
        load_weights(path, net(), "a_run")
    save_weights(path, net(), "a_run", 60)
    with pytest.raises(InputError, match="holds the weights of run a_run, not of b_run"):
        load_weights(path, net(), "b_run")
    with pytest.raises(InputError, match=r"does not fit the model of run a_run .*Missing key.*2\.weight"):
        load_weights(path, nn.Sequential(*net(), nn.Linear(4, 1)), "a_run")
    content = path.read_bytes()
    for length in (0, 5, 60, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="is not a complete safetensors file"):
            load_weights(path, net(), "a_run")
