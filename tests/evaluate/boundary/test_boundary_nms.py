"""Quantisation and non-maximum suppression against values worked out another way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter

from densemoe.evaluate.boundary import nms as nms_module
from densemoe.evaluate.boundary.nms import smooth, suppress
from densemoe.evaluate.boundary.quantise import quantise, quantise_logits
from densemoe.params.errors import InputError

f32 = np.float32


def test_truncates():
    values = np.array([[0, 0.5, 1, 254.999 / 255, 1 / 255]])
    assert quantise(values).tolist() == [[0, 127, 255, 254, 1]]
    eight_bit = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert quantise(eight_bit) is eight_bit


def test_logits_agree_with_saved_maps(tmp_path):
    torch = pytest.importorskip("torch")
    from densemoe.evaluate.boundary_maps import BoundaryMapWriter, read_boundary_maps

    logits = np.random.default_rng(0).normal(scale=4, size=(40, 50)).astype(f32)
    with BoundaryMapWriter(tmp_path / "maps.zip") as writer:
        writer.write(torch.from_numpy(logits)[None, None], ["a"], torch.tensor([[0, 0, 40, 50]]))
    ((_, saved),) = read_boundary_maps(tmp_path / "maps.zip")
    # where 255 p is within rounding of an integer the two sigmoids may fall on either side
    exact = 255 / (1 + np.exp(-logits.astype(np.float64)))
    clear = np.abs(exact - np.round(exact)) > 1e-4
    assert clear.mean() > 0.99
    assert np.array_equal(quantise_logits(logits)[clear], saved[clear])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[0.5, np.nan]]), "1 values are NaN"),
        (np.array([[0.5, 1.5]]), "from 0.5 to 1.5"),
        (np.array([[-0.1, 1]]), "from -0.1 to 1"),
        (np.zeros((2, 2), np.uint16), "uint16"),
        (np.zeros((2, 2, 3), np.uint8), r"\(2, 2, 3\)"),
        (np.zeros((0, 2)), r"\(0, 2\)"),
    ],
)
def test_bad_predictions_are_one_sentence(values, reason):
    with pytest.raises(InputError, match=rf"a\.png: .*{reason}.*expected"):
        quantise(values, "a.png")
    if values.dtype.kind == "f" and np.isnan(values).any():
        with pytest.raises(InputError, match="NaN"):
            quantise_logits(values)


def triangle(line, scale):
    """One line filtered by running sums, float32 all through, one value at a time."""
    count = len(line)

    def at(i):
        while not 0 <= i < count:  # mirrored with the outer pixel
            i = -1 - i if i < 0 else 2 * count - 1 - i
        return line[i]

    part = whole = at(0)
    for i in range(1, 5):
        part = f32(part + at(i))
        whole = f32(whole + part)
    value, slope = f32(scale * f32(f32(2 * whole) - part)), f32(0)
    filtered = [value]
    for i in range(1, count):
        slope = f32(slope + f32(f32(at(i - 6) + at(i + 4)) - f32(2 * at(i - 1))))
        value = f32(value + f32(scale * slope))
        filtered.append(value)
    return filtered


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (9, 9), (40, 33)])
def test_smoothing_is_the_triangle_filter_in_the_order_of_the_original(shape):
    image = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    value = image.astype(f32) / f32(255)
    by_rows = np.array([triangle(row, f32(1 / 625)) for row in value])
    expected = np.array([triangle(column, f32(1)) for column in by_rows.T]).T
    assert expected.dtype == f32
    assert np.array_equal(smooth(value), expected)
    sums = value.astype(np.float64)
    for axis in (0, 1):
        sums = correlate1d(sums, np.array([1, 2, 3, 4, 5, 4, 3, 2, 1]) / 25, axis=axis, mode="reflect")
    assert np.abs(expected - sums).max() < 2e-6


def test_pixels_decided_at_once_are_decided_as_one_by_one(monkeypatch):
    """Nearly all pixels are decided on the whole image; with endless slack none is."""
    random = np.random.default_rng(3)
    maps = [
        random.integers(0, 256, (70, 90)).astype(np.uint8),
        random.integers(0, 5, (70, 90)).astype(np.uint8) * 60,
        (255 * np.clip(gaussian_filter(random.normal(size=(90, 70)), 2) * 4, 0, 1)).astype(np.uint8),
        np.where(np.indices((64, 64)).sum(0) % 9 < 3, 200, 0).astype(np.uint8),
        np.full((50, 60), 7, np.uint8),
    ]
    at_once = [suppress(image) for image in maps]
    value = maps[0].astype(f32) / f32(255)
    sure, undecided = nms_module._decide(value, nms_module._slope(smooth(value)))
    assert sure.mean() > 0.05
    assert undecided.mean() < 0.1
    monkeypatch.setattr(nms_module, "_SLACK", f32(np.inf))
    for image, kept in zip(maps, at_once, strict=True):
        assert np.array_equal(suppress(image), kept)


def naive(image):
    """The steps of the protocol, pixel by pixel."""
    height, width = image.shape
    value = image.astype(f32) / f32(255)
    s = smooth(value)
    oy, ox = np.gradient(s)
    oxx = np.gradient(ox, axis=1)
    oyy, oxy = np.gradient(oy)
    kept = np.zeros_like(value)

    def interpolated(y, x):
        y = min(max(f32(y), f32(0)), f32(height - 1.001))
        x = min(max(f32(x), f32(0)), f32(width - 1.001))
        top, left = int(y), int(x)
        dy, dx = float(y) - top, float(x) - left
        corners = value[top : top + 2, left : left + 2].astype(np.float64)
        return float(np.array([1 - dy, dy]) @ corners @ np.array([1 - dx, dx]))

    for y in range(height):
        for x in range(width):
            if not image[y, x]:
                continue
            tangent = oyy[y, x] * np.sign(-oxy[y, x]) / (oxx[y, x] + f32(1e-5))
            angle = np.mod(np.arctan(tangent), f32(np.pi))
            own = 1.01 * value[y, x]
            sides = [interpolated(y + d * np.sin(angle), x + d * np.cos(angle)) for d in (-1, 1)]
            kept[y, x] = value[y, x] if own >= max(sides) else 0
    lines = min(5, width // 2, height // 2)
    for i in range(lines):
        for line in (kept[:, i], kept[:, width - 1 - i]):
            line *= f32(i / lines)
    for i in range(lines):
        for line in (kept[i], kept[height - 1 - i]):
            line *= f32(i / lines)
    return kept


@pytest.mark.parametrize("shape", [(2, 2), (3, 8), (13, 12), (25, 31)])
def test_equals_the_steps_one_by_one(shape):
    random = np.random.default_rng(2)
    for _ in range(5):
        image = (random.integers(0, 256, shape) * (random.random(shape) < 0.8)).astype(np.uint8)
        assert np.array_equal(suppress(image), naive(image))


@pytest.mark.parametrize("shape", [(1, 1), (1, 12), (12, 1), (1, 2)])
def test_single_lines_do_not_fail(shape):
    kept = suppress(np.full(shape, 200, np.uint8))
    assert kept.shape == shape
    assert np.isfinite(kept).all()


def test_a_ridge_is_kept_its_flanks_go_and_the_frame_fades():
    image = np.zeros((30, 30), np.uint8)
    image[:, 14], image[:, 15], image[:, 16] = 100, 200, 100
    kept = suppress(image)
    assert (kept[:, [14, 16]] == 0).all()
    expected = f32(200 / 255)
    assert np.allclose(kept[5:25, 15], expected)
    assert np.allclose(kept[:5, 15], expected * np.arange(5) / 5)
    assert np.allclose(kept[25:, 15], expected * np.arange(5)[::-1] / 5)
