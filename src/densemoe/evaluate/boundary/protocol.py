"""The boundary protocol: thresholds, tolerances, and what is counted.

Version 1 is the chain of the SEISM tool as InvPT, TaskPrompter and MLoRE use it through the Boundary-Detection-
Evaluation-Tools repository: probability truncated to 8 bits; non-maximum suppression; strictly above each of the 101
thresholds of its HED.txt; thinning; one-to-one matching of pixels within `max_distance` of the image diagonal; counts
summed over the set; the largest F = 2 matched / (predicted + truth) over the thresholds, without interpolation. No
pixel is ignored. The papers score PASCAL-Context on the 2,498 images of SEISM's `test_new` list (a part of the 5,105
of `val`) and NYUD-v2 on all 654. The lists lie in the SEISM repository as
src/gt_wrappers/gt_sets/PASCALContext/test_new.txt and .../NYUD/test_new.txt; they are recognised by their sha256.

`matched` is counted in one of two ways. `max_cardinality` is the largest one-to-one matching: deterministic, and ours
for every comparison. `seism_compat` emulates the random outlier graph that the original solver adds, which costs it
some pairs (0.0004 to 0.0005 of odsF); it is seeded per image and threshold, and meant for numbers printed beside the
papers'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from densemoe.params.errors import InputError, allowed

VERSION = 1
THRESHOLDS = np.array([0.001, *(k / 100 for k in range(1, 100)), 0.999], np.float32)
"""The 101 thresholds, float32: a pixel is predicted where its value is strictly above."""

MAX_CARDINALITY = "max_cardinality"
SEISM_COMPAT = "seism_compat"
COUNTS = (MAX_CARDINALITY, SEISM_COMPAT)


@dataclass(frozen=True, kw_only=True)
class BoundaryProtocol:
    """What differs between the data sets: tolerance (a fraction of the image diagonal), ground truth, known ids."""

    name: str
    dataset: str
    max_distance: float
    suffix: str
    """Of a ground-truth file: the LabelMap .mat of PASCAL-Context, the edge PNG of NYUD-v2."""
    id_sets: Mapping[str, tuple[int, str]]
    """Name of a list of ids -> number of ids, and sha256 of the ids joined by newlines without a final one."""

    def tolerance(self, height: int, width: int) -> float:
        """Largest distance of a pair, in pixels, not rounded and inclusive."""
        return self.max_distance * float(np.sqrt(height * height + width * width))


PROTOCOLS: dict[str, BoundaryProtocol] = {
    p.name: p
    for p in (
        BoundaryProtocol(
            name="pascal",
            dataset="pascal_context",
            max_distance=0.0075,
            suffix=".mat",
            id_sets={
                "test_new": (2498, "36b2fca3b8f3562bbcbcc7b3a6e305fa57bfbb97266dee347fd831eb4faf5317"),
                "val": (5105, "261199d190e5c22dc3458c97a9e831f25247e2ae41eb650f5202e1e0d82563d5"),
            },
        ),
        BoundaryProtocol(
            name="nyud",
            dataset="nyud_v2",
            max_distance=0.011,
            suffix=".png",
            # the 654 images are the `test_new` of SEISM and the `val` of the data set
            id_sets={"test_new": (654, "688b6e8adffa10c9a38f0c07c5aac45b968349552d005194a6fca041f40b5a11")},
        ),
    )
}


def protocol_of(name: str) -> BoundaryProtocol:
    """The protocol of that name. Raises InputError for an unknown one."""
    if name not in PROTOCOLS:
        raise InputError(f"Unknown boundary protocol '{name}'; allowed are {allowed(PROTOCOLS)}.")
    return PROTOCOLS[name]


def check_counts(counts: tuple[str, ...]) -> None:
    """Raise InputError unless `counts` names at least one way of counting, each known and once."""
    if not counts or len(set(counts)) != len(counts) or not set(counts) <= set(COUNTS):
        raise InputError(f"Counts {list(counts)}: expected one or both of {allowed(COUNTS)}.")
