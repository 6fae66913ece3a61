"""Counts of images and the scores of a set: ODS, OIS, AP, always of summed counts, never averaged over images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from densemoe.evaluate.boundary.protocol import THRESHOLDS
from densemoe.params.errors import InputError

UNKNOWN = -1
"""Stands for a count of matched pixels that was not computed."""


@dataclass(frozen=True)
class Counts:
    """Pixels of one image or of a sum of images, per threshold, int64 [thresholds] each."""

    matched: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray

    def precision(self) -> np.ndarray:
        """Matched of predicted, float64 [thresholds]; without any predicted 1, or 0 if there is no ground truth too."""
        return np.where((self.predicted > 0) | (self.truth == 0), _ratio(self.matched, self.predicted), 1.0)

    def recall(self) -> np.ndarray:
        """Matched of ground truth, float64 [thresholds]; 1 where there is none."""
        return np.where(self.truth > 0, _ratio(self.matched, self.truth), 1.0)

    def f(self) -> np.ndarray:
        """2 P R / (P + R) = 2 matched / (predicted + truth), float64 [thresholds]; 0 where nothing is matched."""
        both = self.predicted + self.truth
        return np.where(self.matched > 0, 2 * self.matched / np.maximum(both, 1), 0.0)


@dataclass(frozen=True)
class Score:
    """F with its precision and recall, fractions from 0 to 1; `threshold` is None where each image has its own."""

    f: float
    precision: float
    recall: float
    threshold: float | None


def ods(total: Counts) -> Score:
    """The best F that one threshold reaches on the whole set, at the first threshold that reaches it."""
    best = int(total.f().argmax())
    return _score(total, best, float(f"{THRESHOLDS[best]:.3f}"))


def ois(images: Iterable[Counts]) -> Score:
    """F of the counts summed over the images, each at its own best threshold: the first, F rounded to 6 decimals."""
    sums = np.zeros(3, np.int64)
    for image in images:
        best = int(image.f().round(6).argmax())
        sums += (image.matched[best], image.predicted[best], image.truth[best])
    return _score(Counts(*(sums[:, None])), 0, None)


def ap(total: Counts) -> float:
    """Mean precision at recall 0, 0.01, ..., 1, interpolated linearly between the curve's points.

    Points beyond the curve count nothing; the sum is divided by 100 (as the original does, over 101 points).
    """
    recall, first = np.unique(total.recall(), return_index=True)
    if recall.size < 2:
        return 0.0
    at = np.arange(101) / 100
    inside = (at >= recall[0]) & (at <= recall[-1])
    return float(np.interp(at[inside], recall, total.precision()[first]).sum() / 100)


def total(images: Iterable[Counts]) -> Counts:
    """The sum over images. Raises InputError when there is none, or a count of one was not computed."""
    images = list(images)
    if not images:
        raise InputError("Boundary score: there is no image; at least one is needed.")
    sums = np.zeros((3, len(THRESHOLDS)), np.int64)
    for image in images:
        if (image.matched == UNKNOWN).any():
            raise InputError("Boundary score: a threshold of an image was not evaluated; the curve needs all of them.")
        sums += np.stack([image.matched, image.predicted, image.truth])
    return Counts(*sums)


def _score(counts: Counts, at: int, threshold: float | None) -> Score:
    return Score(
        f=float(counts.f()[at]),
        precision=float(counts.precision()[at]),
        recall=float(counts.recall()[at]),
        threshold=threshold,
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.maximum(whole, 1)
