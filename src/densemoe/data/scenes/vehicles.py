"""Cars, buses, trains, aeroplanes and boats. The front is +z; `at` is on the ground (or on the water)."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.materials import STRIPES, WINDOWS, Material
from densemoe.data.scenes.vectors import Vector, turn_x, turn_y, turn_z

_LAMP = Material(color=(0.85, 0.80, 0.62), gloss=0.5, grain=0.02)
_TAIL_LAMP = Material(color=(0.55, 0.02, 0.02), gloss=0.5, grain=0.02)


def _wheels(b: Builder, half_track: float, axles: tuple[float, ...], radius: float, width: float) -> None:
    tyre, hub = look.rubber(b.draw), look.metal(b.draw)
    for side in (-1, 1):
        for z in axles:
            x = side * half_track
            b.cylinder((x - width, radius, z), (x + width, radius, z), radius, tyre)
            b.cylinder((x - width - 0.01, radius, z), (x + width + 0.01, radius, z), radius * 0.55, hub)


def car(b: Builder, at: Vector, yaw: float) -> None:
    """A car of 4.2 m, saloon or estate."""
    draw = b.draw
    b.begin("car", at, yaw, draw.uniform(0.95, 1.08))
    body, pane = look.paint(draw, gloss=0.7, grain=0.03), look.glass(draw)
    rear = draw.pick((-1.15, -1.85))  # where the roof ends
    b.box((0, 0.58, 0), (0.86, 0.26, 2.1), body)
    b.box((0, 0.80, 1.3), (0.82, 0.06, 0.75), body)
    cabin = (rear + 0.5) * 0.5
    b.box((0, 1.08, cabin), (0.74, 0.27, (0.5 - rear) * 0.5), pane)
    b.box((0, 1.36, cabin - 0.05), (0.72, 0.035, (0.5 - rear) * 0.5 - 0.05), body)
    b.box((0, 1.08, 0.62), (0.73, 0.36, 0.03), pane, turn_x(-0.75))
    b.box((0, 1.08, rear - 0.05), (0.73, 0.33, 0.03), pane, turn_x(0.45))
    for x in (-0.75, 0.75):
        b.box((x, 1.1, cabin), (0.015, 0.27, 0.05), body)
        b.ellipsoid((x * 0.8, 0.68, 2.08), (0.15, 0.1, 0.06), _LAMP)
        b.box((x * 0.9, 0.70, -2.1), (0.12, 0.09, 0.02), _TAIL_LAMP)
        b.ellipsoid((x * 1.22, 0.95, 0.45), (0.09, 0.07, 0.05), body)
    b.box((0, 0.40, 2.1), (0.84, 0.09, 0.06), look.paint(draw, (0.08, 0.08, 0.09)))
    b.box((0, 0.45, 2.17), (0.26, 0.06, 0.01), look.paint(draw, (0.8, 0.8, 0.75)))
    _wheels(b, 0.80, (-1.3, 1.32), 0.33, 0.11)


def bus(b: Builder, at: Vector, yaw: float) -> None:
    """A bus of 9.6 m with one row of windows, sometimes two."""
    draw = b.draw
    b.begin("bus", at, yaw)
    body, pane = look.paint(draw, look.any_color(draw, "black", "grey", "brown"), gloss=0.5), look.glass(draw)
    double, half = draw.chance(0.3), 4.8
    roof = 4.1 if double else 2.95
    b.box((0, (roof + 0.4) / 2, 0), (1.24, (roof - 0.4) / 2, half), body)
    for level in (2.05, 3.4) if double else (2.05,):
        for k in range(6):
            z = half * (-0.86 + 0.31 * k)
            b.box((0, level, z), (1.255, 0.42, 0.62), pane)
        b.box((0, level, half), (1.12, 0.52, 0.03), pane)
    b.box((0, roof - 0.22, half + 0.01), (0.7, 0.12, 0.03), Material(color=(0.75, 0.45, 0.05), grain=0.02, glow=0.9))
    b.box((0, 0.62, 0), (1.26, 0.14, half * 0.995), look.paint(draw, look.any_color(draw)))
    for x in (-0.9, 0.9):
        b.ellipsoid((x, 0.85, half), (0.17, 0.13, 0.06), _LAMP)
        b.box((x, 0.95, -half), (0.12, 0.2, 0.03), _TAIL_LAMP)
    _wheels(b, 1.08, (-half * 0.62, half * 0.62), 0.48, 0.15)


def train(b: Builder, at: Vector, yaw: float) -> None:
    """A locomotive with coaches behind it."""
    draw = b.draw
    b.begin("train", at, yaw)
    color = look.any_color(draw, "white", "black", "beige")
    body = look.paint(draw, color, gloss=0.4)
    coach = Material(color=color, second=(0.03, 0.04, 0.05), pattern=WINDOWS, scale=0.8, grain=0.04, gloss=0.4)
    band, dark = look.paint(draw, look.any_color(draw, "black"), gloss=0.3), look.rubber(draw)
    b.box((0, 2.15, 5.6), (1.35, 1.25, 2.4), body)
    b.ellipsoid((0, 1.95, 7.9), (1.33, 1.40, 0.9), body)
    b.box((0, 2.65, 8.25), (1.0, 0.42, 0.36), look.glass(draw), turn_x(-0.25))
    for x in (-0.75, 0.75):
        b.ellipsoid((x, 1.5, 8.62), (0.17, 0.17, 0.14), _LAMP)
    for z in (-1.9, -11.6):
        b.box((0, 2.15, z), (1.34, 1.2, 4.6), coach)
        b.box((0, 3.4, z), (1.15, 0.1, 4.5), look.paint(draw, (0.2, 0.2, 0.21)))
    b.box((0, 1.25, -3.0), (1.37, 0.16, 11.0), band)
    b.box((0, 0.75, -4.0), (1.15, 0.25, 12.0), dark)
    _wheels(b, 0.95, (6.9, 4.4, 1.4, -5.2, -8.4), 0.46, 0.1)


def aeroplane(b: Builder, at: Vector, yaw: float) -> None:
    """A small airliner of 11 m on its wheels."""
    draw = b.draw
    b.begin("aeroplane", at, yaw, draw.uniform(0.9, 1.2))
    white = look.paint(draw, (0.75, 0.77, 0.80), gloss=0.5, grain=0.03)
    accent, dark = look.paint(draw, look.any_color(draw, "white", "beige"), gloss=0.5), look.rubber(draw)
    b.capsule((0, 1.75, -3.0), (0, 1.75, 4.6), 0.78, white)
    b.ellipsoid((0, 1.85, -3.6), (0.72, 0.66, 2.2), white)
    b.box((0, 2.1, 5.15), (0.5, 0.14, 0.18), look.glass(draw), turn_x(-0.5))
    for k in range(8):
        b.box((0, 1.95, -2.6 + 0.85 * k), (0.785, 0.12, 0.10), look.glass(draw))
    b.box((0, 1.62, 0.6), (0.785, 0.07, 3.9), accent)
    for side in (-1, 1):
        b.box((side * 3.0, 1.45, -0.3), (2.7, 0.07, 0.62), white, turn_y(side * 0.42))
        b.box((side * 1.25, 2.1, -4.9), (1.1, 0.05, 0.36), white, turn_y(side * 0.4))
        b.cylinder((side * 2.2, 1.05, -0.1), (side * 2.2, 1.05, 1.4), 0.36, accent)
        b.cylinder((side * 2.2, 1.05, 1.3), (side * 2.2, 1.05, 1.42), 0.30, dark)
        b.capsule((side * 1.0, 0.26, -0.5), (side * 1.0, 1.2, -0.5), 0.09, dark)
        b.cylinder((side * 1.0 - 0.12, 0.26, -0.5), (side * 1.0 + 0.12, 0.26, -0.5), 0.26, dark)
    b.box((0, 3.05, -4.75), (0.07, 1.0, 0.62), accent, turn_x(-0.45))
    b.capsule((0, 0.22, 3.9), (0, 1.1, 3.9), 0.08, dark)
    b.cylinder((-0.1, 0.22, 3.9), (0.1, 0.22, 3.9), 0.22, dark)


def boat(b: Builder, at: Vector, yaw: float) -> None:
    """A sailing boat or a motor boat of about 5 m; `at` lies on the water line."""
    draw = b.draw
    b.begin("boat", at, yaw, draw.uniform(0.85, 1.25))
    hull, white = look.paint(draw, gloss=0.5), look.paint(draw, (0.78, 0.78, 0.75), gloss=0.3)
    b.ellipsoid((0, 0.28, 0), (0.85, 0.62, 2.7), hull)
    b.ellipsoid((0, 0.50, 0), (0.89, 0.44, 2.76), white)
    b.box((0, 0.86, -0.2), (0.62, 0.10, 1.7), look.wood(draw))
    if draw.chance(0.55):
        sail = Material(color=look.any_color(draw, "black", "grey", "brown", "navy"), second=(0.8, 0.8, 0.78),
                        pattern=STRIPES, scale=0.7, grain=0.06)  # fmt: skip
        b.capsule((0, 0.8, 0.35), (0, 5.3, 0.35), 0.055, look.wood(draw))
        b.capsule((0, 1.3, 0.35), (0, 1.3, -2.1), 0.04, look.wood(draw))
        for k in range(6):  # a triangle in steps
            reach = 2.2 * (1 - (k + 0.5) / 6.3)
            b.box((0, 1.7 + 0.58 * k, 0.28 - reach / 2), (0.02, 0.295, reach / 2), sail)
        b.ellipsoid((0, 2.2, 1.25), (0.02, 1.8, 0.42), white, turn_x(-0.42))
    else:
        b.box((0, 1.25, -0.4), (0.55, 0.40, 0.85), white)
        b.box((0, 1.36, -0.4), (0.56, 0.17, 0.78), look.glass(draw))
        b.box((0, 1.36, 0.44), (0.48, 0.17, 0.03), look.glass(draw))
        b.box((0, 1.69, -0.4), (0.62, 0.05, 0.95), hull)
        b.capsule((0, 1.7, -0.8), (0, 2.6, -0.8), 0.03, look.metal(draw))
        b.box((0, 2.45, -0.97), (0.01, 0.12, 0.17), look.paint(draw), turn_z(0.0))
