"""Things on the walls of a room: windows, doors, pictures, curtains and the like."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.materials import SLATS, VIEW, Material
from densemoe.data.scenes.vectors import Vector

# Half width (metres) that an item needs along its wall.
HALF_WIDTHS = {
    "window": 0.6, "picture": 0.38, "door": 0.5, "blinds": 0.6, "curtain": 0.75, "mirror": 0.42, "whiteboard": 0.75,
    "television": 0.55, "towel": 0.28, "clothes": 0.35, "paper": 0.25,
}  # fmt: skip


def wall_item(b: Builder, name: str, at: Vector, yaw: float) -> None:
    """Hang the item on a wall: ``at`` is the foot of the wall below it, ``yaw`` turns +z into the room."""
    b.begin(name, at, yaw)
    _ITEMS[name](b, b.draw)


def _pane(draw: Draw) -> Material:
    outside = look.vary(draw, draw.pick(((0.55, 0.72, 0.95), (0.75, 0.82, 0.92), (0.30, 0.45, 0.65))))
    return Material(
        color=outside, second=look.vary(draw, (0.12, 0.28, 0.08)), pattern=VIEW, scale=2.0, grain=0.1, glow=0.9
    )


def _window(b: Builder, draw: Draw) -> None:
    frame = look.paint(draw, (0.80, 0.80, 0.77))
    b.box((0, 1.5, 0), (0.5, 0.55, 0.015), _pane(draw))
    for x in (-0.5, 0.0, 0.5):
        b.box((x, 1.5, 0.01), (0.03, 0.58, 0.03), frame)
    for y in (0.95, 1.5, 2.05):
        b.box((0, y, 0.01), (0.53, 0.03, 0.03), frame)
    b.box((0, 0.92, 0.06), (0.58, 0.02, 0.09), frame)


def _picture(b: Builder, draw: Draw) -> None:
    w, h = draw.pick(((0.34, 0.25), (0.24, 0.32), (0.22, 0.22)))
    art = Material(color=look.any_color(draw), second=look.any_color(draw), pattern=VIEW, scale=3.0, grain=0.3)
    b.box((0, 1.55, 0), (w, h, 0.02), look.wood(draw) if draw.chance(0.5) else look.paint(draw))
    b.box((0, 1.55, 0.02), (w * 0.86, h * 0.84, 0.004), art)


def _door(b: Builder, draw: Draw) -> None:
    leaf = look.wood(draw, 2.0) if draw.chance(0.6) else look.paint(draw, (0.72, 0.71, 0.66))
    panel = Material(color=tuple(c * 0.75 for c in leaf.color), second=leaf.second, pattern=leaf.pattern, scale=2.0)
    b.box((0, 1.0, 0), (0.42, 1.0, 0.03), leaf)
    for y, h in ((0.5, 0.33), (1.4, 0.42)):
        b.box((0, y, 0.03), (0.28, h, 0.006), panel)
    for x in (-0.45, 0.45):
        b.box((x, 1.02, 0), (0.04, 1.02, 0.04), look.paint(draw, (0.75, 0.74, 0.70)))
    b.capsule((0.33, 1.0, 0.07), (0.24, 1.0, 0.07), 0.015, look.metal(draw))


def _blinds(b: Builder, draw: Draw) -> None:
    slat = look.vary(draw, draw.pick(((0.75, 0.73, 0.65), (0.45, 0.32, 0.18), (0.6, 0.62, 0.65))))
    slats = Material(color=slat, second=tuple(c * 0.45 for c in slat), pattern=SLATS, scale=14.0, grain=0.04)
    b.box((0, 1.5, 0.02), (0.52, 0.6, 0.02), slats)
    b.box((0, 2.12, 0.03), (0.55, 0.04, 0.04), look.metal(draw))


def _curtain(b: Builder, draw: Draw) -> None:
    cloth = look.paint(draw, look.any_color(draw, "black"), grain=0.12)
    for side in (-1, 1):
        for k in range(4):
            x = side * (0.28 + 0.11 * k)
            b.cylinder((x, 0.2, 0.05), (x, 2.15, 0.05), 0.065 + 0.012 * (k % 2), cloth)
    b.capsule((-0.7, 2.18, 0.06), (0.7, 2.18, 0.06), 0.02, look.wood(draw))


def _mirror(b: Builder, draw: Draw) -> None:
    b.box((0, 1.5, 0), (0.38, 0.48, 0.02), look.wood(draw) if draw.chance(0.6) else look.metal(draw))
    b.box((0, 1.5, 0.02), (0.33, 0.43, 0.004), Material(color=(0.40, 0.45, 0.48), grain=0.25, scale=1.0, gloss=0.9))


def _whiteboard(b: Builder, draw: Draw) -> None:
    b.box((0, 1.45, 0), (0.72, 0.46, 0.02), look.metal(draw))
    b.box((0, 1.45, 0.02), (0.68, 0.42, 0.004), look.paint(draw, (0.86, 0.87, 0.88), gloss=0.5, grain=0.02))
    pen = look.paint(draw, look.any_color(draw, "white", "beige"))
    for _ in range(4):
        x, y = draw.uniform(-0.5, 0.3), draw.uniform(1.2, 1.75)
        b.box((x + 0.1, y, 0.026), (draw.uniform(0.05, 0.2), 0.008, 0.001), pen)


def _television(b: Builder, draw: Draw) -> None:
    b.box((0, 1.35, 0.02), (0.52, 0.31, 0.03), look.rubber(draw))
    picture = Material(color=look.any_color(draw, "black"), second=look.any_color(draw), pattern=VIEW, glow=0.8)
    dark = Material(color=(0.012, 0.014, 0.018), gloss=0.9, grain=0.02)
    b.box((0, 1.35, 0.05), (0.49, 0.28, 0.004), picture if draw.chance(0.5) else dark)


def _towel(b: Builder, draw: Draw) -> None:
    b.capsule((-0.26, 1.4, 0.07), (0.26, 1.4, 0.07), 0.014, look.metal(draw))
    b.box((0, 1.09, 0.07), (0.21, 0.32, 0.02), look.fabric(draw, 12.0))
    b.capsule((-0.2, 1.4, 0.07), (0.2, 1.4, 0.07), 0.03, look.paint(draw))


def _clothes(b: Builder, draw: Draw) -> None:
    b.box((0, 1.72, 0.02), (0.33, 0.03, 0.02), look.wood(draw))
    for x in (-0.18, 0.14):
        cloth = look.fabric(draw, 9.0)
        b.ellipsoid((x, 1.33, 0.10), (0.16, 0.40, 0.09), cloth)
        b.capsule((x - 0.13, 1.55, 0.1), (x - 0.17, 1.15, 0.1), 0.05, cloth)


def _paper(b: Builder, draw: Draw) -> None:
    for x in (-0.12, 0.13):
        b.box((x, 1.45 + draw.spread(0.06), 0.0), (0.10, 0.14, 0.006), look.paint(draw, (0.82, 0.82, 0.77)))


_ITEMS = {
    "window": _window, "picture": _picture, "door": _door, "blinds": _blinds, "curtain": _curtain, "mirror": _mirror,
    "whiteboard": _whiteboard, "television": _television, "towel": _towel, "clothes": _clothes, "paper": _paper,
}  # fmt: skip
