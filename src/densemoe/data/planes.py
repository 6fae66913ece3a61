"""Planes: what a prepared image consists of, per data set, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plane:
    """One array of a prepared image: [H,W] or, with several channels, [H,W,channels]."""

    name: str
    dtype: str
    channels: int = 1

    @property
    def pixel_bytes(self) -> int:
        """Bytes per pixel."""
        return np.dtype(self.dtype).itemsize * self.channels

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Shape of the array for an image of this size."""
        return (height, width) if self.channels == 1 else (height, width, self.channels)


PLANES: dict[str, tuple[Plane, ...]] = {
    "pascal_context": (
        Plane("image", "|u1", 3),
        Plane("semseg", "|u1"),
        Plane("bits", "|u1"),
        Plane("normals", "|u1", 3),
    ),
    # depth last: 8 bytes per pixel come before it, which keeps its four-byte numbers aligned
    "nyud_v2": (
        Plane("image", "|u1", 3),
        Plane("semseg", "|u1"),
        Plane("edge", "|u1"),
        Plane("normals", "|u1", 3),
        Plane("depth", "<f4"),
    ),
}

PARTS_MASK = 0b111
EDGE_BIT = 1 << 3
SALIENT_BIT = 1 << 4
NORMAL_BIT = 1 << 5
PAD_BITS = 1 << 6
"""Never stored; marks padding while an image is transformed."""


def pack_bits(*, parts: np.ndarray, edge: np.ndarray, salient: np.ndarray, normal_valid: np.ndarray) -> np.ndarray:
    """Plane `bits` of PASCAL-Context, uint8 [H,W]: parts 0-6 in three bits, then three yes-or-no maps [H,W]."""
    bits = parts.astype(np.uint8)
    for flag, present in ((EDGE_BIT, edge), (SALIENT_BIT, salient), (NORMAL_BIT, normal_valid)):
        bits |= np.where(present, np.uint8(flag), np.uint8(0))
    return bits
