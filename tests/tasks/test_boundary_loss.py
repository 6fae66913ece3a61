"""The boundary loss against values worked out by hand."""

import math

import pytest
import torch

from densemoe.tasks import TASKS, make_loss


def loss(logits: list[float], labels: list[float], weight: float) -> float:
    prediction = torch.tensor(logits).view(1, 1, 1, -1)
    return make_loss("boundary", boundary_positive_weight=weight)(
        prediction, torch.tensor(labels).view(1, 1, -1)
    ).item()


def test_by_hand():
    # softplus(0) = ln 2: a boundary pixel costs w ln 2, another (1-w) ln 2, the third is ignored
    assert loss([0.0, 0.0, 3.0], [1.0, 0.0, 255.0], 0.9) == pytest.approx(math.log(2) / 2, rel=1e-6)
    # softplus(-ln 3) = ln(4/3), softplus(ln 3) = ln 4
    assert loss([math.log(3)], [1.0], 0.9) == pytest.approx(0.9 * math.log(4 / 3), rel=1e-6)
    assert loss([math.log(3)], [0.0], 0.9) == pytest.approx(0.1 * math.log(4), rel=1e-5)


def test_a_soft_label_mixes_both_terms():
    # label 0.25, w = 0.8: 0.8*0.25*ln(4/3) + 0.2*0.75*ln 4
    expected = 0.2 * math.log(4 / 3) + 0.15 * math.log(4)
    assert loss([math.log(3)], [0.25], 0.8) == pytest.approx(expected, rel=1e-6)


def test_large_logits_stay_finite():
    assert loss([200.0, -200.0], [0.0, 1.0], 0.95) == pytest.approx((0.05 * 200 + 0.95 * 200) / 2, rel=1e-6)


def test_no_pixel_metric():
    meter = TASKS["boundary"].meter(1)
    meter.update(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2))
    assert meter.compute() == {}
