"""Ground truth of the boundary score: the borders of a segmentation, one pixel wide.

Both data sets go through the same steps. PASCAL-Context: the 459-class LabelMap (0 is a region too). NYUD-v2: the edge
PNG, taken as a segmentation, so a line one pixel wide becomes its two-pixel band of transitions, thinned again, and a
wider line becomes two parallel lines; that is what the papers' scores were measured against. This is not the label that
models are trained on, and no pixel is ignored: in the edge PNG 255 is an edge.
"""

from __future__ import annotations

import numpy as np

from densemoe.evaluate.boundary.thin import thin
from densemoe.params.errors import InputError


def ground_truth_edges(segmentation: np.ndarray, name: str = "ground truth") -> np.ndarray:
    """Thin borders, bool [H,W], of a segmentation: integers or bool [H,W]. `name` is how errors call it."""
    segmentation = np.asarray(segmentation)
    if segmentation.ndim != 2 or not segmentation.size or segmentation.dtype.kind not in "uib":
        raise InputError(
            f"{name}: {segmentation.dtype} of shape {segmentation.shape}; expected integer labels [height, width]."
        )
    return thin(borders(segmentation))


def borders(segmentation: np.ndarray) -> np.ndarray:
    """Pixels that differ from their east, south or south-east neighbour, bool [H,W]; neighbours outside do not count.

    BSDS's seg2bmap: the last row looks east only, the last column south only, the last corner is never set.
    """
    differs = np.zeros(segmentation.shape, bool)
    differs[:, :-1] |= segmentation[:, :-1] != segmentation[:, 1:]
    differs[:-1] |= segmentation[:-1] != segmentation[1:]
    differs[:-1, :-1] |= segmentation[:-1, :-1] != segmentation[1:, 1:]
    return differs
