"""The folders and files of PASCAL-Context with five tasks, as in the archives that the public code reads."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from densemoe.data.scenes.classes import PASCAL, SPLITS
from densemoe.data.scenes.matfile import struct_array, write_mat
from densemoe.data.scenes.render import Scene, SceneObject, render_scene

FOLDERS = (
    "JPEGImages", "pascal-context/trainval", "semseg/VOC12", "semseg/pascal-context", "human_parts", "normals_distill",
    "sal_distill", "ImageSets/Context", "ImageSets/Parts",
)  # fmt: skip
PORTRAIT_EVERY = 4  # one image in four stands upright
VOC12_EVERY = 3  # one id in three has a VOC12 file, which is the only kind with a void border
VOID = 255


def pascal_id(split: str, index: int) -> str:
    """Image id like 2008_000002. Splits take turns, so an id never depends on how many images there are."""
    number = 2 * index + SPLITS[split]
    return f"{2008 + number % 3}_{number:06d}"


def pascal_size(index: int, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of image ``index``: every fourth image is a portrait."""
    height, width = size
    return (width, height) if index % PORTRAIT_EVERY == PORTRAIT_EVERY - 1 else (height, width)


def write_pascal_image(root: Path, split: str, index: int, size: tuple[int, int]) -> tuple[str, list[int]]:
    """Render and write one image with all its labels; returns its id and the VOC numbers of its objects."""
    name = pascal_id(split, index)
    scene = render_scene(PASCAL, split, index, pascal_size(index, size))
    objects = list(scene.voc_objects())
    Image.fromarray(scene.image).save(root / f"JPEGImages/{name}.jpg", quality=92, subsampling=2)
    write_mat(root / f"pascal-context/trainval/{name}.mat", {"LabelMap": scene.context})
    if index % VOC12_EVERY == 0:
        save_palette(root / f"semseg/VOC12/{name}.png", with_void_border(scene.semseg))
    save_palette(root / f"semseg/pascal-context/{name}.png", scene.semseg)
    write_mat(root / f"human_parts/{name}.mat", {"anno": annotation(name, scene, objects)})
    Image.fromarray(scene.normals).save(root / f"normals_distill/{name}.png")
    Image.fromarray(scene.saliency).save(root / f"sal_distill/{name}.png")
    return name, [found.class_index for found in objects]


def write_pascal_lists(root: Path, split: str, found: dict[str, list[int]]) -> None:
    """Write the id list of a split, and the JSON of object classes that goes by the name of a .txt file."""
    (root / f"ImageSets/Context/{split}.txt").write_text("".join(f"{name}\n" for name in found))
    (root / f"ImageSets/Parts/{split}.txt").write_text(json.dumps(found))


def annotation(name: str, scene: Scene, objects: list[SceneObject]) -> np.ndarray:
    """The PASCAL-Part struct ``anno``: imname, objects (class, class_ind, mask, parts (part_name, mask))."""
    rows = [
        {
            "class": found.cls,
            "class_ind": np.array([[found.class_index]], np.uint8),
            "mask": found.mask.astype(np.uint8),
            "parts": struct_array(
                [{"part_name": part, "mask": mask.astype(np.uint8)} for part, mask in found.parts],
            ),
        }
        for found in objects
    ]
    return struct_array([{"imname": name, "objects": struct_array(rows)}])


def with_void_border(semseg: np.ndarray) -> np.ndarray:
    """The label map with class borders set to 255, about five pixels wide at 500 pixels."""
    border = np.zeros(semseg.shape, bool)
    border[:, 1:] |= semseg[:, 1:] != semseg[:, :-1]
    border[1:] |= semseg[1:] != semseg[:-1]
    border[:, :-1] |= semseg[:, 1:] != semseg[:, :-1]
    border[:-1] |= semseg[1:] != semseg[:-1]
    for _ in range(max(semseg.shape) // 400):
        grown = border.copy()
        grown[1:] |= border[:-1]
        grown[:-1] |= border[1:]
        grown[:, 1:] |= border[:, :-1]
        grown[:, :-1] |= border[:, 1:]
        border = grown
    return np.where(border, VOID, semseg).astype(np.uint8)


def save_palette(path: Path, labels: np.ndarray) -> None:
    """Save a label map as a palette PNG in the VOC colours: bits spread over the high bits of red, green, blue."""
    palette = np.zeros((256, 3), np.uint8)
    numbers = np.arange(256)
    for bit in range(8):
        for channel in range(3):
            if 3 * (7 - bit) + channel < 8:
                palette[:, channel] |= (((numbers >> (3 * (7 - bit) + channel)) & 1) << bit).astype(np.uint8)
    image = Image.fromarray(labels)
    image.putpalette(palette.tobytes())
    image.save(path)
