"""Thinning of all thresholds at once equals scikit-image's, one threshold at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.morphology import thin as skimage_thin

from densemoe.evaluate.boundary.ground_truth import borders, ground_truth_edges
from densemoe.evaluate.boundary.protocol import THRESHOLDS
from densemoe.evaluate.boundary.thin import thin, thin_thresholds
from densemoe.params.errors import InputError

SIZES = [(1, 1), (1, 9), (7, 1), (2, 2), (3, 3), (2, 13), (5, 4), (8, 11), (17, 23), (31, 29)]


def value_maps():
    """Dense noise, sparse noise, thick blobs and near-solid maps of every size; values spread over the thresholds."""
    random = np.random.default_rng(0)
    for size in SIZES:
        noise = random.random(size)
        yield noise
        yield np.where(random.random(size) < 0.2, noise, 0)
        blobs = gaussian_filter(random.random(size), 2, mode="nearest")
        yield (blobs - blobs.min()) / max(np.ptp(blobs), 1e-9)
        yield 1 - noise**6


def test_equals_skimage_at_all_thresholds_at_once():
    compared = changed = 0
    for values in value_maps():
        values = values.astype(np.float32)
        thinned = thin_thresholds(values, THRESHOLDS)
        for k, threshold in enumerate(THRESHOLDS):
            expected = skimage_thin(values > threshold)
            found = thinned.mask(k)
            assert np.array_equal(found, expected), (values.shape, k)
            assert thinned.sizes[k] == expected.sum()
            compared += 1
            changed += not np.array_equal(expected, values > threshold)
    assert compared == len(SIZES) * 4 * 101
    assert compared >= 2000
    assert changed > 1000  # thinning had something to do


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (64, 64)])
def test_solid_and_striped_maps(shape):
    solid = np.ones(shape, bool)
    stripes = np.indices(shape).sum(0) % 7 < 5
    frame = solid.copy()
    frame[3:-3, 3:-3] = False
    for mask in (solid, stripes, frame, np.zeros(shape, bool)):
        assert np.array_equal(thin(mask), skimage_thin(mask))


def test_a_value_equal_to_a_threshold_is_below_it():
    values = np.array([[51]], np.uint8).astype(np.float32) / np.float32(255)  # 0.2 in float32
    assert values[0, 0] == THRESHOLDS[20]
    assert thin_thresholds(values, THRESHOLDS).sizes.tolist() == [1] * 20 + [0] * 81


def test_borders_look_east_south_and_south_east():
    labels = np.array([[1, 1, 2], [1, 1, 1], [3, 1, 1]])
    assert borders(labels).astype(int).tolist() == [[0, 1, 1], [1, 0, 0], [1, 0, 0]]
    corner = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 9]])
    assert borders(corner).astype(int).tolist() == [[0, 0, 0], [0, 1, 1], [0, 1, 0]]


def test_a_thin_line_becomes_one_line_and_a_thick_one_two():
    """The edge PNG of NYUD-v2 is taken as a segmentation."""
    edges = np.zeros((40, 40), np.uint8)
    edges[10:30, 15] = 255
    one = ground_truth_edges(edges)
    assert one[15:25].sum(1).tolist() == [1] * 10
    edges[10:30, 15:18] = 255
    two = ground_truth_edges(edges)
    assert two[15:25].sum(1).tolist() == [2] * 10


@pytest.mark.parametrize("labels", [np.zeros((3, 3)), np.zeros(9, int), np.zeros((0, 3), int)])
def test_labels_must_be_integers_in_a_plane(labels):
    with pytest.raises(InputError, match=r"edges\.png: .*expected integer labels"):
        ground_truth_edges(labels, "edges.png")
