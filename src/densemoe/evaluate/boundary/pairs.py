"""Which predicted and ground-truth pixels may be paired, looked up on the image.

Pixels are named by their place in a frame: the image with a margin as wide as the tolerance, flat, so that the disc
around every pixel is the same list of steps. No list of pairs is kept: dense maps would have ten million.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from densemoe.evaluate.boundary.disc import disc, within
from densemoe.evaluate.boundary.thin import ThinnedMaps

_CHUNK = 1 << 17  # places looked up at once: small enough to stay in the processor's cache


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
    """Predicted pixels with a partner in the ground truth, for all thresholds, and ground-truth pixels."""

    def __init__(self, thinned: ThinnedMaps, truth: np.ndarray, tolerance: float):
        """`truth`: thin ground truth, bool [H,W]; `tolerance` in pixels."""
        self.frame = Frame(thinned.shape, tolerance)
        self.truth = self.frame.places(np.flatnonzero(truth))
        near = within(truth, tolerance).ravel()[thinned.pixels]
        self._predicted = self.frame.places(thinned.pixels[near])
        self._present = np.ascontiguousarray(thinned.present[:, near])

    def predicted(self, threshold: int) -> np.ndarray:
        """Places of predicted pixels with a partner at a threshold (its index), int32 [N], ascending."""
        return self._predicted[self._present[threshold]]

    def truth_beside(self, threshold: int) -> np.ndarray:
        """Places of ground-truth pixels with a partner at a threshold (its index), int32 [N], ascending."""
        return self.truth[self._beside[threshold]]

    def matchable(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels with a partner per threshold, predicted and ground truth, int64 [thresholds] each."""
        return self._present.sum(1, dtype=np.int64), self._beside.sum(1, dtype=np.int64)

    @cached_property
    def _beside(self) -> np.ndarray:
        """The ground-truth pixel has a partner at the threshold, bool [thresholds, ground-truth pixels]."""
        thresholds = len(self._present)
        # 64 thresholds a word
        octets = np.packbits(self._present, axis=0)
        octets = np.concatenate([octets, np.zeros((-len(octets) % 8, octets.shape[1]), np.uint8)])
        beside = []
        for first in range(0, len(octets), 8):
            words = np.zeros(self.frame.size, np.uint64)
            words[self._predicted] = np.ascontiguousarray(octets[first : first + 8].T).view(np.uint64)[:, 0]
            reached = np.zeros(len(self.truth), np.uint64)
            for step in self.frame.steps:
                reached |= words.take(self.truth + step)
            beside.append(np.unpackbits(reached.view(np.uint8).reshape(-1, 8), axis=1).T)
        return np.concatenate(beside)[:thresholds].astype(bool)
