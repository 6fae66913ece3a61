"""Planes of an image -> one training or validation sample, ignore rules included.

Protocol of ATRC, InvPT, TaskPrompter and MLoRE, in their order: scale, crop, flip, photometric, normalise, pad, ignore;
for validation the last three. Depth 0 stays 0, which is ignored (MLoRE's reading). Everything 8-bit is turned into its
float values by table at the end, which gives the same bits as arithmetic on floats and costs a third.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import cv2
import numpy as np

from densemoe.data import geometry
from densemoe.data.photometric import distort
from densemoe.data.planes import EDGE_BIT, NORMAL_BIT, PAD_BITS, PARTS_MASK, SALIENT_BIT
from densemoe.params.errors import InputError, allowed

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
IGNORE = 255

Sample = dict[str, np.ndarray]
"""float32: `image`, `normals` [3,H,W], `boundary`, `depth` [H,W]; uint8 [H,W]: `semseg`, `human_parts`, `saliency`;
int64: `box` [4]."""

NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "pascal_context": {
        "semseg": ("semseg",),
        "human_parts": ("bits",),
        "saliency": ("bits",),
        "normals": ("normals", "bits"),
        "boundary": ("bits",),
    },
    "nyud_v2": {"semseg": ("semseg",), "depth": ("depth",), "normals": ("normals",), "boundary": ("edge",)},
}
"""Data set -> task -> planes that hold its label."""

_BYTES = np.arange(256)
_FLOATS = _BYTES.astype(np.float32)
_IMAGE = ((_FLOATS / 255)[:, None] - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
_NORMAL = 2 * _FLOATS / 255 - 1
_PADDED = _BYTES >= PAD_BITS
_PARTS = np.where(_PADDED, IGNORE, _BYTES & PARTS_MASK).astype(np.uint8)
_SALIENCY = np.where(_PADDED, IGNORE, (_BYTES & SALIENT_BIT) != 0).astype(np.uint8)
_BITS_EDGE = np.where(_PADDED, IGNORE, (_BYTES & EDGE_BIT) != 0).astype(np.float32)
_GREY_EDGE = _FLOATS / 255


def check_tasks(dataset: str, tasks: Iterable[str]) -> tuple[str, ...]:
    """The tasks as a tuple. Raises InputError for one that the data set has no labels for."""
    tasks = tuple(tasks)
    for task in tasks:
        if task not in NEEDS[dataset]:
            raise InputError(f"{dataset} has no labels for task '{task}'; allowed are {allowed(NEEDS[dataset])}.")
    return tasks


def train_sample(
    planes: dict[str, np.ndarray], dataset: str, tasks: tuple[str, ...], size: tuple[int, int], rng: Random
) -> Sample:
    """Augmented sample of height and width `size`; every draw comes from `rng`."""
    chosen = _select(planes, dataset, tasks)
    chosen = geometry.scale(chosen, rng)
    chosen = geometry.crop(chosen, size, rng)
    chosen, flipped = geometry.flip(chosen, rng)
    image = np.ascontiguousarray(chosen["image"]).astype(np.uint8)
    chosen["image"] = distort(image, rng)
    return _finish(chosen, dataset, tasks, size, flipped)


def val_sample(planes: dict[str, np.ndarray], dataset: str, tasks: tuple[str, ...], size: tuple[int, int]) -> Sample:
    """The image at its own resolution, centred in a frame of height and width `size`, which must hold it."""
    return _finish(_select(planes, dataset, tasks), dataset, tasks, size, flipped=False)


def _select(planes: dict[str, np.ndarray], dataset: str, tasks: tuple[str, ...]) -> dict[str, np.ndarray]:
    names = {"image"}.union(*(NEEDS[dataset][task] for task in tasks))
    return {name: plane for name, plane in planes.items() if name in names}


def _finish(
    planes: dict[str, np.ndarray], dataset: str, tasks: tuple[str, ...], size: tuple[int, int], flipped: bool
) -> Sample:
    shape = planes["image"].shape[:2]
    image = cv2.LUT(np.ascontiguousarray(planes["image"]), _IMAGE[None])
    sample = {"image": _channels_first(geometry.pad(image, size, 0))}
    fills = {"semseg": IGNORE, "bits": PAD_BITS, "edge": 0, "normals": 0, "depth": 0}
    padded = {name: geometry.pad(plane, size, fills[name]) for name, plane in planes.items() if name != "image"}
    box = geometry.centred(shape, size)
    inside = np.s_[box[0] : box[0] + box[2], box[1] : box[1] + box[3]]
    for task in tasks:
        sample[task] = _label(task, dataset, padded, inside, flipped)
    sample["box"] = np.array(box, np.int64)
    return sample


def _label(
    task: str, dataset: str, padded: dict[str, np.ndarray], inside: tuple[slice, slice], flipped: bool
) -> np.ndarray:
    if task in ("semseg", "depth"):
        return padded[task]
    if task == "human_parts":
        return _human_parts(padded["bits"])
    if task == "saliency":
        return cv2.LUT(padded["bits"], _SALIENCY)
    if task == "boundary":
        if dataset == "pascal_context":
            return cv2.LUT(padded["bits"], _BITS_EDGE)
        return _outside(cv2.LUT(padded["edge"], _GREY_EDGE), inside)
    normals = _channels_first(cv2.LUT(padded["normals"], _NORMAL))
    if flipped:
        normals[0] *= -1
    if dataset == "pascal_context":
        np.copyto(normals, IGNORE, where=(padded["bits"] & NORMAL_BIT) == 0)
        return normals
    # no 8-bit value decodes to 0, so no stored normal has length 0: only padding is ignored
    return _outside(normals, inside)


def _human_parts(bits: np.ndarray) -> np.ndarray:
    """A frame without any part is ignored whole, background included."""
    parts = cv2.LUT(bits, _PARTS)
    if not ((parts != 0) & (parts != IGNORE)).any():
        parts[:] = IGNORE
    return parts


def _outside(label: np.ndarray, inside: tuple[slice, slice]) -> np.ndarray:
    """Ignore everything but the pixels `inside` of a map [...,H,W]."""
    frame = np.full_like(label, IGNORE)
    frame[..., *inside] = label[..., *inside]
    return frame


def _channels_first(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.transpose(2, 0, 1))
