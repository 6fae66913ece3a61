"""NYUD-v2: the files of one image -> its planes. Protocol of ATRC's loader, shared by InvPT and MLoRE."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densemoe.data.prepare.files import check_classes, check_shape, read_grey, read_npy, read_rgb
from densemoe.params.errors import InputError

Planes = dict[str, np.ndarray]


def prepare(files: dict[str, Path]) -> tuple[Planes, dict[str, str | bool]]:
    """Planes of one image; there is nothing else to note.

    Planes: image uint8 [H,W,3]; semseg uint8 [H,W] (0-39, 255 unlabelled); edge uint8 [H,W] (raw grey value); normals
    uint8 [H,W,3]; depth float32 [H,W] in metres, 0 unknown. Raises InputError for a file that cannot be read or does
    not fit its image.
    """
    image = read_rgb(files["image"])
    semseg = read_grey(files["semseg"])
    check_classes(files["semseg"], semseg, highest=40, ignore=None)
    edge = read_grey(files["boundary"])
    normals = read_rgb(files["normals"])
    depth = _depth(files["depth"])
    for kind, array in {"semseg": semseg, "boundary": edge, "normals": normals, "depth": depth}.items():
        check_shape(files[kind], array, image)
    # 0 is "unlabelled"; one less in uint8 arithmetic is 255, the ignored class
    return {"image": image, "semseg": semseg - np.uint8(1), "edge": edge, "normals": normals, "depth": depth}, {}


def _depth(path: Path) -> np.ndarray:
    depth = read_npy(path)
    if depth.ndim != 2 or depth.dtype.kind != "f":
        raise InputError(f"{path} is {depth.dtype} of {depth.ndim} axes; two axes of floats (metres) are needed.")
    depth = depth.astype(np.float32)
    if not np.isfinite(depth).all() or (depth < 0).any():
        raise InputError(f"{path} holds a depth that is negative or not finite; allowed are metres, and 0 for unknown.")
    return depth
