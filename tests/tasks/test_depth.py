"""Depth: L1 and RMSE against values worked out by hand."""

import math

import pytest
import torch

from densemoe.tasks import TASKS

DEPTH = TASKS["depth"]


def row(values: list[float]) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, -1)


def rmse(*images: tuple[list[float], list[float]]) -> float:
    meter = DEPTH.meter(1)
    for prediction, label in images:
        meter.update(row(prediction)[None], row(label))
    return meter.compute()["depth.rmse"]


def test_l1_by_hand():
    # |2-3| and |1-1.5|; the middle pixel was not measured
    assert DEPTH.loss(row([2.0, 5.0, 1.0])[None], row([3.0, 0.0, 1.5])).item() == 0.75


def test_a_negative_prediction_has_a_loss_and_a_gradient():
    prediction = row([-1.0, 2.0])[None].requires_grad_()
    loss = DEPTH.loss(prediction, row([2.0, 1.0]))
    loss.backward()
    assert loss.item() == 2.0  # (3 + 1) / 2
    assert prediction.grad.flatten().tolist() == [-0.5, 0.5]


def test_rmse_by_hand():
    # errors: -1 clamped to 0, 2 away from 2; 3 against 4, 1 away; 80 m and 0 are outside of the valid range
    assert rmse(([-1.0, 3.0, 5.0, 5.0], [2.0, 4.0, 80.0, 0.0])) == pytest.approx(math.sqrt((4 + 1) / 2), rel=1e-8)


def test_an_exact_zero_is_scored_as_a_billionth():
    assert rmse(([0.0], [1.0])) == 1.0 - float(torch.tensor(1e-9))
    assert rmse(([-3.0], [1.0])) == 1.0 - float(torch.tensor(1e-9))


def test_pixels_of_the_set_not_images():
    # one pixel 3 m off, three pixels 1 m off: sqrt((9 + 3) / 4); the mean over images would be (3 + 1) / 2
    assert rmse(([5.0], [2.0]), ([2.0, 3.0, 4.0], [1.0, 2.0, 3.0])) == pytest.approx(math.sqrt(3), rel=1e-12)


def test_the_meter_does_not_hide_a_broken_prediction():
    assert math.isnan(rmse(([math.nan, 1.0], [1.0, 1.0])))
