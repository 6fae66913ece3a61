"""One scene of a data set: image and all labels, from (data set, split, index, size) alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from densemoe.data.scenes import labels
from densemoe.data.scenes.classes import DATASETS, NYUD, PART_NAMES, PASCAL, SPLITS, VOC_CLASSES
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.nyud_rooms import nyud_room
from densemoe.data.scenes.pascal_scenes import pascal_scene
from densemoe.data.scenes.raycast import Camera, nearest_hits
from densemoe.data.scenes.setting import Setting
from densemoe.data.scenes.shading import shade
from densemoe.data.scenes.surfaces import Surfaces, visible_surfaces
from densemoe.data.scenes.table import PrimitiveTable

SCENES_VERSION = 1  # any change of a pixel or label bumps it

MIN_SIDE = 16
ATTEMPTS = 8  # a PASCAL image shows at least one object: a view without one (1 in about 1000) is drawn again


@dataclass(frozen=True)
class SceneObject:
    """One visible VOC object: class name and number, mask bool [H, W], visible body parts as (name, mask)."""

    cls: str
    class_index: int
    mask: np.ndarray
    parts: tuple[tuple[str, np.ndarray], ...]


@dataclass(frozen=True)
class Scene:
    """A rendered image with its labels; arrays are [H, W] or [H, W, 3]. What a data set does not have is None.

    image       uint8 RGB
    semseg      uint8: VOC 0..20 (PASCAL), or 1..40 with 0 = unlabelled (NYUD)
    numbers     uint16 object number, 0 = backdrop; ``object_classes[k - 1]`` is the class of object k
    normals     uint8 RGB, rint((n + 1) * 127.5), x right, y up, z towards the viewer
    context     uint16 label of the 459-class list (PASCAL; its boundary label is derived from it when data is prepared)
    parts       uint8 position in PART_NAMES + 1, 0 = none (PASCAL)
    saliency    uint8 grey (PASCAL)
    depth       float32 metres along the optical axis, 0 = invalid (NYUD)
    boundary    uint8 0 or 255 (NYUD)
    """

    dataset: str
    image: np.ndarray
    semseg: np.ndarray
    numbers: np.ndarray
    object_classes: tuple[str, ...]
    normals: np.ndarray
    context: np.ndarray | None = None
    parts: np.ndarray | None = None
    saliency: np.ndarray | None = None
    depth: np.ndarray | None = None
    boundary: np.ndarray | None = None

    def voc_objects(self) -> Iterator[SceneObject]:
        """The visible objects of VOC classes in the order of their numbers (PASCAL only)."""
        for number in np.unique(self.numbers).tolist():
            cls = self.object_classes[number - 1] if number else ""
            if cls not in VOC_CLASSES:
                continue
            mask = self.numbers == number
            seen = [k for k in np.unique(self.parts[mask]).tolist() if k]
            parts = tuple((PART_NAMES[k - 1], mask & (self.parts == k)) for k in seen)
            yield SceneObject(cls, VOC_CLASSES.index(cls), mask, parts)


def render_scene(dataset: str, split: str, index: int, size: tuple[int, int]) -> Scene:
    """Render scene ``index`` of a split at ``size`` = (height, width).

    The same arguments give the same bytes on every CPU; scenes do not depend on each other.
    Raises ValueError for an unknown data set or split, a negative index, or a side below 16 pixels.
    """
    if dataset not in DATASETS:
        raise ValueError(f"Unknown data set {dataset!r}: scenes exist for {', '.join(DATASETS)}.")
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r}: allowed are {', '.join(SPLITS)}.")
    if index < 0:
        raise ValueError(f"Scene index {index} is negative: scenes are numbered from 0.")
    check_size(size)
    for attempt in range(ATTEMPTS):
        draw = Draw(DATASETS[dataset], SPLITS[split], index, attempt)
        setting = pascal_scene(draw) if dataset == PASCAL else nyud_room(draw)
        scene = render_setting(dataset, setting, size, draw)
        if dataset == NYUD or scene.semseg.any():
            break
    return scene


def check_size(size: tuple[int, int]) -> None:
    """Refuse sizes that are too small to show anything: ValueError below 16 pixels a side."""
    if min(size) < MIN_SIDE:
        raise ValueError(f"Scene size {size[0]}x{size[1]} is too small: each side needs at least {MIN_SIDE} pixels.")


def render_setting(dataset: str, setting: Setting, size: tuple[int, int], draw: Draw) -> Scene:
    """Render a finished setting; ``draw`` decides light, sensor noise and label imperfections."""
    builder = setting.builder
    table = PrimitiveTable(builder.primitives, setting.sky)
    camera = Camera.looking_at(setting.position, setting.target, setting.tangent, size)
    depth, ids = nearest_hits(table, camera)
    surfaces = visible_surfaces(table, camera, depth, ids)
    image = shade(table, camera, surfaces, setting.room, draw)
    fields = _nyud_labels if dataset == NYUD else _pascal_labels
    return Scene(
        dataset=dataset,
        image=image,
        numbers=labels.object_numbers(table, ids),
        object_classes=tuple(builder.objects),
        normals=labels.encoded_normals(surfaces, camera),
        **fields(table, surfaces, depth, ids, draw),
    )


def _pascal_labels(table: PrimitiveTable, surfaces: Surfaces, depth, ids, draw: Draw) -> dict[str, np.ndarray]:
    semseg = labels.semseg_voc(table, ids)
    return {
        "semseg": semseg,
        "context": labels.context_labels(table, ids),
        "parts": labels.body_parts(table, ids),
        "saliency": labels.saliency(labels.object_numbers(table, ids), semseg, draw),
    }


def _nyud_labels(table: PrimitiveTable, surfaces: Surfaces, depth, ids, draw: Draw) -> dict[str, np.ndarray]:
    semseg = labels.semseg_nyud(table, ids)
    edge = labels.boundary(labels.object_numbers(table, ids), semseg)
    return {
        "semseg": labels.with_unlabelled(semseg, edge, draw),
        "depth": labels.with_holes(depth, surfaces, table.looks("gloss"), draw),
        "boundary": edge,
    }
