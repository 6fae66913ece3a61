"""Scores of a set worked out by hand, and one image from array to counts."""

from __future__ import annotations

import numpy as np
import pytest

from densemoe.evaluate.boundary import PROTOCOLS, THRESHOLDS, Counts, ap, evaluate_pair, ods, ois, total
from densemoe.evaluate.boundary.counts import UNKNOWN
from densemoe.params.errors import InputError


def counts(matched, predicted, truth):
    """Values at the first thresholds, the last one repeated."""
    return Counts(*(np.array([*v, *[v[-1]] * (101 - len(v))], np.int64) for v in (matched, predicted, truth)))


def test_thresholds():
    assert THRESHOLDS.dtype == np.float32
    assert len(THRESHOLDS) == 101
    assert [str(t) for t in THRESHOLDS[[0, 1, 50, 99, 100]]] == ["0.001", "0.01", "0.5", "0.99", "0.999"]


def test_tolerances_of_the_two_data_sets():
    assert PROTOCOLS["nyud"].tolerance(425, 560) == pytest.approx(7.7331, abs=1e-4)
    assert PROTOCOLS["pascal"].tolerance(375, 500) == pytest.approx(4.6875)


def test_f_precision_recall():
    image = counts([6, 3, 0, 0], [10, 4, 5, 0], [8, 8, 8, 8])
    assert image.f()[:4].tolist() == [12 / 18, 6 / 12, 0, 0]
    assert image.precision()[:4].tolist() == [0.6, 0.75, 0, 1]
    assert image.recall()[:4].tolist() == [0.75, 0.375, 0, 0]
    p, r = image.precision()[0], image.recall()[0]
    assert image.f()[0] == pytest.approx(2 * p * r / (p + r))


def test_without_ground_truth_or_without_anything():
    none = counts([0, 0], [7, 0], [0, 0])
    assert none.recall()[:2].tolist() == [1, 1]
    assert none.precision()[:2].tolist() == [0, 0]
    assert none.f()[:2].tolist() == [0, 0]


def test_f_is_of_summed_counts_not_averaged():
    images = [counts([9], [10], [10]), counts([10], [100], [100])]
    score = ods(total(images))
    assert score.f == 2 * 19 / 220
    assert score.f != pytest.approx(np.mean([0.9, 0.1]))
    assert ois(images).f == 2 * 19 / 220


def test_ods_is_the_first_largest():
    score = ods(counts([1, 5, 5, 1], [10, 10, 10, 10], [10, 10, 10, 10]))
    assert (score.f, score.precision, score.recall, score.threshold) == (0.5, 0.5, 0.5, 0.01)


def test_ois_takes_each_image_at_its_own_threshold():
    images = [counts([1, 8, 0], [10, 10, 10], [10, 10, 10]), counts([6, 2, 0], [10, 10, 10], [10, 10, 10])]
    score = ois(images)
    assert (score.f, score.threshold) == (14 / 20, None)
    assert ods(total(images)).f == 10 / 20
    # F equal to six decimals counts as equal: the first threshold is taken
    near = [counts([5_000_000, 5_000_001], [10_000_000] * 2, [10_000_000] * 2)]
    assert ois(near).f == 0.5


def test_ap_by_hand():
    # recall 0.5 and 1 with precision 1 and 0.5: 51 points from 0.5 to 1, mean 0.75; points below count nothing
    image = counts([10, 5], [20, 5], [10, 10])
    assert ap(image) == pytest.approx(51 * 0.75 / 100)
    assert ap(counts([5], [5], [10])) == 0  # one point is no curve


def test_unevaluated_thresholds_have_no_sum():
    with pytest.raises(InputError, match="not evaluated"):
        total([counts([UNKNOWN], [1], [1])])
    with pytest.raises(InputError, match="no image"):
        total([])


# --- one image


def lines(shape, columns, rows=slice(12, -12)):
    image = np.zeros(shape, np.uint8)
    for column in columns:
        image[rows, column] = 255
    return image


def perfect(labels):
    """The prediction that is the ground truth itself."""
    from densemoe.evaluate.boundary.ground_truth import ground_truth_edges

    return ground_truth_edges(labels).astype(np.uint8) * 255


def regions():
    labels = np.zeros((90, 120), np.uint16)
    labels[20:70, 30:60] = 3
    labels[40:80, 80:100] = 9
    return labels


@pytest.mark.parametrize("protocol", ["pascal", "nyud"])
def test_perfect_prediction_scores_one(protocol):
    labels = regions()
    image = evaluate_pair(perfect(labels), labels, protocol=protocol)["max_cardinality"]
    assert image.truth[0] > 200
    assert ods(image).f == 1.0
    assert ois([image]).f == 1.0


@pytest.mark.parametrize(("protocol", "shape"), [("pascal", (300, 410)), ("nyud", (240, 330))])
def test_a_shift_just_under_and_over_the_tolerance(protocol, shape):
    edges = lines(shape, [100])
    column = int(np.flatnonzero(evaluate_truth(edges).any(0))[0])
    reach = int(PROTOCOLS[protocol].tolerance(*shape))
    assert reach >= 3
    under = evaluate_pair(lines(shape, [column + reach]), edges, protocol=protocol)["max_cardinality"]
    over = evaluate_pair(lines(shape, [column + reach + 1]), edges, protocol=protocol)["max_cardinality"]
    assert under.predicted[50] == over.predicted[50] > 200
    assert under.matched[50] > 0.98 * under.predicted[50]
    assert over.matched[50] == 0


def evaluate_truth(edges):
    from densemoe.evaluate.boundary.ground_truth import ground_truth_edges

    return ground_truth_edges(edges)


def test_two_predicted_lines_share_one_true_line():
    """One-to-one: of two lines within the tolerance only one counts."""
    edges = lines((300, 400), [100])
    column = int(np.flatnonzero(evaluate_truth(edges).any(0))[0])
    both = evaluate_pair(lines((300, 400), [column - 2, column + 2]), edges, protocol="nyud")["max_cardinality"]
    assert both.predicted[50] > 1.9 * both.truth[50]
    assert 0.98 * both.truth[50] < both.matched[50] <= both.truth[50]


def test_empty_prediction_empty_ground_truth_and_both():
    drawn, nothing = perfect(regions()), np.zeros((90, 120), np.uint8)
    labels = {"some": regions(), "none": np.zeros((90, 120), np.uint16)}
    for prediction, truth in ((nothing, "some"), (drawn, "none"), (nothing, "none")):
        for image in evaluate_pair(
            prediction, labels[truth], protocol="pascal", counts=("max_cardinality", "seism_compat")
        ).values():
            assert image.matched.tolist() == [0] * 101
            assert (image.predicted[0] > 0) == bool(prediction.any())
            assert (image.truth[0] > 0) == (truth == "some")
            assert ods(image).f == 0


def test_probabilities_count_like_their_8_bit_map():
    random = np.random.default_rng(0)
    probability = random.random((60, 70)).astype(np.float32)
    labels = regions()[:60, :70]
    as_float = evaluate_pair(probability, labels, protocol="nyud")["max_cardinality"]
    as_bytes = evaluate_pair((probability * np.float32(255)).astype(np.uint8), labels, protocol="nyud")
    assert np.array_equal(as_float.matched, as_bytes["max_cardinality"].matched)


def test_seism_compat_is_seeded_by_image_and_never_above():
    random = np.random.default_rng(1)
    labels = np.kron(random.integers(0, 9, (16, 20)), np.ones((10, 10), int))
    prediction = np.clip(perfect(labels) * 0.6 + random.integers(0, 80, labels.shape), 0, 255).astype(np.uint8)
    both = ("seism_compat", "max_cardinality")
    one, again, other = (
        evaluate_pair(prediction, labels, protocol="nyud", counts=both, image_id=i) for i in ("a", "a", "b")
    )
    assert np.array_equal(one["seism_compat"].matched, again["seism_compat"].matched)
    assert not np.array_equal(one["seism_compat"].matched, other["seism_compat"].matched)
    lost = one["max_cardinality"].matched - one["seism_compat"].matched
    assert lost.min() >= 0
    assert 0 < lost.max() < 0.02 * one["max_cardinality"].matched.max()
    assert np.array_equal(one["max_cardinality"].matched, other["max_cardinality"].matched)


def test_bad_input_is_one_sentence():
    labels = regions()
    with pytest.raises(InputError, match=r"x1: the prediction is 90 x 119 pixels and the ground truth 90 x 120"):
        evaluate_pair(np.zeros((90, 119)), labels, protocol="nyud", image_id="x1")
    with pytest.raises(InputError, match=r"Unknown boundary protocol 'bsds'; allowed are nyud, pascal"):
        evaluate_pair(np.zeros((90, 120)), labels, protocol="bsds")
    with pytest.raises(InputError, match=r"x1: prediction: 10800 values are NaN"):
        evaluate_pair(np.full((90, 120), np.nan), labels, protocol="nyud", image_id="x1")
    for bad in ((), ("largest",), ("seism_compat", "seism_compat")):
        with pytest.raises(InputError, match="expected one or both of max_cardinality, seism_compat"):
            evaluate_pair(np.zeros((90, 120)), labels, protocol="nyud", counts=bad)
