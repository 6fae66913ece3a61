"""Saliency: the balanced loss, both F protocols, and the one-pass histogram against its 19-pass definition."""

import math

import pytest
import torch

from densemoe.tasks import TASKS
from densemoe.tasks.saliency import THRESHOLDS, legacy_double_sigmoid, max_f, threshold_histogram

ALL_POSITIVE_OF_HALF = 100 * 1.3 * 0.5 / (0.3 * 0.5 + 1)  # precision 1/2, recall 1: 56.52


def outputs(probabilities: list[float]) -> torch.Tensor:
    """Logits [1,2,1,N] whose softmax gives channel 1 these probabilities."""
    p = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([torch.zeros_like(p), (p / (1 - p)).log()]).float().view(1, 2, 1, -1)


def score(probabilities: list[float], labels: list[int]) -> dict[str, float]:
    meter = TASKS["saliency"].meter(2)
    meter.update(outputs(probabilities), torch.tensor([[labels]]))
    return meter.compute()


def f_in_19_passes(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """The definition, one pass per threshold, precision and recall kept apart."""
    best = 0.0
    for threshold in THRESHOLDS:
        selected = scores >= threshold
        hits = int((selected & (labels == 1)).sum())
        if hits:  # otherwise precision + recall is 0 or undefined, and F counts 0
            precision, recall = hits / int(selected.sum()), hits / int((labels == 1).sum())
            best = max(best, 1.3 * precision * recall / (0.3 * precision + recall))
    return 100 * best


def test_loss_by_hand():
    # five pixels, one ignored; of the four valid ones three are background: w = 3/4
    # logits 0: every cross-entropy is ln 2; weights 1-w = 1/4 for background and 3/4 for the salient pixel
    loss = TASKS["saliency"].loss(torch.zeros(1, 2, 1, 5), torch.tensor([[[0, 0, 1, 0, 255]]]))
    assert loss.item() == pytest.approx((3 * 0.25 + 0.75) * math.log(2) / 4, rel=1e-6)


def test_the_weight_is_that_of_the_batch():
    prediction = torch.randn(2, 2, 1, 4, generator=torch.Generator().manual_seed(0))
    label = torch.tensor([[[0, 0, 0, 1]], [[1, 1, 1, 1]]])
    # background share 3/8 over both images
    terms = torch.nn.functional.cross_entropy(prediction, label, reduction="none")
    expected = (terms * torch.where(label == 1, 3 / 8, 5 / 8)).sum() / 8
    assert TASKS["saliency"].loss(prediction, label).item() == pytest.approx(expected.item(), rel=1e-6)


def test_max_f_by_hand():
    # threshold  selected      P    R    F
    # <= .10     all four     1/2   1   1.3*.5/(.15+1) = .5652
    # <= .30     .9 .6 .32    2/3   1   1.3*(2/3)/(.2+1) = .7222
    # <= .60     .9 .6        1/2  1/2  .5
    # <= .90     .9            1   1/2  1.3*.5/(.3+.5) = .8125
    result = score([0.92, 0.61, 0.32, 0.11], [1, 0, 1, 0])
    assert result == {
        "saliency.max_f": pytest.approx(81.25, rel=1e-12),
        "saliency.max_f_plain": pytest.approx(81.25, rel=1e-12),
    }


def test_the_double_sigmoid_cannot_separate_what_lies_between_its_thresholds():
    # .25 and .32 both lie between .2007 and .4055: the plain protocol separates them at .30, the papers' cannot
    assert score([0.32, 0.25], [1, 0]) == {
        "saliency.max_f": pytest.approx(ALL_POSITIVE_OF_HALF, rel=1e-12),
        "saliency.max_f_plain": pytest.approx(100, rel=1e-12),
    }


@pytest.mark.parametrize(("p", "threshold"), [(0.2007, 0.55), (0.4055, 0.60), (0.6190, 0.65), (0.8473, 0.70)])
def test_effective_thresholds_of_the_double_sigmoid(p, threshold):
    assert math.log(threshold / (1 - threshold)) == pytest.approx(p, abs=5e-5)
    # separable exactly if the two probabilities lie on both sides of p
    assert score([p + 2e-4, p - 2e-4], [1, 0])["saliency.max_f"] == pytest.approx(100, rel=1e-12)
    for shift in (0.01, -0.01):
        pair = [p + 2e-4 + shift, p - 2e-4 + shift]
        assert score(pair, [1, 0])["saliency.max_f"] == pytest.approx(ALL_POSITIVE_OF_HALF, rel=1e-12)


def test_every_probability_reaches_ten_to_fourteen_legacy_thresholds():
    probability = torch.linspace(0, 1, 10001)
    histogram = threshold_histogram(legacy_double_sigmoid(probability), torch.zeros(10001, dtype=torch.int64))
    # edges at .2007 .4055 .6190 .8473 of 10001 evenly spaced values
    assert histogram[0].nonzero().flatten().tolist() == [10, 11, 12, 13, 14]
    assert histogram[0, 10:15].tolist() == [2007, 2048, 2136, 2282, 1528]


def test_one_pass_equals_nineteen_on_and_beside_the_thresholds():
    up, down = (torch.nextafter(THRESHOLDS, torch.tensor(end)) for end in (1.0, 0.0))
    generator = torch.Generator().manual_seed(0)
    ends = torch.tensor([0.0, 1.0])
    scores = torch.cat([THRESHOLDS, up, down, ends, torch.rand(2000, generator=generator)])
    labels = torch.randint(0, 2, scores.shape, generator=generator)
    histogram = threshold_histogram(scores, labels)
    for c in (0, 1):
        passes = torch.stack([(scores[labels == c] >= t) for t in THRESHOLDS]).sum(0)
        assert histogram[c].tolist() == torch.bincount(passes, minlength=20).tolist()
    # on a threshold counts as selected, one float below it does not
    assert threshold_histogram(THRESHOLDS, torch.zeros(19, dtype=torch.int64))[0].tolist() == [0] + [1] * 19
    assert threshold_histogram(down, torch.zeros(19, dtype=torch.int64))[0].tolist() == [1] * 19 + [0]


def test_meter_equals_nineteen_passes():
    generator = torch.Generator().manual_seed(1)
    for trial in range(20):
        prediction = 2 * torch.randn(2, 2, 8, 9, generator=generator)
        label = torch.randint(0, 2, (2, 8, 9), generator=generator)
        label[prediction[:, 1] > 1 + 0.1 * trial] = 1
        label[0, :2] = 255
        meter = TASKS["saliency"].meter(2)
        meter.update(prediction, label)
        result = meter.compute()
        p = prediction.softmax(1)[:, 1][label != 255]
        y = label[label != 255]
        assert result["saliency.max_f_plain"] == pytest.approx(f_in_19_passes(p, y), rel=1e-12)
        assert result["saliency.max_f"] == pytest.approx(f_in_19_passes(p.sigmoid(), y), rel=1e-12)


def test_undefined_f_counts_zero():
    # nothing is salient: recall is 0/0
    assert score([0.9, 0.1], [0, 0]) == {"saliency.max_f": 0, "saliency.max_f_plain": 0}
    # below .05 nothing is ever selected by the plain protocol, while the papers' meter selects everything
    assert score([0.01, 0.02], [1, 0]) == {
        "saliency.max_f": pytest.approx(ALL_POSITIVE_OF_HALF, rel=1e-12),
        "saliency.max_f_plain": 0,
    }
    assert max_f(torch.zeros(2, 20, dtype=torch.int64)) == 0


def test_a_label_that_is_no_class_is_refused():
    with pytest.raises(ValueError, match="saliency: a label holds 2; allowed are 0, 1 and 255"):
        score([0.5, 0.5], [0, 2])
