"""Thinning of one map at many thresholds at once: one bit per threshold, one word of bits per pixel.

Guo-Hall thinning in the two-subiteration form of Lam, Lee & Suen, "Thinning methodologies: a comprehensive survey"
(PAMI 1992), as in MATLAB's bwmorph 'thin': with neighbours x1..x8 from east counter-clockwise a set pixel goes if

* exactly one i in 1..4 has x(2i-1) = 0 and x(2i) or x(2i+1) set (one connected run of neighbours),
* min(n1, n2) is 2 or 3, where n1 counts k with x(2k-1) or x(2k), n2 counts k with x(2k) or x(2k+1), and
* first subiteration: not ((x2 or x3 or not x8) and x1); second: not ((x6 or x7 or not x4) and x5).

Outside the image nothing is set. Each subiteration is parallel; both alternate until neither removes a pixel.
"""

from __future__ import annotations

import numpy as np

_WORD = 64
_CHUNK = 1 << 13  # pixels looked at together: their words stay in the processor's cache
# x1..x8: (row, column) steps
_NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


class ThinnedMaps:
    """The thinned maps of all thresholds: the pixels that survive anywhere, and at which thresholds."""

    def __init__(self, shape: tuple[int, int], pixels: np.ndarray, present: np.ndarray, thresholds: int):
        """`pixels`: flat positions, ascending, int32 [P]; `present`: uint8 [octets, P], lowest bits first."""
        self.shape, self.pixels, self.present, self.thresholds = shape, pixels, present, thresholds

    @property
    def sizes(self) -> np.ndarray:
        """Number of set pixels per threshold, int64 [thresholds]."""
        return count_bits(self.present)[: self.thresholds]

    def mask(self, threshold: int) -> np.ndarray:
        """The map of one threshold (its index), bool [H,W]."""
        mask = np.zeros(self.shape[0] * self.shape[1], bool)
        mask[self.pixels[bit(self.present, threshold)]] = True
        return mask.reshape(self.shape)


def count_bits(octets: np.ndarray) -> np.ndarray:
    """How often each bit is set in octets [O,N], lowest first, int64 [8 O]."""
    return np.array([np.count_nonzero(bit(octets, number)) for number in range(8 * len(octets))], np.int64)


def bit(octets: np.ndarray, number: int) -> np.ndarray:
    """One bit of octets [O,N], lowest first, bool [N]."""
    return (octets[number // 8] & np.uint8(1 << number % 8)) != 0


def thin_thresholds(values: np.ndarray, thresholds: np.ndarray) -> ThinnedMaps:
    """Threshold a map, float32 [H,W], strictly above each of the ascending thresholds, float32 [T], and thin each."""
    pixels = np.flatnonzero(values > thresholds[0]).astype(np.int32)
    # number of thresholds below the value: the pixel is set at the first `level` of them
    level = np.searchsorted(thresholds, values.ravel()[pixels], side="left")
    around = _neighbour_table(values.shape, pixels)
    counts = [min(_WORD, len(thresholds) - first) for first in range(0, len(thresholds), _WORD)]
    words = [_thin_words(_lowest_bits(np.clip(level - i * _WORD, 0, count)), around) for i, count in enumerate(counts)]
    alive = np.flatnonzero(np.bitwise_or.reduce(words))
    octets = [w.take(alive).astype("<u8").view(np.uint8).reshape(-1, _WORD // 8).T for w in words]
    present = np.ascontiguousarray(np.concatenate(octets)[: -(-len(thresholds) // 8)])
    return ThinnedMaps(values.shape, pixels[alive], present, len(thresholds))


def thin(mask: np.ndarray) -> np.ndarray:
    """Skeleton of one mask, bool [H,W]."""
    return thin_thresholds((mask != 0).astype(np.float32), np.array([0.5], np.float32)).mask(0)


def _lowest_bits(count: np.ndarray) -> np.ndarray:
    """Words with that many lowest bits set, 0 to 64."""
    full = ~np.uint64(0)
    shift = np.clip(_WORD - count, 0, _WORD - 1).astype(np.uint64)
    return np.where(count > 0, full >> shift, np.uint64(0))


def _neighbour_table(shape: tuple[int, int], pixels: np.ndarray) -> np.ndarray:
    """Position in `pixels` of the neighbours x1..x8 of each pixel, intp [8,P]; P where there is none."""
    height, width = shape
    lookup = np.full((height + 2, width + 2), len(pixels), np.intp)
    y, x = np.divmod(pixels, np.int32(width))
    centre = ((y + 1) * (width + 2) + x + 1).astype(np.intp)
    flat = lookup.ravel()
    flat[centre] = np.arange(len(pixels))
    return np.stack([flat.take(centre + (dy * (width + 2) + dx)) for dy, dx in _NEIGHBOURS])


def _thin_words(words: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Thin every bit of uint64 words [P] to convergence.

    Whether a pixel goes depends on its neighbours alone, so a subiteration must look again only at pixels next to a
    change made since it last looked, by either subiteration: one pending set for each.
    """
    words = np.append(words, np.uint64(0))  # the last entry stands for every pixel that is never set
    # a pixel goes only while it has two neighbours or more, and they only get fewer
    pending = np.tile(words != 0, (2, 1))
    pending[:, :-1] &= np.count_nonzero(around < len(around[0]), axis=0) >= 2
    turn = 0
    while pending.any():
        here = np.flatnonzero(pending[turn])
        pending[turn] = False
        gone = [
            words.take(some) & _deletable(words.take(around.take(some, axis=1)), turn)
            for some in (here[first : first + _CHUNK] for first in range(0, len(here), _CHUNK))
        ]
        gone = np.concatenate(gone) if gone else words[:0]
        changed = np.flatnonzero(gone)
        words[here[changed]] ^= gone[changed]
        pending[:, around[:, here[changed]].ravel()] = True
        pending[:, -1] = False
        turn = 1 - turn
    return words[:-1]


def _deletable(x: np.ndarray, turn: int) -> np.ndarray:
    """Bits at which a set pixel with neighbours x1..x8 (words [8,N]) goes in subiteration `turn`, 0 or 1."""
    x1, x2, x3, x4, x5, x6, x7, x8 = x
    either = [x1 | x2, x3 | x4, x5 | x6, x7 | x8]
    shifted = [x2 | x3, x4 | x5, x6 | x7, x8 | x1]
    one_run = _exactly_one([~first & rest for first, rest in zip((x1, x3, x5, x7), shifted, strict=True)])
    two_or_three = _at_least_two(either) & _at_least_two(shifted) & ~(_all(either) & _all(shifted))
    kept = (x2 | x3 | ~x8) & x1 if turn == 0 else (x6 | x7 | ~x4) & x5
    return one_run & two_or_three & ~kept


def _exactly_one(four: list[np.ndarray]) -> np.ndarray:
    a, b, c, d = four
    return (a | b | c | d) & ~_at_least_two(four)


def _at_least_two(four: list[np.ndarray]) -> np.ndarray:
    a, b, c, d = four
    return (a & b) | (c & d) | ((a | b) & (c | d))


def _all(four: list[np.ndarray]) -> np.ndarray:
    a, b, c, d = four
    return a & b & c & d
