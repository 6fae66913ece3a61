"""Labels of a rendered view: class maps, body parts, saliency, normals, depth with holes, boundaries."""

import numpy as np

from densemoe.data.scenes.classes import CONTEXT_IDS, NYUD_CLASSES, PART_NAMES, VOC_CLASSES
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.raycast import Camera
from densemoe.data.scenes.surfaces import Surfaces
from densemoe.data.scenes.table import PrimitiveTable
from densemoe.data.scenes.textures import TILE, noise_tile

UNLABELLED_NOISE = 1.05  # above this, a pixel beside an object border stays unlabelled
GRAZING = 0.16  # cosine of the angle of view below which the depth camera tends to see nothing


def class_map(table: PrimitiveTable, ids: np.ndarray, numbers: dict[str, int], dtype: type) -> np.ndarray:
    """Map [H, W] of class numbers; classes that are not in ``numbers`` become 0."""
    return np.array([numbers.get(p.cls, 0) for p in table.entries], dtype)[ids]


def semseg_voc(table: PrimitiveTable, ids: np.ndarray) -> np.ndarray:
    """VOC label uint8 [H, W], 0..20."""
    return class_map(table, ids, {name: k for k, name in enumerate(VOC_CLASSES)}, np.uint8)


def semseg_nyud(table: PrimitiveTable, ids: np.ndarray) -> np.ndarray:
    """NYUD label uint8 [H, W], 1..40."""
    return class_map(table, ids, {name: k + 1 for k, name in enumerate(NYUD_CLASSES)}, np.uint8)


def context_labels(table: PrimitiveTable, ids: np.ndarray) -> np.ndarray:
    """PASCAL-Context label uint16 [H, W] of the 459-class list."""
    return class_map(table, ids, CONTEXT_IDS, np.uint16)


def object_numbers(table: PrimitiveTable, ids: np.ndarray) -> np.ndarray:
    """Object number uint16 [H, W]; 0 is the backdrop."""
    return np.array([p.number for p in table.entries], np.uint16)[ids]


def body_parts(table: PrimitiveTable, ids: np.ndarray) -> np.ndarray:
    """Position in PART_NAMES + 1, uint8 [H, W]; 0 is no body part."""
    return np.array([PART_NAMES.index(p.part) + 1 if p.part else 0 for p in table.entries], np.uint8)[ids]


def encoded_normals(surfaces: Surfaces, camera: Camera) -> np.ndarray:
    """Normals uint8 [H, W, 3], rint((n + 1) * 127.5): x right, y up, z towards the viewer."""
    nx, ny, nz = surfaces.normal
    out = np.empty((camera.height, camera.width, 3), np.uint8)
    for k, sign in enumerate((1.0, 1.0, -1.0)):  # columns of the camera: right, up, forward
        a, b, c = (camera.rotation[row][k] * sign for row in range(3))
        value = np.rint((nx * a + ny * b + nz * c + 1.0) * 127.5)
        out[..., k] = np.clip(value, 0, 255).reshape(camera.height, camera.width)
    return out


def saliency(numbers: np.ndarray, semseg: np.ndarray, draw: Draw) -> np.ndarray:
    """Soft saliency uint8 [H, W] of VOC objects: large and central ones are salient; edges are grey and blurred.

    The score of an object is a rational function of integer sums, so it has the same bits everywhere.
    """
    height, width = numbers.shape
    flat = np.where(semseg > 0, numbers, 0).ravel()
    area = np.bincount(flat)
    column = np.bincount(flat, np.tile(np.arange(width), height))
    row = np.bincount(flat, np.repeat(np.arange(height), width))
    scores = [0.0] * len(area)
    for k in range(1, len(area)):
        pixels = int(area[k])
        if pixels:
            x, y = float(column[k]) / pixels / width - 0.5, float(row[k]) / pixels / height - 0.5
            scores[k] = min(pixels / (0.06 * height * width), 1.0) / (1.0 + 6.0 * (x * x + y * y))
    best, top = max(scores), draw.uniform(0.6, 0.95)  # a teacher is not always sure
    if best > 0:
        scores = [s / best * top for s in scores]
    soft = np.array(scores, np.float32)[flat].reshape(height, width)
    tile, step = noise_tile(), max(TILE // 2 // max(height, width), 1)
    y0, x0 = draw.integer(0, TILE), draw.integer(0, TILE)
    rows, columns = (np.arange(height) * step + y0) % TILE, (np.arange(width) * step + x0) % TILE
    soft = soft + tile[rows][:, columns] * (0.02 + 0.10 * soft) + 0.03
    for _ in range(1 + max(height, width) // 120):
        soft = _smooth(_smooth(soft).T).T
    return np.rint(np.clip(soft, 0.0, 1.0) * 255.0).astype(np.uint8)


def boundary(ids_of_objects: np.ndarray, semseg: np.ndarray) -> np.ndarray:
    """Boundary uint8 [H, W], 0 or 255: the object or class differs from that of the pixel to the right or below."""
    key = ids_of_objects.astype(np.int32) * 64 + semseg
    edge = np.zeros(key.shape, bool)
    edge[:, :-1] |= key[:, 1:] != key[:, :-1]
    edge[:-1] |= key[1:] != key[:-1]
    return edge.astype(np.uint8) * np.uint8(255)


def with_unlabelled(semseg: np.ndarray, edge: np.ndarray, draw: Draw) -> np.ndarray:
    """The class map with some pixels beside object borders set to 0, as hand labelling leaves them."""
    beside = edge > 0
    for _ in range(max(1, semseg.shape[1] // 200)):
        grown = beside.copy()
        grown[1:] |= beside[:-1]
        grown[:, 1:] |= beside[:, :-1]
        beside = grown
    noise = _screen_noise(semseg.shape, draw)
    return np.where(beside & (noise > UNLABELLED_NOISE), 0, semseg).astype(np.uint8)


def with_holes(depth: np.ndarray, surfaces: Surfaces, gloss: np.ndarray, draw: Draw) -> np.ndarray:
    """Depth float32 [H, W] in metres with zeros where a structured-light camera sees nothing.

    Holes: surfaces at grazing angles, a shadow beside near objects, and patches of glossy surfaces.
    """
    height, width = depth.shape
    dx, dy, dz = surfaces.ray
    nx, ny, nz = surfaces.normal
    along = nx * dx + ny * dy + nz * dz
    grazing = along * along < (GRAZING * GRAZING) * (dx * dx + dy * dy + dz * dz)
    noise = _screen_noise(depth.shape, draw)
    hole = grazing.reshape(height, width) & (noise > -0.3)
    reach = max(1, width // 70)
    for shift in range(1, reach + 1):  # the projector's shadow falls to the left of near objects
        near, far = depth[:, shift:], depth[:, :-shift]
        hole[:, :-shift] |= (far > near * 1.18) & (noise[:, :-shift] > 0.0)
    hole |= (gloss[surfaces.ids].reshape(height, width) > 0.7) & (noise > 1.2)
    return np.where(hole, np.float32(0.0), depth)


def _screen_noise(shape: tuple[int, int], draw: Draw) -> np.ndarray:
    """A random window of the noise tile, stretched so that blotches keep their share of the image."""
    height, width = shape
    y0, x0 = draw.integer(0, TILE), draw.integer(0, TILE)
    rows, columns = (np.arange(height) * 200 // width + y0) % TILE, (np.arange(width) * 200 // width + x0) % TILE
    return noise_tile()[rows][:, columns]


def _smooth(image: np.ndarray) -> np.ndarray:
    padded = np.pad(image, ((1, 1), (0, 0)), mode="edge")
    return (padded[:-2] + padded[1:-1] * 2.0 + padded[2:]) * 0.25
