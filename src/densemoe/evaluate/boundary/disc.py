"""The disc of pixels within the tolerance: dx^2 + dy^2 <= tolerance^2, in float64, inclusive."""

from __future__ import annotations

import numpy as np


def disc(tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps (dy, dx) from the centre to every pixel of the disc, nearest first, int32 [N] each."""
    radius = int(tolerance)
    dy, dx = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.int32)
    squared = dy * dy + dx * dx
    inside = squared <= tolerance * tolerance
    order = np.argsort(squared[inside], kind="stable")
    return dy[inside][order], dx[inside][order]


def within(mask: np.ndarray, tolerance: float) -> np.ndarray:
    """Pixels whose disc holds a set pixel of the mask, bool [H,W].

    The disc is a stack of horizontal runs, and a run holds a set pixel where the count along the row grows over it.
    """
    height, width = mask.shape
    dy, dx = disc(tolerance)
    radius = int(tolerance)
    counts = np.zeros((height + 2 * radius, width + 2 * radius + 1), np.int16)
    np.cumsum(np.pad(mask, radius), axis=1, dtype=np.int16, out=counts[:, 1:])  # equal or not: wrapping does no harm
    near = np.zeros(mask.shape, bool)
    for step in range(radius + 1):
        reach = int(dx[dy == step].max())
        runs = counts[:, radius + reach + 1 :][:, :width] != counts[:, radius - reach :][:, :width]
        near |= runs[radius + step :][:height]
        near |= runs[radius - step :][:height]
    return near
