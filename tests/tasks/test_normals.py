"""Surface normals: L1 and mean angle against values worked out by hand."""

import math

import pytest
import torch

from densemoe.tasks import TASKS

NORMALS = TASKS["normals"]


def field(*vectors: tuple[float, float, float]) -> torch.Tensor:
    """[1,3,1,N]."""
    return torch.tensor(vectors, dtype=torch.float32).T.reshape(1, 3, 1, -1)


def mean_angle(prediction: torch.Tensor, label: torch.Tensor) -> float:
    meter = NORMALS.meter(3)
    meter.update(prediction, label)
    return meter.compute()["normals.mean_deg"]


Z = (0.0, 0.0, 1.0)
NONE = (255.0, 255.0, 255.0)


@pytest.mark.parametrize(
    ("vector", "l1", "degrees"),
    [
        ((0, 0, 5), 0, 0),
        ((3, 0, 0), 2, 90),  # |1| + |0 - 1|
        ((0, 0, -2), 2, 180),
        ((0.1, 0, 0.1), 1, 45),  # 1/sqrt2 + (1 - 1/sqrt2)
        ((0, 0, 0), 1, 90),  # no direction: as far from right as from opposite
    ],
)
def test_by_hand(vector, l1, degrees):
    prediction, label = field(vector, (7, 7, 7)), field(Z, NONE)
    assert NORMALS.loss(prediction, label).item() == pytest.approx(l1, abs=1e-6)
    assert mean_angle(prediction, label) == pytest.approx(degrees, abs=1e-4)


def test_the_loss_is_per_pixel_not_per_component():
    # one pixel right, one at 90 degrees: (0 + 2) / 2
    assert NORMALS.loss(field(Z, (1, 0, 0)), field(Z, Z)).item() == 1


def test_mean_over_the_pixels_of_the_set():
    meter = NORMALS.meter(3)
    meter.update(field((1, 0, 0)), field(Z))
    meter.update(field(Z, Z, Z), field(Z, Z, Z))
    assert meter.compute()["normals.mean_deg"] == pytest.approx(90 / 4, rel=1e-6)


@pytest.mark.parametrize("degrees", [1e-3, 0.01, 1, 30, 120, 179])
def test_angle_is_exact_where_an_arc_cosine_is_not(degrees):
    angle = math.radians(degrees)
    assert mean_angle(field((math.sin(angle), 0, math.cos(angle))), field(Z)) == pytest.approx(degrees, rel=1e-4)


def test_one_component_of_255_is_enough_to_ignore():
    label = field(Z, (0, 255, 0))
    assert NORMALS.valid(label).tolist() == [[[True, False]]]
    assert mean_angle(field(Z, Z), label) == 0


def test_eight_bit_labels_are_renormalised_for_the_angle():
    # decoded from 8 bits the label (0.6, 0, 0.8) * 1.01 is not of unit length
    assert mean_angle(field((0.6, 0, 0.8)), field((0.606, 0, 0.808))) == pytest.approx(0, abs=1e-4)


def test_a_zero_prediction_has_a_bounded_gradient():
    prediction = torch.zeros(1, 3, 1, 1, requires_grad=True)
    NORMALS.loss(prediction, field(Z)).backward()
    assert prediction.grad.isfinite().all()
    assert prediction.grad.abs().max() <= 1e6 * 1.01
