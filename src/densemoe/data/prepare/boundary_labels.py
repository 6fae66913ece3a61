"""Boundary labels of PASCAL-Context: class borders of the 459-class label map, one pixel wide.

A pixel fires where the 3x3 Laplacian of the label map is not zero; both sides of a border do, so the result is thinned
(Guo & Hall, "Parallel thinning with two-subiteration algorithms", CACM 1989; the form of Lam, Lee & Suen, PAMI 1992).
The protocol is that of ASTMT's loader, which InvPT, TaskPrompter and MLoRE share. There are no instance borders.
"""

from __future__ import annotations

from functools import cache

import numpy as np

# bit k-1 is the neighbour x_k: east, then counter-clockwise; (row, column) steps
_NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


def boundary_labels(label_map: np.ndarray) -> np.ndarray:
    """Thin class borders, bool [H,W], of an integer label map [H,W]."""
    return thin(class_borders(label_map))


def class_borders(label_map: np.ndarray) -> np.ndarray:
    """Pixels whose 4-neighbour Laplacian is not zero, bool [H,W]; outside, the map is mirrored at its outer pixels."""
    padded = np.pad(label_map.astype(np.int32), 1, mode="reflect")
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return around != 4 * padded[1:-1, 1:-1]


def thin(mask: np.ndarray) -> np.ndarray:
    """Skeleton of a mask, bool [H,W], thinned until nothing changes; outside the mask is background."""
    height, width = mask.shape
    padded = np.zeros((height + 2, width + 2), np.uint8)
    padded[1:-1, 1:-1] = mask != 0
    flat = padded.ravel()
    steps = [dy * (width + 2) + dx for dy, dx in _NEIGHBOURS]
    foreground = np.flatnonzero(flat)
    idle = 0
    turn = 0
    # converged once both kinds of sweep in a row remove nothing
    while idle < 2:
        code = np.zeros(foreground.size, np.uint8)
        for bit, step in enumerate(steps):
            code |= flat[foreground + step] << bit
        removed = _deletable(turn)[code]
        flat[foreground[removed]] = 0
        foreground = foreground[~removed]
        idle = 0 if removed.any() else idle + 1
        turn = 1 - turn
    return padded[1:-1, 1:-1] != 0


@cache
def _deletable(turn: int) -> np.ndarray:
    """Table over the 256 neighbourhoods, bool: the centre may go in this kind of sweep (0 or 1)."""
    x = [np.arange(256) >> k & 1 for k in range(8)]
    # crossings: background on an axis neighbour followed by foreground on one of the next two
    crossings = sum((1 - x[2 * i]) & (x[2 * i + 1] | x[(2 * i + 2) % 8]) for i in range(4))
    pairs = [sum(x[(2 * k + first) % 8] | x[(2 * k + first + 1) % 8] for k in range(4)) for first in (0, 1)]
    ends = np.minimum(*pairs)
    e, ne, n, nw, w, sw, s, se = x
    side = (ne | n | (1 - se)) & e if turn == 0 else (sw | s | (1 - nw)) & w
    return (crossings == 1) & (ends >= 2) & (ends <= 3) & (side == 0)
