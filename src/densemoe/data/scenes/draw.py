"""Random draws that are the same on every machine.

Only raw bits of PCG64 (a stream that NumPy guarantees) and plain Python arithmetic are used: the distributions of
``numpy.random.Generator`` may change between releases, and some of them call the C library's ``log`` and ``exp``.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """A stream of draws that is fixed by a key of integers, e.g. (dataset, split, index)."""

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def uniform(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.unit()

    def spread(self, deviation: float) -> float:
        """Roughly normal with mean 0: a scaled sum of four uniform draws, never beyond 3.5 deviations."""
        total = self.unit() + self.unit() + self.unit() + self.unit()
        return (total - 2.0) * 1.7320508 * deviation

    def integer(self, low: int, high: int) -> int:
        """Integer in [low, high), as ``range`` counts."""
        return low + int(self.unit() * (high - low))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def sign(self) -> int:
        """-1 or 1."""
        return 1 if self.chance(0.5) else -1

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[self.integer(0, len(items))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One key, with a probability in proportion to its weight."""
        rest = self.unit() * sum(weights.values())
        for item, weight in weights.items():
            rest -= weight
            if rest < 0:
                return item
        return item

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in a random order."""
        rest = list(items)
        return [rest.pop(self.integer(0, len(rest))) for _ in range(len(rest))]

    def noise(self, count: int) -> np.ndarray:
        """Roughly normal float32 noise of length ``count``, mean 0, deviation 1: sums of four random bytes."""
        words = self._bits.random_raw((count + 1) // 2).astype("<u8")
        quads = words.view(np.uint8).reshape(-1, 4)[:count].astype(np.int32)
        total = quads[:, 0] + quads[:, 1] + quads[:, 2] + quads[:, 3]
        return (total - 510).astype(np.float32) / np.float32(147.8)
