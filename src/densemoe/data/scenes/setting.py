"""A scene before it is rendered: its primitives, its light box, and where the camera stands."""

from dataclasses import dataclass

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.materials import CLOUDS, PLANKS, STRIPES, Material
from densemoe.data.scenes.shading import Room
from densemoe.data.scenes.vectors import Vector

_WALL_COLORS = (
    (0.62, 0.56, 0.44), (0.42, 0.50, 0.55), (0.66, 0.64, 0.60), (0.45, 0.52, 0.38),
    (0.60, 0.42, 0.34), (0.50, 0.46, 0.56),
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """``tangent``: of half the angle of view along the longer side. ``room``: bounds of a closed room, else None."""

    builder: Builder
    position: Vector
    target: Vector
    tangent: float
    room: Room | None
    sky: Material


def any_sky(draw: Draw) -> Material:
    """A blue, hazy or grey sky with clouds."""
    color = draw.pick(((0.10, 0.25, 0.65), (0.16, 0.34, 0.70), (0.35, 0.48, 0.65), (0.45, 0.48, 0.52)))
    return Material(color=look.vary(draw, color), pattern=CLOUDS, glow=0.85)


def enclose(b: Builder, half_width: float, depth: float, behind: float, height: float) -> Room:
    """Floor, ceiling and four walls: x within +-half_width, z from -depth to behind, y from 0 to height."""
    draw = b.draw
    if draw.chance(0.5):
        floor = look.wood(draw, 3.0)
    else:
        color = look.any_color(draw, "yellow", "pink", "purple", "orange")
        pattern = draw.weighted({look.PLAIN: 3.0, look.CHECKS: 2.0, PLANKS: 1.0})
        floor = Material(color=color, second=(0.25, 0.22, 0.2), pattern=pattern, scale=2.2, grain=0.25)
    hue = look.vary(draw, draw.pick(_WALL_COLORS))
    stripes = STRIPES if draw.chance(0.12) else look.PLAIN
    wall = Material(color=hue, second=tuple(c * 0.85 for c in hue), pattern=stripes, scale=5.0, grain=0.07)
    b.plane("floor", (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), floor)
    b.plane("ceiling", (0.0, height, 0.0), (0.0, -1.0, 0.0), look.paint(draw, (0.78, 0.78, 0.76)))
    b.plane("wall", (0.0, 0.0, -depth), (0.0, 0.0, 1.0), wall)
    b.plane("wall", (0.0, 0.0, behind), (0.0, 0.0, -1.0), wall)
    b.plane("wall", (-half_width, 0.0, 0.0), (1.0, 0.0, 0.0), wall)
    b.plane("wall", (half_width, 0.0, 0.0), (-1.0, 0.0, 0.0), wall)
    return ((-half_width, half_width), (0.0, height), (-depth, behind))
