"""Cross-entropy and mIoU against values worked out by hand."""

import math

import pytest
import torch

from densemoe.tasks import TASKS

# three classes, four pixels; predicted 0, 1, 1, 0; the last pixel has no ground truth
LABEL = torch.tensor([[[0, 0, 1, 255]]])
PREDICTED = torch.tensor([[[0, 1, 1, 0]]])


def logits(classes: torch.Tensor, channels: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(classes, channels).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("task", ["semseg", "human_parts"])
def test_cross_entropy_by_hand(task):
    # two classes with logits (0, ln 3): probabilities 1/4 and 3/4
    prediction = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).expand(1, 2, 1, 3)
    loss = TASKS[task].loss(prediction, torch.tensor([[[0, 1, 255]]]))
    # (-ln 1/4 - ln 3/4) / 2
    assert loss.item() == pytest.approx((math.log(4) + math.log(4 / 3)) / 2, rel=1e-6)


@pytest.mark.parametrize("task", ["semseg", "human_parts"])
def test_miou_by_hand(task):
    meter = TASKS[task].meter(3)
    meter.update(logits(PREDICTED, 3), LABEL)
    # class 0: TP 1, FN 1, FP 0 -> 1/2; class 1: TP 1, FN 0, FP 1 -> 1/2; class 2 never seen, never predicted -> 0
    assert meter.compute() == {f"{task}.miou": pytest.approx(100 / 3, rel=1e-12)}


def test_a_wrongly_predicted_class_costs_both_classes():
    meter = TASKS["semseg"].meter(3)
    meter.update(logits(torch.tensor([[[0, 0, 2, 1]]]), 3), LABEL)
    # class 0: TP 2 -> 1; class 1: TP 0, FN 1 -> 0; class 2: TP 0, FP 1 -> 0
    assert meter.compute()["semseg.miou"] == pytest.approx(100 / 3, rel=1e-12)


def test_a_class_never_seen_and_never_predicted_lowers_a_perfect_score():
    truth = torch.tensor([[[0, 1, 2, 1]]])
    for channels, expected in ((3, 100.0), (4, 75.0)):
        meter = TASKS["semseg"].meter(channels)
        meter.update(logits(truth, channels), truth)
        assert meter.compute()["semseg.miou"] == expected


def test_counts_of_the_set_not_of_images():
    meter = TASKS["semseg"].meter(2)
    # image 1: one pixel of class 0, right, three of class 1, right; image 2: four of class 0, all taken for class 1
    meter.update(logits(torch.tensor([[[0, 1, 1, 1]]]), 2), torch.tensor([[[0, 1, 1, 1]]]))
    meter.update(logits(torch.tensor([[[1, 1, 1, 1]]]), 2), torch.tensor([[[0, 0, 0, 0]]]))
    # class 0: 1 / (1 + 4) = 0.2; class 1: 3 / (3 + 4) = 3/7
    assert meter.compute()["semseg.miou"] == pytest.approx(100 * (0.2 + 3 / 7) / 2, rel=1e-12)


def test_a_class_beyond_the_channels_is_refused():
    meter = TASKS["semseg"].meter(3)
    with pytest.raises(ValueError, match=r"semseg\.miou: a label holds class 3; allowed are 0 to 2 and 255"):
        meter.update(logits(torch.tensor([[[0, 0]]]), 3), torch.tensor([[[0, 3]]]))
    assert meter.compute() == {}
