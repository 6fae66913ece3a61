"""Photometric distortion of a training image, on 8-bit values. Protocol of ATRC, InvPT, TaskPrompter and MLoRE.

Every step happens with probability one half and is a table over 256 values, clipped to 0..255 and truncated.
"""

from __future__ import annotations

from random import Random

import cv2
import numpy as np

BRIGHTNESS = 32.0
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = 18
_VALUES = np.arange(256, dtype=np.float32)
_HUES = np.arange(180)


def distort(image: np.ndarray, rng: Random) -> np.ndarray:
    """Distorted copy of an RGB image, uint8 [H,W,3]; the channels are not swapped.

    Order of the draws: brightness (coin, shift), whether contrast comes first, contrast if so, saturation (coin,
    factor), hue (coin, shift), contrast if last.
    """
    if _coin(rng):
        image = cv2.LUT(image, _table(1.0, rng.uniform(-BRIGHTNESS, BRIGHTNESS)))
    contrast_first = _coin(rng)
    if contrast_first:
        image = _contrast(image, rng)
    if _coin(rng):
        factor = rng.uniform(*SATURATION)
        image = _in_hsv(image, channel=1, table=_table(factor, 0.0))
    # a second way through HSV even after the first: 8-bit HSV rounds, and the protocol rounds twice
    if _coin(rng):
        shift = rng.randint(-HUE, HUE - 1)
        table = np.arange(256, dtype=np.uint8)
        table[:180] = (_HUES + shift) % 180
        image = _in_hsv(image, channel=0, table=table)
    return image if contrast_first else _contrast(image, rng)


def _coin(rng: Random) -> bool:
    return rng.random() < 0.5


def _contrast(image: np.ndarray, rng: Random) -> np.ndarray:
    return cv2.LUT(image, _table(rng.uniform(*CONTRAST), 0.0)) if _coin(rng) else image


def _table(factor: float, shift: float) -> np.ndarray:
    return np.clip(_VALUES * factor + shift, 0, 255).astype(np.uint8)


def _in_hsv(image: np.ndarray, channel: int, table: np.ndarray) -> np.ndarray:
    tables = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    tables[:, channel] = table
    hsv = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), tables[None])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
