"""Bathroom fittings. The front is +z."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder, Top
from densemoe.data.scenes.furniture import top_of
from densemoe.data.scenes.materials import STRIPES, Material
from densemoe.data.scenes.vectors import Vector, turn_x


def toilet(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A toilet with an open or a closed lid."""
    b.begin("toilet", at, yaw)
    white = look.ceramic(b.draw)
    b.ellipsoid((0, 0.28, 0.10), (0.19, 0.14, 0.26), white)
    b.ellipsoid((0, 0.12, 0.02), (0.13, 0.22, 0.17), white)
    b.cylinder((0, 0.36, 0.10), (0, 0.41, 0.10), 0.20, white)
    b.box((0, 0.58, -0.25), (0.22, 0.21, 0.10), white)
    b.capsule((0.12, 0.72, -0.14), (0.18, 0.70, -0.14), 0.012, look.metal(b.draw))
    if b.draw.chance(0.5):
        b.cylinder((0, 0.412, 0.10), (0, 0.414, 0.10), 0.13, look.paint(b.draw, (0.25, 0.33, 0.36), gloss=0.8))
        b.box((0, 0.60, -0.13), (0.19, 0.20, 0.02), white, turn_x(-0.15))
    return []


def bathtub(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A bathtub along x with water in it and a tap at one end."""
    b.begin("bathtub", at, yaw)
    white, water = look.ceramic(b.draw), look.paint(b.draw, (0.30, 0.45, 0.48), gloss=0.9)
    for z in (-0.36, 0.36):
        b.box((0, 0.28, z), (0.80, 0.28, 0.05), white)
        b.capsule((-0.78, 0.56, z), (0.78, 0.56, z), 0.05, white)
    for x in (-0.76, 0.76):
        b.box((x, 0.28, 0), (0.05, 0.28, 0.36), white)
        b.capsule((x, 0.56, -0.36), (x, 0.56, 0.36), 0.05, white)
    b.box((0, 0.16, 0), (0.76, 0.16, 0.36), white)
    b.box((0, 0.34, 0), (0.72, 0.005, 0.33), water)
    b.capsule((-0.76, 0.58, 0), (-0.76, 0.74, 0), 0.02, look.metal(b.draw))
    b.capsule((-0.76, 0.74, 0), (-0.62, 0.72, 0), 0.02, look.metal(b.draw))
    return []


def shower_curtain(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A hanging curtain along x in folds, with its rod."""
    draw = b.draw
    b.begin("shower curtain", at, yaw)
    cloth = Material(color=look.any_color(draw, "black", "brown"), second=look.any_color(draw, "black"),
                     pattern=STRIPES, scale=3.0, grain=0.1)  # fmt: skip
    folds, reach = 9, draw.uniform(0.7, 1.2)
    for k in range(folds):
        x = -0.8 + reach * (k + 0.5) / folds
        b.cylinder((x, 0.25, 0.03 * (k % 2)), (x, 1.95, 0.03 * (k % 2)), 0.085, cloth)
    b.capsule((-0.85, 2.0, 0), (0.85, 2.0, 0), 0.018, look.metal(draw))
    return []


def wash_stand(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A sink on a pedestal with a tap."""
    b.begin("sink", at, yaw)
    white = look.ceramic(b.draw)
    b.cylinder((0, 0, -0.05), (0, 0.75, -0.05), 0.09, white)
    b.ellipsoid((0, 0.80, 0), (0.30, 0.13, 0.24), white)
    basin(b, 0.86)
    return [top_of(b, 0.88, (0.05, 0.05), (0.2, -0.1))] if b.draw.chance(0.3) else []


def basin(b: Builder, height: float) -> None:
    """The basin of a sink with its tap, on the open object."""
    white, steel = look.ceramic(b.draw), look.metal(b.draw)
    b.box((0, height, 0), (0.29, 0.03, 0.21), white)
    b.ellipsoid((0, height + 0.035, 0.02), (0.22, 0.02, 0.13), look.paint(b.draw, (0.33, 0.37, 0.39), gloss=0.9))
    b.capsule((0, height, -0.17), (0, height + 0.20, -0.17), 0.016, steel)
    b.capsule((0, height + 0.20, -0.17), (0, height + 0.17, -0.04), 0.016, steel)
