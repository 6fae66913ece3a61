"""Non-maximum suppression of a boundary map across the local edge direction.

The steps and constants are those of the structured-edge detector's suppression as the SEISM tool calls it (radius 1,
border 5, factor 1.01; Dollar & Zitnick, "Fast edge detection using structured forests", PAMI 2015, describe the
orientation estimate). The prediction is smoothed for the orientation only; kept pixels keep their value.
"""

from __future__ import annotations

import cv2
import numpy as np

_TRIANGLE = np.array([1, 2, 3, 4, 5, 4, 3, 2, 1], np.float32)
_SCALE = np.float32(25 * 25 * 255)
_BORDER = 5
_FACTOR = np.float32(1.01)


def suppress(prediction: np.ndarray) -> np.ndarray:
    """Values at ridge pixels, 0 elsewhere: float32 [H,W] in [0, 1] of an 8-bit map, uint8 [H,W]."""
    value = prediction.astype(np.float32) / np.float32(255)
    kept = np.zeros_like(value)
    pixels = np.flatnonzero(prediction)
    if pixels.size:
        angle = _orientation(prediction, pixels).astype(np.float64)
        cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        row, column = (index.astype(np.float32) for index in np.divmod(pixels, value.shape[1]))
        own = value.ravel()[pixels]
        scaled = _FACTOR * own
        maximal = np.flatnonzero(scaled >= _bilinear(value, row - sin, column - cos))
        row, column, sin, cos = row[maximal], column[maximal], sin[maximal], cos[maximal]
        maximal = maximal[scaled[maximal] >= _bilinear(value, row + sin, column + cos)]
        kept.ravel()[pixels[maximal]] = own[maximal]
    _fade_border(kept)
    return kept


def smooth(prediction: np.ndarray) -> np.ndarray:
    """Triangle filter of radius 4 in both directions, border mirrored with its outer pixel, float32 [H,W] in [0, 1].

    The weighted sums of 8-bit values are integers below 2^24, exact in float32, and one division rounds: the result
    does not depend on the order of summation.
    """
    sums = cv2.sepFilter2D(
        np.ascontiguousarray(prediction), cv2.CV_32F, _TRIANGLE, _TRIANGLE, borderType=cv2.BORDER_REFLECT
    )
    return sums / _SCALE


def _orientation(prediction: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Direction across the edge at some pixels (flat positions), radians in [0, pi], float32 [N]."""
    smoothed = smooth(prediction)
    dx, dy = _gradient(smoothed, 1), _gradient(smoothed, 0)
    dxx, dxy, dyy = (d.ravel()[pixels] for d in (_gradient(dx, 1), _gradient(dy, 1), _gradient(dy, 0)))
    slope = dyy * np.sign(-dxy) / (dxx + np.float32(1e-5))
    # float64 inside, rounded once: vectorised float32 functions differ between processors
    angle = np.arctan(slope.astype(np.float64)).astype(np.float32)
    return np.where(angle < 0, angle + np.float32(np.pi), angle)


def _gradient(values: np.ndarray, axis: int) -> np.ndarray:
    """Differences along an axis, central inside and one-sided at the border; 0 along a single pixel."""
    return np.gradient(values, axis=axis) if values.shape[axis] > 1 else np.zeros_like(values)


def _bilinear(values: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Values [H,W] at float32 positions [N], clamped so that a right and lower neighbour exists."""
    height, width = values.shape
    row = np.clip(row, np.float32(0), np.float32(max(height - 1.001, 0)))
    column = np.clip(column, np.float32(0), np.float32(max(width - 1.001, 0)))
    top, left = row.astype(np.int32), column.astype(np.int32)
    down, right = row - top.astype(np.float32), column - left.astype(np.float32)
    up, near = np.float32(1) - down, np.float32(1) - right
    flat = values.ravel()
    start = top.astype(np.intp) * width + left
    below = start + (width if height > 1 else 0)
    step = 1 if width > 1 else 0
    above = flat[start] * near * up + flat[start + step] * right * up
    return above + flat[below] * near * down + flat[below + step] * right * down


def _fade_border(values: np.ndarray) -> None:
    """Weaken the outermost lines in place, the outer one to 0, so that the frame makes no edges."""
    height, width = values.shape
    lines = min(_BORDER, width // 2, height // 2)
    for i in range(lines):
        weight = np.float32(i / lines)
        values[:, i] *= weight
        values[:, width - 1 - i] *= weight
    for i in range(lines):
        weight = np.float32(i / lines)
        values[i] *= weight
        values[height - 1 - i] *= weight
