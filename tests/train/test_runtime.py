"""Device and threads."""

import pytest
import torch

from densemoe.params.errors import InputError
from densemoe.train.flags import at_least
from densemoe.train.runtime import start


@pytest.fixture(autouse=True)
def settings_as_before():
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def test_threads_are_those_asked_for():
    for threads in (2, 1):
        runtime = start("cpu", threads)
        assert (torch.get_num_threads(), runtime.threads) == (threads, threads)
    assert runtime.device == torch.device("cpu")
    assert runtime.device_name
    assert torch.are_deterministic_algorithms_enabled()


def test_auto_takes_a_gpu_if_there_is_one(monkeypatch):
    for there in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert start("auto", 1).device.type == ("cuda" if there else "cpu")
        assert start("cpu", 1).device.type == "cpu"


def test_a_missing_gpu_is_refused_when_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="--device is cuda, but torch finds no usable GPU"):
        start("cuda", 1)
    with pytest.raises(InputError, match="--device is 'gpu'; allowed are auto, cpu, cuda"):
        start("gpu", 1)


def test_numbers_of_flags():
    at_least(1, threads=1, batch_size=6)
    with pytest.raises(InputError, match="--batch-size is 0; allowed is 1 or more"):
        at_least(1, threads=1, batch_size=0)
    with pytest.raises(InputError, match="--checkpoint-seconds is nan"):
        at_least(0, checkpoint_seconds=float("nan"))
