"""Cupboards, shelves, counters and other blocks with doors. The front is +z."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder, Top
from densemoe.data.scenes.furniture import top_of
from densemoe.data.scenes.materials import SPINES, Material
from densemoe.data.scenes.vectors import Vector


def _fronts(b: Builder, half: Vector, rows: int, columns: int, face: Material, low: float = 0.0) -> None:
    """Doors or drawers with handles on the front of a block."""
    w, h, d = half
    handle = look.metal(b.draw)
    for r in range(rows):
        for c in range(columns):
            x, y = w * ((2 * c + 1) / columns - 1), low + 2 * h * (r + 0.5) / rows
            b.box((x, y, d), (w / columns * 0.92, h / rows * 0.90, 0.012), face)
            if rows >= columns:
                b.capsule((x - 0.06, y, d + 0.025), (x + 0.06, y, d + 0.025), 0.011, handle)
            else:
                side = x + (w / columns * 0.75) * (1 if c % 2 == 0 else -1)
                b.capsule((side, y - 0.06, d + 0.025), (side, y + 0.06, d + 0.025), 0.011, handle)


def chest(b: Builder, at: Vector, yaw: float, cls: str, tall: bool = True) -> list[Top]:
    """A dresser (drawers, two columns), a night stand (two drawers) or a cabinet (doors), which may be ``tall``."""
    draw = b.draw
    (w, h, d), rows, columns = {
        "dresser": ((0.52, 0.42, 0.24), 3, 2),
        "night stand": ((0.23, 0.27, 0.20), 2, 1),
        "cabinet": ((0.45, draw.pick((0.42, 0.42, 0.95) if tall else (0.36, 0.42)), 0.25), 1, 2),
    }[cls]
    w, h, d = (m * draw.uniform(0.9, 1.12) for m in (w, h, d))
    b.begin(cls, at, yaw)
    body = look.wood(draw, 3.0) if draw.chance(0.7) else look.paint(draw, (0.75, 0.74, 0.70))
    lighter = tuple(min(c * 1.25, 0.9) for c in body.color)
    face = Material(color=lighter, second=body.second, pattern=body.pattern, scale=3.0, grain=0.18, gloss=0.15)
    b.box((0, h, 0), (w, h, d), body)
    _fronts(b, (w, h, d), rows, columns, face)
    return [top_of(b, 2 * h, (w * 0.75, d * 0.6))] if h < 0.6 else []


def wall_cabinet(b: Builder, at: Vector, yaw: float, half_width: float) -> list[Top]:
    """Kitchen cabinets that hang on the wall; ``at`` is below their middle on the ground."""
    b.begin("cabinet", at, yaw)
    body, half = look.wood(b.draw, 3.0), (half_width, 0.32, 0.16)
    b.box((0, 1.78, 0), half, body)
    _fronts(b, half, 1, 4, look.wood(b.draw, 3.0), low=1.46)
    return []


def counter(b: Builder, at: Vector, yaw: float, half_width: float) -> list[Top]:
    """A kitchen counter: doors below, a slab on top."""
    draw = b.draw
    b.begin("counter", at, yaw)
    half = (half_width, 0.42, 0.29)
    b.box((0, 0.42, 0), half, look.paint(draw))
    _fronts(b, half, 1, 4, look.wood(draw, 3.0) if draw.chance(0.6) else look.paint(draw, (0.7, 0.7, 0.68)))
    stone = Material(color=look.vary(draw, (0.16, 0.16, 0.17), 0.5), grain=0.5, scale=10.0, gloss=0.5)
    b.box((0, 0.87, 0.01), (half_width + 0.01, 0.025, 0.32), stone)
    left = top_of(b, 0.895, (half_width * 0.3, 0.2), (-half_width * 0.6, 0))
    return [left, top_of(b, 0.895, (half_width * 0.3, 0.2), (half_width * 0.6, 0))]


def fridge(b: Builder, at: Vector, yaw: float) -> list[Top]:
    """A refrigerator with two doors, one above the other."""
    b.begin("refridgerator", at, yaw)
    body = look.ceramic(b.draw) if b.draw.chance(0.6) else look.metal(b.draw)
    b.box((0, 0.88, 0), (0.36, 0.88, 0.33), body)
    for y, half in ((0.55, 0.50), (1.42, 0.31)):
        b.box((0, y, 0.34), (0.35, half, 0.025), body)
        b.capsule((-0.28, y - half * 0.5, 0.39), (-0.28, y + half * 0.5, 0.39), 0.014, look.rubber(b.draw))
    return []


def shelf(b: Builder, at: Vector, yaw: float, cls: str) -> list[Top]:
    """A bookshelf full of books, or shelves with a few things; boards, sides and a back."""
    draw = b.draw
    b.begin(cls, at, yaw)
    wood = look.wood(draw) if draw.chance(0.7) else look.paint(draw, (0.78, 0.77, 0.74))
    w, h, d, count = draw.uniform(0.35, 0.55), draw.uniform(1.3, 1.95), 0.15, 5
    for x in (-w, w):
        b.box((x, h / 2, 0), (0.02, h / 2, d), wood)
    b.box((0, h / 2, -d), (w, h / 2, 0.01), wood)
    for k in range(count):
        y = 0.05 + (h - 0.07) * k / (count - 1)
        b.box((0, y, 0), (w, 0.014, d), wood)
        if k == count - 1:
            break
        gap = (h - 0.07) / (count - 1)
        if cls == "bookshelf":
            row = w * draw.uniform(0.55, 0.95)
            spines = Material(color=look.any_color(draw), pattern=SPINES, scale=26.0, grain=0.15)
            tall = gap * draw.uniform(0.32, 0.42)
            b.box((row - w + 0.02, y + 0.014 + tall, 0.02), (row - 0.03, tall, d * 0.8), spines)
        elif draw.chance(0.6):
            size = gap * draw.uniform(0.2, 0.4)
            b.box((draw.uniform(-0.5, 0.5) * w, y + 0.014 + size, 0.02), (w * 0.3, size, d * 0.7), look.paint(draw))
    return []


def block(b: Builder, at: Vector, yaw: float, cls: str) -> list[Top]:
    """Things that the class list calls other furniture or other structure: a trunk, a stool, a column, a heater."""
    draw = b.draw
    b.begin(cls, at, yaw)
    if cls == "otherstructure":
        if draw.chance(0.5):
            b.cylinder((0, 0, 0), (0, 2.9, 0), 0.17, look.paint(draw, (0.6, 0.58, 0.52)))
        else:
            for k in range(9):
                b.box((-0.48 + 0.12 * k, 0.36, 0), (0.045, 0.30, 0.07), look.paint(draw, (0.75, 0.75, 0.72)))
        return []
    if draw.chance(0.5):
        b.cylinder((0, 0.05, 0), (0, 0.42, 0), 0.26, look.fabric(draw))
        return [top_of(b, 0.42, (0.12, 0.12))]
    wood = look.wood(draw)
    b.box((0, 0.2, 0), (0.45, 0.2, 0.26), wood)
    b.capsule((-0.45, 0.40, 0), (0.45, 0.40, 0), 0.12, wood)
    b.box((0, 0.28, 0.26), (0.06, 0.07, 0.012), look.metal(draw))
    return []
