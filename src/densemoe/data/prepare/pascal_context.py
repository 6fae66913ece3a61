"""PASCAL-Context: the files of one image -> its planes. Protocol of ASTMT's loader, shared by InvPT and MLoRE."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densemoe.data.planes import pack_bits
from densemoe.data.prepare.boundary_labels import boundary_labels
from densemoe.data.prepare.files import check_classes, check_shape, read_grey, read_mat, read_rgb
from densemoe.params.errors import InputError

PERSON = 15
PARTS = {
    1: "hair head lear lebrow leye mouth nose rear rebrow reye",
    2: "neck torso",
    3: "luarm ruarm",
    4: "llarm rlarm lhand rhand",
    5: "luleg ruleg",
    6: "llleg rlleg lfoot rfoot",
}
"""Head, torso, upper arm, lower arm, upper leg, lower leg <- names of PASCAL-Part."""
PART_OF = {name: part for part, names in PARTS.items() for name in names.split()}

# Ids of the 459-class label map where the distilled normals count: classes that NYUD also has, plus tvmonitor; so
# person, car, cat, chair, wall and floor, but not sky, grass, road, building or tree.
# fmt: off
NORMALS_VALID = (
    3, 4, 6, 9, 10, 11, 13, 15, 17, 18, 22, 23, 29, 30, 33, 34, 36, 37, 38, 39, 41, 43, 46, 49, 50, 51, 53, 55, 56,
    59, 61, 62, 65, 66, 68, 69, 72, 73, 78, 83, 84, 85, 87, 88, 95, 96, 101, 104, 105, 107, 111, 113, 115, 122, 124,
    135, 141, 142, 143, 146, 150, 154, 157, 158, 159, 165, 172, 174, 181, 183, 184, 191, 193, 195, 197, 199, 202,
    213, 215, 216, 219, 220, 223, 225, 228, 230, 232, 233, 238, 239, 242, 243, 246, 250, 251, 252, 255, 260, 261,
    263, 269, 272, 273, 275, 281, 283, 284, 285, 286, 287, 288, 290, 291, 292, 293, 295, 304, 307, 309, 310, 314,
    315, 319, 323, 329, 330, 331, 336, 342, 345, 349, 350, 351, 352, 355, 357, 368, 370, 371, 374, 379, 380, 383,
    384, 397, 401, 403, 405, 407, 408, 411, 412, 413, 414, 417, 419, 421, 423, 427, 429, 430, 432, 440, 441, 442,
    443, 444, 446, 454, 457,
)
# fmt: on
LABELS = 459
_IS_VALID = np.isin(np.arange(LABELS + 1), NORMALS_VALID)

Planes = dict[str, np.ndarray]
Notes = dict[str, str | bool]


def prepare(files: dict[str, Path]) -> tuple[Planes, Notes]:
    """Planes of one image, and where its semseg came from and whether it shows a person.

    Planes: image uint8 [H,W,3]; semseg uint8 [H,W] (0-20, 255); bits uint8 [H,W]; normals uint8 [H,W,3], 0 where
    invalid. Raises InputError for a file that cannot be read or does not fit its image.
    """
    image = read_rgb(files["image"])
    label_map = read_label_map(files["label_map"])
    semseg = read_grey(files["semseg"])
    check_classes(files["semseg"], semseg, highest=20, ignore=255)
    saliency = read_grey(files["saliency"])
    normals = read_rgb(files["normals"])
    parts, people = read_parts(files["human_parts"], image.shape[:2])
    named = {"label_map": label_map, "semseg": semseg, "saliency": saliency, "normals": normals}
    for kind, array in named.items():
        check_shape(files[kind], array, image)
    valid = _IS_VALID[label_map]
    bits = pack_bits(parts=parts, edge=boundary_labels(label_map), salient=saliency >= 128, normal_valid=valid)
    planes = {"image": image, "semseg": semseg, "bits": bits, "normals": normals * valid[..., None]}
    return planes, {"semseg_source": files["semseg"].parent.name, "people": people}


def read_label_map(path: Path) -> np.ndarray:
    """459-class label map, uint16 [H,W]."""
    label_map = read_mat(path, "LabelMap")
    if label_map.ndim != 2 or label_map.dtype.kind not in "ui":
        raise InputError(
            f"{path}: LabelMap is {label_map.dtype} of {label_map.ndim} axes; two integer axes are needed."
        )
    check_classes(path, label_map, highest=LABELS, ignore=None)
    return label_map.astype(np.uint16)


def read_parts(path: Path, shape: tuple[int, int]) -> tuple[np.ndarray, bool]:
    """Body parts of all people, uint8 [H,W] (0 background, 1-6), and whether there is a person at all.

    Later parts overwrite earlier ones; a person without parts adds nothing, so an image whose people all lack parts is
    zero everywhere. The struct is read by position, as its writers do not agree on field names.
    """
    parts = np.zeros(shape, np.uint8)
    anno = read_mat(path, "anno")
    try:
        objects = anno[0, 0][1].ravel()
        persons = [o for o in objects if int(np.ravel(o[1])[0]) == PERSON]
        masks = [(str(np.ravel(p[0])[0]), np.asarray(p[1])) for o in persons for p in np.ravel(o[3])]
        people = any(np.any(o[2]) for o in persons)
    except (IndexError, TypeError, ValueError):
        raise InputError(f"{path}: variable 'anno' is not a PASCAL-Part annotation.") from None
    if not people:
        return parts, False
    for name, mask in masks:
        if name not in PART_OF:
            raise InputError(f"{path}: unknown body part '{name}'; allowed are {', '.join(sorted(PART_OF))}.")
        check_shape(path, mask, parts)
        parts[mask != 0] = PART_OF[name]
    return parts, True
