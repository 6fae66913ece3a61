"""Reading single raw files; every error names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import loadmat

from densemoe.params.errors import InputError

# what Pillow raises on damaged bytes, besides OSError
BROKEN_IMAGE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width, from the header alone."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except BROKEN_IMAGE as error:
        raise InputError(f"{path} is not readable as an image: {error}.") from None


def read_rgb(path: Path) -> np.ndarray:
    """Colour image, uint8 [H,W,3]."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except BROKEN_IMAGE as error:
        raise InputError(f"{path} is not readable as an image: {error}.") from None


def read_grey(path: Path) -> np.ndarray:
    """One 8-bit channel, uint8 [H,W]; of a palette image the indices."""
    try:
        with Image.open(path) as image:
            mode, values = image.mode, np.array(image)
    except BROKEN_IMAGE as error:
        raise InputError(f"{path} is not readable as an image: {error}.") from None
    if values.ndim != 2 or values.dtype != np.uint8:
        raise InputError(f"{path} has pixel mode {mode}; allowed are 8-bit grey (L) and palette (P).")
    return values


def read_mat(path: Path, key: str) -> Any:
    """Variable `key` of a Matlab file."""
    try:
        content = loadmat(path)
    # scipy raises many kinds of error on a broken file, zlib's among them
    except Exception as error:
        raise InputError(f"{path} is not readable as a Matlab file: {error}.") from None
    if key not in content:
        names = ", ".join(name for name in content if not name.startswith("__")) or "nothing"
        raise InputError(f"{path} has no variable '{key}'; it holds {names}.")
    return content[key]


def read_npy(path: Path) -> np.ndarray:
    """Array of an .npy file; pickled ones are refused."""
    try:
        return np.load(path, allow_pickle=False)
    # a damaged header raises whatever its parser does
    except Exception as error:
        raise InputError(f"{path} is not readable as an array: {error}.") from None


def check_shape(path: Path, array: np.ndarray, image: np.ndarray) -> None:
    """Refuse a label of another height or width than its image: resampling it would change the labels."""
    if array.shape[:2] != image.shape[:2]:
        found, wanted = (f"{a.shape[0]}x{a.shape[1]}" for a in (array, image))
        raise InputError(f"{path} is {found}, but image '{path.stem}' is {wanted}; they must be of one size.")


def check_classes(path: Path, labels: np.ndarray, highest: int, ignore: int | None) -> None:
    """Refuse a class above `highest` that is not `ignore`."""
    wrong = labels > highest
    if ignore is not None:
        wrong &= labels != ignore
    if wrong.any():
        extra = "" if ignore is None else f" and {ignore}"
        raise InputError(f"{path} holds class {int(labels[wrong][0])}; allowed are 0 to {highest}{extra}.")
