"""Light, shadow and camera: from visible surfaces to an 8-bit image.

One directional light with ray-cast, softened shadows; sky light from above; darker corners in rooms; highlights; haze
outdoors; gamma 2; a slight blur at larger sizes; sensor noise.
"""

import numpy as np

from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.raycast import Camera, in_shadow
from densemoe.data.scenes.surfaces import Surfaces
from densemoe.data.scenes.table import PrimitiveTable
from densemoe.data.scenes.textures import surface_colors
from densemoe.data.scenes.vectors import Vector, unit

LARGE = 200  # rows from which on shadows are cast for every second pixel and the image is blurred
HAZE = (0.62, 0.70, 0.80)

Room = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]  # (low, high) along x, y, z


def shade(table: PrimitiveTable, camera: Camera, surfaces: Surfaces, room: Room | None, draw: Draw) -> np.ndarray:
    """Image uint8 [H, W, 3]. ``room`` holds the bounds of a closed room, None outdoors."""
    light = unit((draw.uniform(-0.8, 0.8), draw.uniform(0.8, 1.3), draw.uniform(0.15, 0.9)))
    strength, exposure = draw.uniform(0.85, 1.2), draw.uniform(0.9, 1.25)
    warmth, roughness = draw.uniform(-0.06, 0.08), draw.uniform(1.0, 3.5)
    nx, ny, nz = surfaces.normal
    facing = np.maximum(nx * light[0] + ny * light[1] + nz * light[2], 0.0)
    glow = table.looks("glow")[surfaces.ids]
    lit = _lit(table, camera, surfaces, light, (facing > 0) & (glow == 0))
    direct = facing * lit * strength
    # In a room, walls and floor send light back to the ceiling.
    ambient = (0.38 + 0.02 * ny) * _corner_light(surfaces, room) if room else (0.75 + 0.25 * ny) * 0.34
    highlight = _highlights(table, camera, surfaces, light) * lit
    haze = surfaces.depth * (1.0 / 160.0)
    haze = haze / (1.0 + haze)
    colors = surface_colors(table, surfaces)
    height, width = camera.height, camera.width
    image = np.empty((height, width, 3), np.float32)
    tints = ((1.0 + warmth, 0.95), (1.0, 1.0), (1.0 - warmth, 1.08))
    for k, (key, fill) in enumerate(tints):
        channel = colors[k] * (direct * key + ambient * fill) + highlight
        channel = np.where(glow > 0, colors[k] * glow, channel)
        if not room:
            channel = np.where(surfaces.ids == table.sky, channel, channel + haze * (HAZE[k] - channel))
        image[..., k] = np.sqrt(np.clip(channel * exposure, 0.0, 1.0)).reshape(height, width)
    if height >= LARGE:
        image = _blur_rows(_blur_rows(image).transpose(1, 0, 2)).transpose(1, 0, 2)
    noise = draw.noise(height * width).reshape(height, width, 1)
    return np.clip(image * 255.0 + noise * np.float32(roughness), 0.0, 255.0).astype(np.uint8)


def _lit(table, camera: Camera, surfaces: Surfaces, light: Vector, asks: np.ndarray) -> np.ndarray:
    """Share of direct light float32 [H*W]: shadow rays (on every second pixel if large), averaged over 3 x 3."""
    height, width = camera.height, camera.width
    step = 2 if height >= LARGE else 1
    grid = np.arange(height * width).reshape(height, width)[::step, ::step]
    pixels = grid.ravel()
    pixels_asking = pixels[asks[pixels]]
    lift = 0.01
    start = [surfaces.position[k][pixels_asking] + surfaces.normal[k][pixels_asking] * lift for k in range(3)]
    lit = np.ones(len(pixels), np.float32)
    lit[asks[pixels]] = ~in_shadow(table, start, light)
    lit = np.pad(lit.reshape(grid.shape), 1, mode="edge")
    lit = lit[:-2] + lit[1:-1] + lit[2:]
    lit = (lit[:, :-2] + lit[:, 1:-1] + lit[:, 2:]) * np.float32(1 / 9)
    if step == 2:
        lit = np.repeat(np.repeat(lit, 2, 0), 2, 1)[:height, :width]
    return lit.ravel()


def _corner_light(surfaces: Surfaces, room: Room) -> np.ndarray:
    """Factor of the ambient light: less of it reaches the corners of a room."""
    factor = np.ones(len(surfaces.ids), np.float32)
    for k, (low, high) in enumerate(room):
        gap = np.maximum(np.minimum(surfaces.position[k] - low, high - surfaces.position[k]), 0.0)
        near = 1.0 / (1.0 + gap * 5.0)
        factor = factor * (1.0 - 0.4 * near * near * (np.abs(surfaces.normal[k]) < 0.9))
    return factor


def _highlights(table, camera: Camera, surfaces: Surfaces, light: Vector) -> np.ndarray:
    """Mirror-like reflections of the light on glossy surfaces (Blinn, power 32), float32 [H*W]."""
    gloss = table.looks("gloss")[surfaces.ids]
    out = np.zeros(len(gloss), np.float32)
    where = np.flatnonzero(gloss)
    if not len(where):
        return out
    x, y, z = (float(camera.position[k]) - surfaces.position[k][where] for k in range(3))
    inverse = 1.0 / np.sqrt(x * x + y * y + z * z)
    x, y, z = x * inverse + light[0], y * inverse + light[1], z * inverse + light[2]
    inverse = 1.0 / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-6)
    nx, ny, nz = (n[where] for n in surfaces.normal)
    shine = np.maximum((nx * x + ny * y + nz * z) * inverse, 0.0)
    for _ in range(5):
        shine = shine * shine
    out[where] = gloss[where] * shine * 0.6
    return out


def _blur_rows(image: np.ndarray) -> np.ndarray:
    padded = np.pad(image, ((1, 1), (0, 0), (0, 0)), mode="edge")
    return (padded[:-2] + padded[1:-1] * 2.0 + padded[2:]) * 0.25
