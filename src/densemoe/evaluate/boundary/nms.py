"""Non-maximum suppression of a boundary map across the local edge direction.

The steps and constants are those of the structured-edge detector's suppression as the SEISM tool calls it (radius 1,
border 5, factor 1.01; Dollar & Zitnick, "Fast edge detection using structured forests", PAMI 2015, describe the
orientation estimate). The prediction is smoothed for the orientation only; kept pixels keep their value.
"""

from __future__ import annotations

import numpy as np

_RADIUS = 4  # of the triangle filter
_BORDER = 5
_FACTOR = np.float32(1.01)
_SLACK = np.float32(1e-5)  # more than rounding can put a neighbour's value off in `_decide`


def suppress(prediction: np.ndarray) -> np.ndarray:
    """Values at ridge pixels, 0 elsewhere: float32 [H,W] in [0, 1] of an 8-bit map, uint8 [H,W]."""
    value = prediction.astype(np.float32) / np.float32(255)
    slope = _slope(smooth(value))
    sure, open_ = _decide(value, slope)
    kept = np.where(sure, value, np.float32(0))
    pixels = np.flatnonzero(open_)
    angle = _angle(slope.ravel()[pixels]).astype(np.float64)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    row, column = (index.astype(np.float32) for index in np.divmod(pixels, value.shape[1]))
    own = value.ravel()[pixels]
    scaled = _FACTOR * own
    maximal = (scaled >= _bilinear(value, row - sin, column - cos)) & (
        scaled >= _bilinear(value, row + sin, column + cos)
    )
    kept.ravel()[pixels[maximal]] = own[maximal]
    _fade_border(kept)
    return kept


def smooth(value: np.ndarray) -> np.ndarray:
    """Triangle filter of radius 4 in both directions, border mirrored with its outer pixel, float32 [H,W].

    Which pixel survives can hang on the last bit, so the sums are rounded in the order of the toolbox that SEISM calls
    (convTri of Piotr's toolbox, convConst.cpp): along the rows first, scaled there, then along the columns, each
    direction as the running sum of the running sum of second differences, in float32.
    """
    scale = np.float32(1) / np.float32((_RADIUS + 1) ** 4)
    return _triangle(np.ascontiguousarray(_triangle(value.T, scale).T), np.float32(1))


def _triangle(values: np.ndarray, scale: np.float32) -> np.ndarray:
    """Sums weighted 1..5..1 along the first axis, times `scale`, float32 [N,M]."""
    length, reach = len(values), _RADIUS + 1
    padded = np.pad(values, ((reach, reach), (0, 0)), "symmetric")
    partial = _running_sum(padded[reach : 2 * reach].copy())
    last = partial[-1].copy()
    filtered = np.empty((length, values.shape[1]), np.float32)
    filtered[0] = scale * (2 * _running_sum(partial)[-1] - last)
    second = padded[: length - 1] + padded[2 * reach : 2 * reach + length - 1]
    second -= 2 * padded[reach : reach + length - 1]
    np.multiply(scale, _running_sum(second), out=filtered[1:])
    return _running_sum(filtered)


def _running_sum(values: np.ndarray) -> np.ndarray:
    """Along the first axis, in place; faster by rows than numpy's cumsum."""
    for i in range(1, len(values)):
        values[i] += values[i - 1]
    return values


def _slope(smoothed: np.ndarray) -> np.ndarray:
    """Tangent of the direction across the edge, float32 [H,W]."""
    dx, dy = _gradient(smoothed, 1), _gradient(smoothed, 0)
    dxx, dxy, dyy = _gradient(dx, 1), _gradient(dy, 1), _gradient(dy, 0)
    return dyy * np.sign(-dxy) / (dxx + np.float32(1e-5))


def _angle(slope: np.ndarray) -> np.ndarray:
    """Direction in [0, pi] of tangents [N], float32."""
    # float64 inside, rounded once: vectorised float32 functions differ between processors
    angle = np.arctan(slope.astype(np.float64)).astype(np.float32)
    return np.where(angle < 0, angle + np.float32(np.pi), angle)


def _gradient(values: np.ndarray, axis: int) -> np.ndarray:
    """Differences along an axis, central inside and one-sided at the border; 0 along a single pixel."""
    return np.gradient(values, axis=axis) if values.shape[axis] > 1 else np.zeros_like(values)


def _decide(value: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(pixels that surely survive, pixels too near the limit to tell), bool [H,W], found on the whole image at once.

    Positions are not clamped here, so the lines where that matters are left open.
    """
    tangent = np.clip(slope, np.float32(-1e6), np.float32(1e6))
    cos = 1 / np.sqrt(1 + tangent * tangent)
    sin = np.abs(tangent) * cos
    padded = np.pad(value, 1, "edge")
    height, width = value.shape

    def shifted(down: int, right: int) -> np.ndarray:
        return padded[1 + down : 1 + down + height, 1 + right : 1 + right + width]

    rising = slope >= 0  # the way across leads right and down, else left and down
    sure = value > 0
    open_ = sure.copy()
    limit = _FACTOR * value
    for way in (-1, 1):
        beside = np.where(rising, shifted(0, way), shifted(0, -way))
        beyond = np.where(rising, shifted(way, way), shifted(way, -way))
        level = value + cos * (beside - value)
        other = shifted(way, 0) + cos * (beyond - shifted(way, 0))
        room = limit - (level + sin * (other - level))
        sure &= room > _SLACK
        open_ &= ~(room < -_SLACK)  # open too where the slope is no number
    sure[-2:], sure[:, -2:] = False, False
    open_[-2:], open_[:, -2:] = value[-2:] > 0, value[:, -2:] > 0
    return sure, open_ & ~sure


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
