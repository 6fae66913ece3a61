"""Which predicted and ground-truth pixels may be paired, looked up on the image.

Pixels are named by their place in a frame: the image with a margin as wide as the tolerance, flat, so that the disc
around every pixel is the same list of steps. No list of pairs is kept: dense maps would have ten million.
"""

from __future__ import annotations

import numpy as np

from densemoe.evaluate.boundary.disc import disc, within
from densemoe.evaluate.boundary.thin import ThinnedMaps, bit, count_bits

_FEW = 256
_CHUNK = 1 << 15  # places looked up at once: small enough to stay in the processor's cache


class Frame:
    """Places of an image of some shape, and the disc of the tolerance around a place."""

    def __init__(self, shape: tuple[int, int], tolerance: float):
        self.width = shape[1]
        self.margin = int(tolerance)
        self.stride = shape[1] + 2 * self.margin
        self.size = self.stride * (shape[0] + 2 * self.margin)
        dy, dx = disc(tolerance)
        self.steps = (dy * self.stride + dx).astype(np.intp)
        """Nearest first."""
        self._tolerance = tolerance

    def places(self, pixels: np.ndarray) -> np.ndarray:
        """Places of flat pixel positions of the image, int32 [N]."""
        y, x = np.divmod(pixels, self.width)
        return ((y + self.margin) * self.stride + x + self.margin).astype(np.int32)

    def flags(self, places: np.ndarray) -> np.ndarray:
        """bool [places of the frame], true at some places."""
        flags = np.zeros(self.size, bool)
        flags[places] = True
        return flags

    def near(self, flags: np.ndarray) -> np.ndarray:
        """bool [places]: a flagged place is within the tolerance."""
        return within(flags.reshape(-1, self.stride), self._tolerance).ravel()

    def around(self, places: np.ndarray) -> np.ndarray:
        """bool [places of the frame]: one of these places, all inside the image, is within the tolerance."""
        if len(places) * len(self.steps) > self.size:
            return self.near(self.flags(places))
        return self.flags((places[:, None] + self.steps).ravel())

    def partners(
        self, places: np.ndarray, flags: np.ndarray, steps: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(place, flagged place within the tolerance), int32 [M] each: by place, then in the order of the steps.

        The steps are those of the disc, nearest first, unless given.
        """
        steps = self.steps if steps is None else steps
        places = places.astype(np.intp)
        rows = max(1, _CHUNK // len(steps))
        own, other = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for first in range(0, len(places), rows):
            some = places[first : first + rows]
            around = (some[:, None] + steps).ravel()
            hit = np.flatnonzero(flags.take(around))
            own.append(some[hit // len(steps)].astype(np.int32))
            other.append(around[hit].astype(np.int32))
        return np.concatenate(own), np.concatenate(other)


class PairGraph:
    """Predicted pixels with a partner in the ground truth, for all thresholds, and ground-truth pixels.

    Small (some 0.2 MB at 480x640) and made to be sent between processes.
    """

    def __init__(self, thinned: ThinnedMaps, truth: np.ndarray, tolerance: float):
        """`truth`: thin ground truth, bool [H,W]; `tolerance` in pixels."""
        self.frame = Frame(thinned.shape, tolerance)
        self.truth = self.frame.places(np.flatnonzero(truth))
        self.thresholds = thinned.thresholds
        near = np.flatnonzero(within(truth, tolerance).take(thinned.pixels))
        self._predicted = self.frame.places(thinned.pixels[near])
        self._present = thinned.present.take(near, axis=1)
        self._beside = self._look_beside()

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, about."""
        return sum(a.nbytes for a in (self.truth, self._predicted, self._present, self._beside))

    def predicted(self, threshold: int) -> np.ndarray:
        """Places of predicted pixels with a partner at a threshold (its index), int32 [N], ascending."""
        return self._predicted[bit(self._present, threshold)]

    def truth_beside(self, threshold: int) -> np.ndarray:
        """Places of ground-truth pixels with a partner at a threshold (its index), int32 [N], ascending."""
        return self.truth[bit(self._beside, threshold)]

    def matchable(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels with a partner per threshold, predicted and ground truth, int64 [thresholds] each."""
        return self._count(self._present), self._count(self._beside)

    def bound(self, cover: np.ndarray) -> np.ndarray:
        """No matching has more pairs than this, int64 [thresholds], whichever ground-truth pixels are chosen.

        Every pair has one of the chosen pixels or lies beside one that is not chosen, so the chosen pixels and the
        predicted ones beside the others cover all pairs: Koenig's theorem. With the cover that a largest matching at
        one threshold proves itself by, this is its size there, and little more than the largest at thresholds nearby.

        `cover`: the chosen pixels, bool [ground-truth pixels].
        """
        beside_others = self.frame.around(self.truth[~cover])
        predicted = np.flatnonzero(beside_others.take(self._predicted))
        chosen = np.flatnonzero(cover)
        return self._count(self._present.take(predicted, axis=1)) + self._count(self._beside.take(chosen, axis=1))

    def _count(self, octets: np.ndarray) -> np.ndarray:
        return count_bits(octets)[: self.thresholds]

    def _look_beside(self) -> np.ndarray:
        """The ground-truth pixel has a partner at the threshold, octets as `ThinnedMaps.present` [O, truth]."""
        beside = []
        for first in range(0, len(self._present), 8):  # 64 thresholds a word
            octets = np.zeros((len(self._predicted), 8), np.uint8)
            some = self._present[first : first + 8]
            octets[:, : len(some)] = some.T
            words = np.zeros(self.frame.size, np.uint64)
            words[self._predicted] = octets.view(np.uint64)[:, 0]
            # few at a time, so that the words around them stay in the processor's cache
            reached = [
                np.bitwise_or.reduce(words.take(self.truth[i : i + _FEW] + self.frame.steps[:, None]))
                for i in range(0, len(self.truth), _FEW)
            ]
            reached = np.concatenate(reached) if reached else words[:0]
            beside.append(reached.view(np.uint8).reshape(-1, 8).T[: len(some)])
        return np.ascontiguousarray(np.concatenate(beside))
