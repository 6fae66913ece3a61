"""The folders and files of NYUD-v2 with four tasks, flavour A: PNG images, edges and normals, depth in metres."""

from pathlib import Path

import numpy as np
from PIL import Image

from densemoe.data.scenes.classes import NYUD, SPLITS
from densemoe.data.scenes.render import render_scene

FOLDERS = ("images", "segmentation", "depth", "normals", "edge", "gt_sets")
LAST_ID = 9999  # ids have four digits


def nyud_id(split: str, index: int) -> str:
    """Image id like 0001. Splits take turns, so an id never depends on how many images there are."""
    number = 2 * index + SPLITS[split] + 1
    if number > LAST_ID:
        raise ValueError(f"NYUD ids have four digits: at most {LAST_ID // 2} images a split, asked for {index + 1}.")
    return f"{number:04d}"


def write_nyud_image(root: Path, split: str, index: int, size: tuple[int, int]) -> str:
    """Render and write one image with all its labels; returns its id."""
    name, scene = nyud_id(split, index), render_scene(NYUD, split, index, size)
    Image.fromarray(scene.image).save(root / f"images/{name}.png")
    Image.fromarray(scene.semseg).save(root / f"segmentation/{name}.png")
    np.save(root / f"depth/{name}.npy", scene.depth)
    Image.fromarray(scene.normals).save(root / f"normals/{name}.png")
    Image.fromarray(scene.boundary).save(root / f"edge/{name}.png")
    return name


def write_nyud_list(root: Path, split: str, names: list[str]) -> None:
    """Write the id list of a split."""
    (root / f"gt_sets/{split}.txt").write_text("".join(f"{name}\n" for name in names))
