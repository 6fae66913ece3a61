"""Surface colours: a fixed tile of noise and ten patterns that mix two colours."""

from functools import cache

import numpy as np

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.surfaces import Surfaces
from densemoe.data.scenes.table import PrimitiveTable

TILE = 256  # texels per side of the noise tile
TEXELS = 64.0  # texels per pattern cell


@cache
def noise_tile() -> np.ndarray:
    """Smooth tileable noise [256, 256], float32, about mean 0 and deviation 1: five octaves of interpolated noise."""
    draw, total = Draw(20240607), np.zeros((TILE, TILE))
    for octave in range(5):
        cells = 8 << octave
        grid = draw.noise(cells * cells).astype(np.float64).reshape(cells, cells)
        place = np.arange(TILE) * (cells / TILE)
        low = np.floor(place).astype(np.int64)
        share = place - low
        share = share * share * (3.0 - 2.0 * share)
        high, low = (low + 1) % cells, low % cells
        rows = grid[low] * (1.0 - share)[:, None] + grid[high] * share[:, None]
        total += (rows[:, low] * (1.0 - share) + rows[:, high] * share) * 0.5**octave
    return total.astype(np.float32)


def sample(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Noise at texture coordinates in texels."""
    return noise_tile()[np.floor(u).astype(np.int32) & (TILE - 1), np.floor(v).astype(np.int32) & (TILE - 1)]


def _fraction(x: np.ndarray) -> np.ndarray:
    return x - np.floor(x)


def _planks(u, v, noise):
    cell = _fraction(u * 1.3)
    return np.where(cell < 0.05, 1.0, 0.35 + 0.25 * noise + 0.2 * cell)


def _checks(u, v, noise):
    return ((np.floor(u) + np.floor(v)).astype(np.int32) & 1).astype(np.float32)


def _windows(u, v, noise):
    x, y = _fraction(u * 1.4), _fraction(v * 1.2)
    return ((x > 0.25) & (x < 0.8) & (y > 0.3) & (y < 0.85)).astype(np.float32)


def _slats(u, v, noise):
    return np.where(_fraction(v) < 0.3, 1.0, 0.0)


def _view(u, v, noise):
    """A picture: two bands with an uneven border and a few blotches."""
    band = (v * 1.2 + noise * 0.25 < 0).astype(np.float32)
    return np.where(noise > 1.5, 1.0 - band, band)


_MIXES = {
    look.STRIPES: lambda u, v, noise: (_fraction(u + noise * 0.05) > 0.5).astype(np.float32),
    look.PLANKS: _planks,
    look.CHECKS: _checks,
    look.BLOTCHES: lambda u, v, noise: (noise > 0.45).astype(np.float32),
    look.WINDOWS: _windows,
    look.SLATS: _slats,
    look.VIEW: _view,
}


def surface_colors(table: PrimitiveTable, surfaces: Surfaces) -> list[np.ndarray]:
    """Reflectance of every pixel: three float32 arrays [H*W]."""
    ids = surfaces.ids
    cell = table.looks("scale")[ids]
    shift = (np.arange(table.sky + 1, dtype=np.float32) * np.float32(0.37))[ids]
    u, v = surfaces.u * cell, surfaces.v * cell
    noise = sample((u + shift) * TEXELS, (v + shift) * TEXELS)
    # Far grain would only flicker between neighbouring pixels: let it fade.
    fade = 1.0 / (1.0 + surfaces.depth * surfaces.depth * 0.002)
    level = np.clip(1.0 + noise * fade * (table.looks("grain")[ids] * 0.5), 0.05, 2.0)
    color, second = (np.ascontiguousarray(table.looks(name).T) for name in ("color", "second"))  # [3, n]
    out = [channel[ids] for channel in color]
    patterns = table.looks("pattern", np.int8)[ids]
    for pattern, mix in _MIXES.items():
        where = np.flatnonzero(patterns == pattern)
        if len(where):
            share = np.clip(mix(u[where], v[where], noise[where]), 0.0, 1.0).astype(np.float32)
            entry = ids[where]
            for k in range(3):
                out[k][where] = color[k][entry] * (1.0 - share) + second[k][entry] * share
    where = np.flatnonzero(patterns == look.SPINES)
    if len(where):
        backs = np.array(list(look.PALETTE.values()), np.float32)
        book = (np.floor(u[where] + shift[where] * 50.0).astype(np.int32) * 5 + ids[where] * 3) % len(backs)
        for k in range(3):
            out[k][where] = backs[book, k]
    out = [channel * level for channel in out]
    where = np.flatnonzero(patterns == look.CLOUDS)
    if len(where):
        _paint_clouds(out, surfaces, where, color[:, table.sky])
    return out


def _paint_clouds(out: list[np.ndarray], surfaces: Surfaces, where: np.ndarray, color: np.ndarray) -> None:
    """Sky: lighter towards the horizon, with clouds on a plane high above."""
    x, y, z = (surfaces.ray[k][where] for k in range(3))
    rise = np.maximum(y / np.sqrt(x * x + y * y + z * z), 0.02)
    clouds = sample(x / (rise + 0.15) * 30.0, z / (rise + 0.15) * 30.0)
    white = np.clip((clouds - 0.2) * 0.6, 0.0, 0.75) * np.clip(rise * 7.0 - 0.3, 0.0, 1.0)
    white = white + np.clip(0.35 - rise, 0.0, 0.35) * 0.9
    white = np.clip(white, 0.0, 1.0)
    for k in range(3):
        out[k][where] = float(color[k]) * (1.0 - white) + 0.9 * white
