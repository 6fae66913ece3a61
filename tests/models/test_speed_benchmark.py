"""The benchmark of the models compares equals, and its GPU part runs."""

from __future__ import annotations

import pytest
import torch

from benchmarks.models import PLAIN, Size, differences
from benchmarks.models_gpu import MODES, GpuSize, measure_gpu
from benchmarks.models_report import markdown
from benchmarks.timing import alternate

TINY = Size("smoke", batch=2, pairs=1)


@pytest.mark.slow
@pytest.mark.parametrize("method", PLAIN)
def test_plain_models_equal_ours(params, method):
    found = differences(params, TINY, method, torch.float64)
    assert set(found) == {"training", "gradients", "evaluation"} | ({"merged"} if method == "mlore" else set())
    assert max(found.values()) < 1e-10


def test_a_divided_size_keeps_the_papers_proportions(params):
    decoder = Size("paper", batch=1, pairs=1, divide=8, crop=256).variant(params, "mlore").decoder
    assert (decoder.channels, decoder.experts.ranks, decoder.router.k) == (80, tuple(range(2, 17)), 9)
    assert decoder.specific.rank == 8


def test_ratio_is_of_neighbouring_runs():
    found = alternate(lambda: sum(range(20_000)), lambda: sum(range(200_000)), pairs=5)
    assert found["ratio_min"] <= found["ratio"] <= found["ratio_max"]
    assert found["ratio"] > 3


@pytest.mark.slow
def test_gpu_part_runs_anywhere_and_the_report_says_on_what(params):
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    found = measure_gpu(params, torch.device("cpu"), GpuSize("smoke", batch=2, steps=1, matrix=64))
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before
    assert list(found["modes"]) == list(MODES)
    for entry in found["modes"].values():
        assert all(entry[name]["step_ms"] > 0 and entry[name]["peak_gib"] is None for name in ("ours", "plain"))
    assert "not a measurement" in markdown({"cuda": found})


def test_without_a_gpu_the_report_says_so():
    assert "no GPU: not measured" in markdown({})
