"""Random scale, crop and flip on the planes of an image; padding. Protocol of ATRC, InvPT, TaskPrompter and MLoRE.

Labels stay 8-bit until the end: nearest-neighbour resizing picks the same pixels whatever the number format.
"""

from __future__ import annotations

from random import Random

import cv2
import numpy as np

Planes = dict[str, np.ndarray]
Box = tuple[int, int, int, int]
"""Top, left, height, width."""

SCALE = (0.5, 2.0)
CROP_RETRIES = 10
LARGEST_SHARE = 0.75
"""A crop is drawn again when one class takes this share of its labelled pixels or more."""
IGNORE = 255


def scale(planes: Planes, rng: Random) -> Planes:
    """Resize every plane by one factor from U(0.5, 2); height and width are rounded down.

    The image comes back as float32 (bilinear on floats; 8-bit bilinear rounds elsewhere), labels are nearest, and depth
    is divided by the factor: an enlarged object is nearer.
    """
    factor = rng.uniform(*SCALE)
    planes = {**planes, "image": planes["image"].astype(np.float32)}
    if factor == 1.0:
        return planes
    height, width = planes["image"].shape[:2]
    size = (int(width * factor), int(height * factor))
    scaled = {
        name: cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR if name == "image" else cv2.INTER_NEAREST)
        for name, plane in planes.items()
    }
    if "depth" in scaled:
        scaled["depth"] /= factor
    return scaled


def crop(planes: Planes, size: tuple[int, int], rng: Random) -> Planes:
    """Cut a random window of at most `size` (height, width) out of every plane.

    With a semseg plane, up to ten draws are rejected whose labelled pixels are of one class or to 75 % of one class;
    the eleventh counts unseen. Without one the first counts (as in MLoRE when semseg is not trained).
    """
    frame = planes["image"].shape[:2]
    window = _draw_window(frame, size, rng)
    if "semseg" in planes:
        for _ in range(CROP_RETRIES):
            if _is_varied(_cut(planes["semseg"], window)):
                break
            window = _draw_window(frame, size, rng)
    return {name: _cut(plane, window) for name, plane in planes.items()}


def flip(planes: Planes, rng: Random) -> tuple[Planes, bool]:
    """Mirror every plane with probability one half; the caller negates the x of normals where told so."""
    flipped = rng.random() < 0.5
    return ({name: plane[:, ::-1] for name, plane in planes.items()} if flipped else planes), flipped


def centred(shape: tuple[int, int], size: tuple[int, int]) -> Box:
    """Where an image of `shape` lies in a padded frame of `size`; the odd pixel goes below and right."""
    (height, width), (frame_height, frame_width) = shape, size
    return (frame_height - height) // 2, (frame_width - width) // 2, height, width


def pad(plane: np.ndarray, size: tuple[int, int], value: float) -> np.ndarray:
    """Centre a plane [h,w] or [h,w,C] in a frame of `size` filled with `value`."""
    top, left, height, width = centred(plane.shape[:2], size)
    if (height, width) == tuple(size):
        return np.ascontiguousarray(plane)
    frame = np.full((*size, *plane.shape[2:]), value, plane.dtype)
    frame[top : top + height, left : left + width] = plane
    return frame


def _draw_window(frame: tuple[int, int], size: tuple[int, int], rng: Random) -> tuple[slice, slice]:
    # no draw when there is nothing to choose: the protocol's generator does not move either
    if tuple(frame) == tuple(size):
        return slice(None), slice(None)
    top = rng.randint(0, max(frame[0] - size[0], 0))
    left = rng.randint(0, max(frame[1] - size[1], 0))
    return slice(top, top + size[0]), slice(left, left + size[1])


def _cut(plane: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    return plane[window]


def _is_varied(semseg: np.ndarray) -> bool:
    counts = cv2.calcHist([np.ascontiguousarray(semseg)], [0], None, [256], [0, 256]).ravel()[:IGNORE]
    # counts are whole numbers far below 2**24, so float32 holds them exactly
    return np.count_nonzero(counts) > 1 and float(counts.max()) / float(counts.sum()) < LARGEST_SHARE
