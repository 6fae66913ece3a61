"""Backgrounds: the ground outdoors, buildings, trees, fences, rails; a rug indoors."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.materials import STRIPES, WINDOWS, Material
from densemoe.data.scenes.vectors import Vector

# Class and reflectance of the ground of each kind of scene.
_GROUNDS = {
    "road": ("road", (0.13, 0.13, 0.14)),
    "pasture": ("grass", (0.10, 0.24, 0.04)),
    "airport": ("ground", (0.30, 0.29, 0.27)),
    "water": ("water", (0.03, 0.12, 0.20)),
    "railway": ("ground", (0.24, 0.19, 0.15)),
}


def surround(b: Builder, kind: str) -> None:
    """Ground and surroundings of an outdoor scene; the camera looks along -z from the origin."""
    draw = b.draw
    cls, color = _GROUNDS[kind]
    if kind == "pasture" and draw.chance(0.2):
        cls, color = "sand", (0.50, 0.38, 0.22)
    water = kind == "water"
    ground = Material(
        color=look.vary(draw, color, 0.25), grain=0.5 if not water else 0.35, gloss=0.5 * water, scale=0.7
    )
    b.plane(cls, (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), ground)
    if draw.chance(0.25 if water else 0.7):
        for _ in range(draw.integer(1, 4)):
            _building(b, (draw.uniform(-16, 16), 0.0, -draw.uniform(22, 34)))
    for _ in range(draw.integer(0, 3 if water else 6)):
        _tree(b, (draw.uniform(-14, 14), 0.0, -draw.uniform(17, 30)))
    if kind == "pasture" and draw.chance(0.5):
        _fence(b, -draw.uniform(9, 15))
    if kind == "railway":
        _rails(b)


def _building(b: Builder, at: Vector) -> None:
    draw = b.draw
    b.begin("building", at, draw.spread(0.25))
    half = (draw.uniform(3, 7.5), draw.uniform(2.2, 6.0), 2.5)
    walls = Material(color=look.any_color(draw, "black", "purple", "green", "pink"), second=(0.04, 0.05, 0.07),
                     pattern=WINDOWS, scale=0.55, grain=0.08)  # fmt: skip
    b.box((0, half[1], 0), half, walls)
    b.box((0, 2 * half[1], 0), (half[0] + 0.25, 0.18, half[2] + 0.25), look.paint(draw, (0.16, 0.09, 0.07)))


def _tree(b: Builder, at: Vector) -> None:
    draw = b.draw
    b.begin("tree", at, 0.0, draw.uniform(0.9, 1.9))
    b.capsule((0, 0, 0), (0, 1.9, 0), 0.17, look.paint(draw, (0.11, 0.065, 0.035), grain=0.4))
    leaves = look.foliage(draw)
    if draw.chance(0.3):  # a fir
        for k in range(4):
            b.ellipsoid((0, 1.2 + 0.75 * k, 0), (1.25 - 0.27 * k, 0.62, 1.25 - 0.27 * k), leaves)
        return
    for _ in range(5):
        x, y, z = draw.spread(0.7), draw.spread(0.45), draw.spread(0.7)
        b.ellipsoid((x, 2.9 + y, z), tuple(draw.uniform(0.7, 1.25) for _ in range(3)), leaves)


def _fence(b: Builder, z: float) -> None:
    b.begin("fence", (0.0, 0.0, z), b.draw.spread(0.1))
    wood = look.paint(b.draw, b.draw.pick(((0.75, 0.74, 0.70), (0.28, 0.17, 0.09))), grain=0.2)
    for y in (0.55, 1.0):
        b.box((0, y, 0), (14.0, 0.055, 0.03), wood)
    for k in range(15):
        b.box((-14 + 2.0 * k, 0.6, 0), (0.06, 0.6, 0.06), wood)


def _rails(b: Builder) -> None:
    b.begin("ground", (0.0, 0.0, -5.6), 0.0)
    ties = Material(color=(0.20, 0.16, 0.13), second=(0.07, 0.05, 0.04), pattern=STRIPES, scale=1.6, grain=0.4)
    b.box((0, 0.02, 0), (40.0, 0.02, 1.1), ties)
    for z in (-0.55, 0.55):
        b.box((0, 0.09, z), (40.0, 0.06, 0.04), look.metal(b.draw))


def rug(b: Builder, at: Vector) -> None:
    """A rug on the floor of a room."""
    b.begin("rug", at, b.draw.spread(0.3))
    half_x, half_z = b.draw.uniform(0.7, 1.3), b.draw.uniform(0.5, 0.9)
    b.box((0, 0.006, 0), (half_x, 0.006, half_z), look.fabric(b.draw, 4.0))
    b.box((0, 0.007, 0), (half_x * 0.85, 0.007, half_z * 0.8), look.fabric(b.draw, 4.0))
