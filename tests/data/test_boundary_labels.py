"""Own thinning against skimage, Laplacian against OpenCV, and small maps by hand."""

import cv2
import numpy as np
import pytest
from skimage.morphology import thin as skimage_thin

from densemoe.data.prepare.boundary_labels import boundary_labels, class_borders, thin
from tests.data.raw_layouts import blocks


def random_masks():
    for seed in range(240):
        rng = np.random.default_rng(seed)
        size = rng.integers(1, 41, 2)
        if seed % 2:
            yield rng.random(size) < rng.uniform(0.05, 0.98)
        else:
            yield cv2.blur(rng.random(size), (5, 5)) > 0.5


def label_maps():
    for seed in range(40):
        rng = np.random.default_rng([7, seed])
        yield blocks(rng, rng.integers(20, 90, 2), np.arange(1, 460), side=int(rng.integers(3, 15))).astype(np.uint16)


def test_thinning_equals_skimage():
    masks = list(random_masks()) + [class_borders(m) for m in label_maps()]
    assert len(masks) == 280
    removed = sum(int(m.sum() - thin(m).sum()) for m in masks)
    assert removed > 10_000
    for mask in masks:
        np.testing.assert_array_equal(thin(mask), skimage_thin(mask))


def test_thinning_keeps_a_line_and_shrinks_a_bar():
    line = np.zeros((5, 9), bool)
    line[2, 1:8] = True
    np.testing.assert_array_equal(thin(line), line)
    bar = np.zeros((7, 12), bool)
    bar[2:5, 1:11] = True
    assert set(np.flatnonzero(thin(bar).any(1))) == {3}


def test_borders_equal_opencv_laplacian():
    maps = list(label_maps())
    for label_map in maps:
        wanted = np.abs(cv2.Laplacian(label_map, cv2.CV_64F)) > 0
        np.testing.assert_array_equal(class_borders(label_map), wanted)
    assert len(maps) == 40


def test_step_fires_on_both_sides_and_is_thinned_to_one():
    label_map = np.full((6, 8), 25, np.uint16)
    label_map[:, 4:] = 431
    borders = class_borders(label_map)
    assert borders[:, 3:5].all()
    assert borders.sum() == 12
    assert (boundary_labels(label_map).sum(1) <= 1).all()
    assert boundary_labels(label_map).sum() >= 4


def test_a_laplacian_that_cancels_hides_a_border():
    label_map = np.array([[1, 2, 3], [1, 2, 3], [1, 2, 3]], np.uint16)
    assert not class_borders(label_map)[:, 1].any()


@pytest.mark.parametrize("fill", [False, True])
def test_uniform_masks(fill):
    mask = np.full((9, 11), fill)
    np.testing.assert_array_equal(thin(mask), skimage_thin(mask))
