"""Bicycles and motorbikes. The front is +z."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.materials import Material
from densemoe.data.scenes.vectors import Vector, cosine, sine

BICYCLE_SEAT, MOTORBIKE_SEAT = 0.90, 0.78  # heights in metres
_TURN = 6.2831853


def _wheel(b: Builder, z: float, radius: float, tyre: float, spokes: int, rubber: Material, steel: Material) -> None:
    """An open wheel: a ring of short tubes and some spokes."""
    count = 12
    rim = [
        (0.0, radius + radius * cosine(_TURN * k / count), z + radius * sine(_TURN * k / count)) for k in range(count)
    ]
    for k in range(count):
        b.capsule(rim[k], rim[(k + 1) % count], tyre, rubber)
    for k in range(spokes):
        b.capsule(rim[k * count // (2 * spokes)], rim[k * count // (2 * spokes) + count // 2], tyre * 0.35, steel)


def bicycle(b: Builder, at: Vector, yaw: float) -> None:
    """A bicycle of 1.75 m."""
    draw = b.draw
    b.begin("bicycle", at, yaw, draw.uniform(0.95, 1.08))
    frame, rubber, steel = look.paint(draw, gloss=0.5), look.rubber(draw), look.metal(draw)
    for z in (-0.52, 0.52):
        _wheel(b, z, 0.33, 0.022, 3, rubber, steel)
    rear, front, crank = (0, 0.33, -0.52), (0, 0.33, 0.52), (0, 0.29, -0.06)
    saddle, head = (0, 0.80, -0.22), (0, 0.82, 0.34)
    for a, c in ((rear, saddle), (crank, saddle), (crank, head), (saddle, head), (rear, crank), (head, front)):
        b.capsule(a, c, 0.022, frame)
    b.capsule(head, (0, 0.98, 0.30), 0.016, steel)
    b.capsule((-0.27, 0.99, 0.27), (0.27, 0.99, 0.27), 0.016, rubber)
    b.capsule(saddle, (0, 0.88, -0.24), 0.016, steel)
    b.ellipsoid((0, BICYCLE_SEAT, -0.24), (0.075, 0.035, 0.13), rubber)
    b.cylinder((0.03, 0.29, -0.06), (0.045, 0.29, -0.06), 0.095, steel)
    for side in (-1, 1):
        b.capsule((side * 0.07, 0.29 - side * 0.15, -0.06), (side * 0.13, 0.29 - side * 0.15, -0.06), 0.018, rubber)


def motorbike(b: Builder, at: Vector, yaw: float) -> None:
    """A motorbike of 2.1 m."""
    draw = b.draw
    b.begin("motorbike", at, yaw, draw.uniform(0.98, 1.1))
    tank, rubber, steel = look.paint(draw, gloss=0.8), look.rubber(draw), look.metal(draw)
    for z in (-0.68, 0.70):
        b.cylinder((-0.075, 0.31, z), (0.075, 0.31, z), 0.31, rubber)
        b.cylinder((-0.08, 0.31, z), (0.08, 0.31, z), 0.20, steel)
        b.cylinder((-0.085, 0.31, z), (0.085, 0.31, z), 0.07, rubber)
        b.ellipsoid((0, 0.58, z - 0.04), (0.085, 0.06, 0.26), tank)
    for side in (-1, 1):
        b.capsule((side * 0.08, 0.31, 0.70), (side * 0.08, 0.92, 0.42), 0.03, steel)
        b.capsule((side * 0.09, 0.31, -0.68), (side * 0.12, 0.62, -0.40), 0.03, steel)
        b.capsule((side * 0.10, 1.00, 0.36), (side * 0.36, 1.02, 0.26), 0.02, rubber)
        b.ellipsoid((side * 0.28, 1.16, 0.30), (0.07, 0.045, 0.02), steel)
    b.ellipsoid((0, 0.80, 0.16), (0.15, 0.15, 0.30), tank)
    b.ellipsoid((0, MOTORBIKE_SEAT - 0.05, -0.34), (0.14, 0.075, 0.38), rubber)
    b.box((0, 0.44, 0.02), (0.15, 0.17, 0.24), Material(color=(0.10, 0.10, 0.11), gloss=0.7, grain=0.4, scale=20.0))
    b.capsule((0.17, 0.34, 0.1), (0.19, 0.36, -0.85), 0.05, steel)
    b.ellipsoid((0, 0.90, 0.52), (0.11, 0.12, 0.10), Material(color=(0.85, 0.83, 0.7), gloss=0.8, grain=0.02))
