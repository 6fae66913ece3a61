"""The scores of a set as plain nested dicts, for a metrics file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densemoe.evaluate.boundary.counts import UNKNOWN, Counts, Score, ap, ods, ois, total
from densemoe.evaluate.boundary.protocol import MAX_CARDINALITY, THRESHOLDS, VERSION, protocol_of
from densemoe.evaluate.boundary.score import ImageCounts


def summary(images: Sequence[ImageCounts], *, protocol: str) -> dict[str, Any]:
    """Per way of counting ods, ois, ap as fractions; `boundary.ods_f` in percent of `max_cardinality`, if counted.

    ois and ap are left out where not every threshold was evaluated.
    """
    result: dict[str, Any] = {
        "protocol": {"boundary": VERSION, "name": protocol, "max_distance": protocol_of(protocol).max_distance},
        "images": len(images),
    }
    for count in images[0].matched:
        scores = _scores([image.counts(count) for image in images])
        if count == MAX_CARDINALITY:
            result["metrics"] = {"boundary.ods_f": 100 * scores["ods"]["f"]}
        result[count] = scores
    return result


def curve(images: Sequence[ImageCounts], count: str) -> list[dict[str, float]]:
    """Threshold, precision, recall, F and the summed pixels, one dict a threshold at which all images are known."""
    sums = _known_sum([image.counts(count) for image in images])
    values = zip(sums.precision(), sums.recall(), sums.f(), sums.matched, sums.predicted, sums.truth, strict=True)
    return [
        {
            "threshold": round(float(t), 3),
            "precision": float(p),
            "recall": float(r),
            "f": float(f),
            "matched": int(m),
            "predicted": int(n),
            "truth": int(g),
        }
        for t, (p, r, f, m, n, g) in zip(THRESHOLDS, values, strict=True)
        if m != UNKNOWN
    ]


def _scores(images: list[Counts]) -> dict[str, Any]:
    complete = all((image.matched != UNKNOWN).all() for image in images)
    if not complete:
        return {"ods": _plain(ods(_known_sum(images)))}
    sums = total(images)
    return {"ods": _plain(ods(sums)), "ois": _plain(ois(images)), "ap": ap(sums)}


def _known_sum(images: list[Counts]) -> Counts:
    """The sum; matched is UNKNOWN, which is less than any F, where one image is."""
    known = np.all([image.matched != UNKNOWN for image in images], axis=0)
    matched = np.where(known, sum(image.matched for image in images), UNKNOWN)
    return Counts(matched, sum(i.predicted for i in images), sum(i.truth for i in images))


def _plain(score: Score) -> dict[str, float]:
    values = {"f": score.f, "precision": score.precision, "recall": score.recall}
    return values if score.threshold is None else {**values, "threshold": score.threshold}
