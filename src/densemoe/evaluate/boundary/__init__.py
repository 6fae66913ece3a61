"""Boundary score (odsF, OIS, AP) by the protocol of the papers' tables, from maps in memory or on disk.

counts = evaluate_pair(prediction, label_map, protocol="pascal")["max_cardinality"]   # one image
ods(total([counts, ...])).f                                                           # the set
"""

from densemoe.evaluate.boundary.counts import Counts, Score, ap, ods, ois, total
from densemoe.evaluate.boundary.image import ImagePair, evaluate_pair
from densemoe.evaluate.boundary.protocol import COUNTS, PROTOCOLS, THRESHOLDS, VERSION

__all__ = [
    "COUNTS",
    "PROTOCOLS",
    "THRESHOLDS",
    "VERSION",
    "Counts",
    "ImagePair",
    "Score",
    "ap",
    "evaluate_pair",
    "ods",
    "ois",
    "total",
]
