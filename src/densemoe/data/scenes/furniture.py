"""Seats, tables, beds and lamps. The front is +z; functions return the places on top where things can stand."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder, Top
from densemoe.data.scenes.materials import Material
from densemoe.data.scenes.vectors import Vector, turn_x

CHAIR_SEAT, SOFA_SEAT = 0.46, 0.44  # heights in metres


def top_of(b: Builder, height: float, half: tuple[float, float], center: tuple[float, float] = (0.0, 0.0)) -> Top:
    """A place on the open object; ``half`` and ``center`` are in the object's own x and z."""
    x, y, z = b.world((center[0], height, center[1]))
    wx, _, wz = b.world((center[0] + half[0], height, center[1] + half[1]))
    return Top(x, y, z, abs(wx - x), abs(wz - z))


def _legs(b: Builder, half_x: float, half_z: float, height: float, thick: float, material: Material) -> None:
    for x in (-half_x, half_x):
        for z in (-half_z, half_z):
            b.box((x, height / 2, z), (thick, height / 2, thick), material)


def chair(b: Builder, at: Vector, yaw: float, cls: str = "chair") -> list[Top]:
    """A chair with a slatted or a padded back."""
    draw = b.draw
    b.begin(cls, at, yaw)
    frame = look.wood(draw) if draw.chance(0.7) else look.metal(draw)
    seat = look.fabric(draw) if draw.chance(0.6) else frame
    b.box((0, CHAIR_SEAT - 0.03, 0), (0.23, 0.03, 0.23), seat)
    _legs(b, 0.20, 0.20, CHAIR_SEAT - 0.05, 0.02, frame)
    for x in (-0.20, 0.20):
        b.box((x, 0.70, -0.22), (0.02, 0.25, 0.02), frame)
    if draw.chance(0.5):
        for y in (0.60, 0.74, 0.90):
            b.box((0, y, -0.22), (0.20, 0.035, 0.012), frame)
    else:
        b.box((0, 0.76, -0.21), (0.20, 0.19, 0.025), seat)
    return []


def office_chair(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A padded chair on one leg with five feet."""
    draw = b.draw
    b.begin("chair", at, yaw)
    pad, frame = look.paint(draw, look.any_color(draw, "yellow", "pink"), grain=0.2), look.rubber(draw)
    b.box((0, CHAIR_SEAT, 0), (0.25, 0.05, 0.25), pad)
    b.ellipsoid((0, 0.80, -0.24), (0.24, 0.29, 0.07), pad)
    b.capsule((0, 0.08, 0), (0, CHAIR_SEAT, 0), 0.03, frame)
    for x, z in ((0.28, 0.0), (0.09, 0.27), (-0.23, 0.16), (-0.23, -0.16), (0.09, -0.27)):
        b.capsule((0, 0.09, 0), (x, 0.05, z), 0.025, frame)
    for x in (-0.27, 0.27):
        b.box((x, 0.64, -0.02), (0.025, 0.02, 0.16), frame)
    return []


def table(b: Builder, at: Vector, yaw: float, cls: str, half: Vector = (0.7, 0.74, 0.42)) -> list[Top]:
    """A table; ``half`` is half width, full height, half depth in metres. Sometimes round on one leg."""
    draw = b.draw
    w, h, d = half
    b.begin(cls, at, yaw)
    wood = look.wood(draw)
    if draw.chance(0.25) and w < 0.95:
        radius = (w + d) / 2
        b.cylinder((0, h - 0.04, 0), (0, h, 0), radius, wood)
        b.cylinder((0, 0.02, 0), (0, h, 0), 0.06, wood)
        b.cylinder((0, 0, 0), (0, 0.03, 0), radius * 0.5, wood)
        return [top_of(b, h, (radius * 0.6, radius * 0.6))]
    b.box((0, h - 0.025, 0), (w, 0.025, d), wood)
    _legs(b, w - 0.06, d - 0.06, h - 0.05, 0.03, wood)
    return [top_of(b, h, (w * 0.8, d * 0.75))]


def desk(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A desk with drawers on one side."""
    draw = b.draw
    b.begin("desk", at, yaw)
    wood, side = look.wood(draw), draw.sign()
    w, d, h = draw.uniform(0.6, 0.8), 0.34, 0.74
    b.box((0, h - 0.02, 0), (w, 0.02, d), wood)
    b.box((-side * (w - 0.03), h / 2, 0), (0.025, h / 2, d * 0.95), wood)
    b.box((side * (w - 0.21), h / 2, 0), (0.2, h / 2 - 0.02, d * 0.95), wood)
    front, knob = look.wood(draw), look.metal(draw)
    for k in range(3):
        y = 0.14 + 0.225 * k
        b.box((side * (w - 0.21), y, d * 0.95), (0.18, 0.095, 0.012), front)
        b.capsule((side * (w - 0.21) - 0.05, y, d + 0.01), (side * (w - 0.21) + 0.05, y, d + 0.01), 0.01, knob)
    b.box((0, h - 0.3, -d * 0.9), (w, 0.2, 0.012), wood)
    left = top_of(b, h, (w * 0.4, d * 0.6), (-w * 0.45, -0.03))
    return [left, top_of(b, h, (w * 0.4, d * 0.6), (w * 0.45, -0.03))]


def sofa(b: Builder, at: Vector, yaw: float, cls: str = "sofa") -> list[Top]:
    """A sofa or an armchair with cushions."""
    draw = b.draw
    b.begin(cls, at, yaw)
    cloth = Material(color=look.any_color(draw), second=look.any_color(draw), grain=0.18, scale=7.0)
    seats = draw.pick((1, 2, 2, 3))
    w = 0.33 * seats
    b.box((0, 0.20, 0), (w + 0.12, 0.13, 0.42), cloth)
    b.box((0, 0.50, -0.36), (w + 0.12, 0.38, 0.09), cloth, turn_x(-0.08))
    for side in (-1, 1):
        b.box((side * (w + 0.10), 0.33, 0), (0.09, 0.27, 0.42), cloth)
        b.capsule((side * (w + 0.10), 0.60, -0.36), (side * (w + 0.10), 0.60, 0.34), 0.095, cloth)
    cushion = cloth if draw.chance(0.6) else look.fabric(draw)
    for k in range(seats):
        x = (2 * k + 1 - seats) * 0.33
        b.box((x, SOFA_SEAT - 0.05, 0.06), (0.315, 0.07, 0.36), cushion)
        b.ellipsoid((x, 0.66, -0.22), (0.31, 0.20, 0.11), cushion)
    return [top_of(b, SOFA_SEAT + 0.02, (w * 0.7, 0.15), (0, 0.05))]


def bed(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A bed with its head at -z: mattress, blanket and head board."""
    draw = b.draw
    b.begin("bed", at, yaw)
    wood, sheet = look.wood(draw), look.paint(draw, (0.78, 0.76, 0.72), grain=0.1)
    w = draw.uniform(0.5, 0.85)
    b.box((0, 0.18, 0), (w, 0.10, 1.02), wood)
    b.box((0, 0.37, 0), (w * 0.98, 0.10, 1.0), sheet)
    b.box((0, 0.40, 0.28), (w * 1.01, 0.11, 0.76), look.fabric(draw, 5.0))
    b.box((0, 0.52, -1.05), (w + 0.03, draw.uniform(0.42, 0.62), 0.04), wood)
    _legs(b, w - 0.06, 0.96, 0.1, 0.04, wood)
    return [top_of(b, 0.48, (w * 0.6, 0.1), (0, -0.78)), top_of(b, 0.51, (w * 0.5, 0.4), (0, 0.4))]


def floor_lamp(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A standing lamp that is switched on."""
    b.begin("lamp", at, yaw)
    stand = look.metal(b.draw)
    b.capsule((0, 0.02, 0), (0, 1.4, 0), 0.018, stand)
    b.cylinder((0, 0, 0), (0, 0.03, 0), 0.15, stand)
    b.cylinder((0, 1.35, 0), (0, 1.62, 0), 0.2, shade(b))
    return []


def shade(b: Builder) -> Material:
    """A glowing lamp shade."""
    return Material(color=look.vary(b.draw, (0.95, 0.82, 0.50), 0.08), grain=0.04, glow=0.95)
