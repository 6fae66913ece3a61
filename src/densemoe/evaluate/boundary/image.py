"""Counts of one image: from a prediction and a ground truth to matched, predicted and true pixels per threshold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from densemoe.evaluate.boundary.counts import UNKNOWN, Counts
from densemoe.evaluate.boundary.ground_truth import ground_truth_edges
from densemoe.evaluate.boundary.match import Matcher
from densemoe.evaluate.boundary.nms import suppress
from densemoe.evaluate.boundary.outliers import generator, pairs_lost
from densemoe.evaluate.boundary.pairs import PairGraph
from densemoe.evaluate.boundary.protocol import (
    COUNTS,
    MAX_CARDINALITY,
    SEISM_COMPAT,
    THRESHOLDS,
    check_counts,
    protocol_of,
)
from densemoe.evaluate.boundary.quantise import quantise
from densemoe.evaluate.boundary.thin import thin_thresholds
from densemoe.params.errors import InputError


class ImagePair:
    """One image made ready for counting: everything but the matching, which is done for the thresholds asked for.

    Small, and made to be sent between processes.
    """

    def __init__(self, prediction: np.ndarray, ground_truth: np.ndarray, *, protocol: str, image_id: str):
        """Arguments and errors as in `evaluate_pair`."""
        prediction = quantise(prediction, f"{image_id}: prediction")
        truth = ground_truth_edges(ground_truth, f"{image_id}: ground truth")
        if prediction.shape != truth.shape:
            raise InputError(
                f"{image_id}: the prediction is {_size(prediction)} pixels and the ground truth {_size(truth)}; "
                "their sizes must be equal (height x width)."
            )
        thinned = thin_thresholds(suppress(prediction), THRESHOLDS)
        self.image_id = image_id
        self.predicted = thinned.sizes
        self.truth = np.full(len(THRESHOLDS), int(truth.sum()), np.int64)
        self._graph = PairGraph(thinned, truth, protocol_of(protocol).tolerance(*truth.shape))
        self.bound = np.minimum(*self._graph.matchable())
        """No count of matched pixels is larger than this, int64 [thresholds]; `matched` may lower it."""
        self._pairs: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, about."""
        return self._graph.nbytes + sum(a.nbytes for a in self._pairs or ())

    def matched(
        self, thresholds: Iterable[int], counts: Sequence[str] = COUNTS, *, tighten: bool = False
    ) -> dict[str, np.ndarray]:
        """Matched pixels by way of counting, int64 [thresholds]; UNKNOWN at thresholds not asked for (by index).

        `tighten`: lower `bound` by what each of the matchings says about the other thresholds.
        """
        found = {count: np.full(len(THRESHOLDS), UNKNOWN, np.int64) for count in counts}
        thresholds = sorted(set(thresholds))
        if not thresholds:
            return found
        matcher = Matcher(self._graph, self._pairs)
        for k in thresholds:
            largest = matcher.match(k)
            if tighten:
                self.bound = np.minimum(self.bound, self._graph.bound(matcher.cover))
            if MAX_CARDINALITY in found:
                found[MAX_CARDINALITY][k] = largest
            if SEISM_COMPAT in found:
                found[SEISM_COMPAT][k] = largest - pairs_lost(matcher, k, generator(self.image_id, k))
        self._pairs = matcher.pairs()
        return found


def evaluate_pair(
    prediction: np.ndarray,
    ground_truth: np.ndarray,
    *,
    protocol: str,
    counts: Sequence[str] = (MAX_CARDINALITY,),
    image_id: str = "image",
) -> dict[str, Counts]:
    """Counts of one image at the 101 thresholds, by way of counting.

    Args:
        prediction: boundary probabilities, float [H,W] in [0, 1], quantised here by truncation; or uint8 [H,W].
        ground_truth: integers [H,W]: with `pascal` the LabelMap, with `nyud` the edge map, taken as a segmentation.
        protocol: `pascal` (tolerance 0.0075 of the diagonal) or `nyud` (0.011).
        counts: `max_cardinality`, `seism_compat` or both (see `densemoe.evaluate.boundary.protocol`).
        image_id: names the image in errors, and seeds `seism_compat`.

    Raises:
        InputError: sizes differ, or values of another type or range, NaN among them; unknown protocol or count.

    """
    check_counts(tuple(counts))
    pair = ImagePair(prediction, ground_truth, protocol=protocol, image_id=image_id)
    matched = pair.matched(range(len(THRESHOLDS)), counts)
    return {name: Counts(values, pair.predicted, pair.truth) for name, values in matched.items()}


def _size(values: np.ndarray) -> str:
    return " x ".join(map(str, values.shape))
