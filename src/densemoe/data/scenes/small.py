"""Small things that stand or lie on something. `at` is the spot on the surface below."""

from densemoe.data.scenes import materials as look
from densemoe.data.scenes.bathroom import basin
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.furniture import shade
from densemoe.data.scenes.materials import SPINES, VIEW, Material
from densemoe.data.scenes.vectors import Vector, turn_y


def bottle(b: Builder, at: Vector, yaw: float, cls: str = "bottle") -> None:
    """A bottle with a label."""
    draw = b.draw
    b.begin(cls, at, yaw, draw.uniform(0.9, 1.25))
    color = draw.pick(((0.02, 0.13, 0.04), (0.12, 0.04, 0.01), (0.10, 0.25, 0.40), (0.5, 0.04, 0.03), (0.55, 0.6, 0.6)))
    body = look.paint(draw, color, gloss=0.9, grain=0.02)
    b.cylinder((0, 0, 0), (0, 0.19, 0), 0.042, body)
    b.ellipsoid((0, 0.19, 0), (0.042, 0.05, 0.042), body)
    b.cylinder((0, 0.2, 0), (0, 0.31, 0), 0.015, body)
    b.cylinder((0, 0.3, 0), (0, 0.325, 0), 0.018, look.paint(draw))
    b.cylinder((0, 0.06, 0), (0, 0.15, 0), 0.0428, look.paint(draw, look.any_color(draw, "black")))


def plant(b: Builder, at: Vector, yaw: float, cls: str = "pottedplant", size: float = 1.0) -> None:
    """A plant in a pot: leaves as flat ellipsoids on stems, or a bush."""
    draw = b.draw
    b.begin(cls, at, yaw, size)
    pot, leaf = (
        look.paint(draw, draw.pick(((0.38, 0.12, 0.05), (0.75, 0.74, 0.70), (0.05, 0.09, 0.22)))),
        look.foliage(draw),
    )
    b.cylinder((0, 0, 0), (0, 0.28, 0), 0.14, pot)
    b.cylinder((0, 0.25, 0), (0, 0.31, 0), 0.165, pot)
    if draw.chance(0.5):
        for _ in range(8):
            x, y, z = draw.spread(0.15), draw.spread(0.14), draw.spread(0.15)
            b.ellipsoid((x, 0.58 + y, z), tuple(draw.uniform(0.08, 0.19) for _ in range(3)), leaf)
        b.capsule((0, 0.2, 0), (0, 0.5, 0), 0.02, look.paint(draw, (0.15, 0.09, 0.04)))
        return
    for k in range(9):
        direction, lean = turn_y(0.7 * k + draw.uniform(0, 0.5)), draw.uniform(0.2, 0.75)
        tip_y = draw.uniform(0.55, 1.0)
        tip = (direction[0][2] * lean * 0.5, tip_y, direction[2][2] * lean * 0.5)
        b.capsule((0, 0.28, 0), tip, 0.012, leaf)
        b.ellipsoid(tip, (0.07, 0.03, 0.17), leaf, direction)


def screen(b: Builder, at: Vector, yaw: float, cls: str) -> None:
    """A television or monitor on a foot, on or off."""
    draw = b.draw
    b.begin(cls, at, yaw, draw.uniform(0.75, 1.15))
    case = look.rubber(draw)
    b.box((0, 0.36, 0), (0.43, 0.26, 0.03), case)
    if draw.chance(0.6):
        picture = Material(color=look.any_color(draw, "black"), second=look.any_color(draw), pattern=VIEW, glow=0.85)
    else:
        picture = Material(color=(0.012, 0.014, 0.018), gloss=0.9, grain=0.02)
    b.box((0, 0.365, 0.03), (0.405, 0.23, 0.004), picture)
    b.box((0, 0.06, -0.01), (0.05, 0.07, 0.03), case)
    b.box((0, 0.01, 0), (0.18, 0.012, 0.11), case)


def table_lamp(b: Builder, at: Vector, yaw: float) -> None:
    """A small lamp that is switched on."""
    b.begin("lamp", at, yaw)
    foot = look.paint(b.draw, gloss=0.5)
    b.ellipsoid((0, 0.09, 0), (0.07, 0.09, 0.07), foot)
    b.capsule((0, 0.1, 0), (0, 0.28, 0), 0.014, foot)
    b.cylinder((0, 0.26, 0), (0, 0.45, 0), 0.13, shade(b))


def pillow(b: Builder, at: Vector, yaw: float) -> None:
    """A pillow, lying."""
    b.begin("pillow", at, yaw)
    b.ellipsoid((0, 0.08, 0), (0.28, 0.09, 0.19), look.fabric(b.draw, 10.0))


def books(b: Builder, at: Vector, yaw: float) -> None:
    """A stack of books, or a row of them."""
    draw = b.draw
    b.begin("books", at, yaw)
    if draw.chance(0.6):
        for k in range(draw.integer(3, 7)):
            b.box((draw.spread(0.012), 0.022 + 0.044 * k, draw.spread(0.012)), (0.13, 0.021, 0.095), look.paint(draw))
    else:
        spines = Material(color=look.any_color(draw), pattern=SPINES, scale=28.0, grain=0.1)
        b.box((0, 0.12, 0), (0.2, 0.12, 0.08), spines)


def paper(b: Builder, at: Vector, yaw: float) -> None:
    """A few sheets of paper."""
    b.begin("paper", at, yaw)
    for k in range(b.draw.integer(1, 4)):
        sheet = look.paint(b.draw, (0.82, 0.82, 0.78))
        b.box((b.draw.spread(0.07), 0.003 + 0.004 * k, b.draw.spread(0.05)), (0.11, 0.002, 0.15), sheet)


def clothes(b: Builder, at: Vector, yaw: float) -> None:
    """A heap of clothes."""
    draw = b.draw
    b.begin("clothes", at, yaw)
    for _ in range(4):
        radii = (draw.uniform(0.1, 0.2), draw.uniform(0.04, 0.08), draw.uniform(0.1, 0.2))
        b.ellipsoid((draw.spread(0.09), radii[1] * 0.8, draw.spread(0.09)), radii, look.fabric(draw, 10.0))


def box(b: Builder, at: Vector, yaw: float) -> None:
    """A cardboard box with tape."""
    draw = b.draw
    b.begin("box", at, yaw, draw.uniform(0.7, 1.3))
    b.box((0, 0.14, 0), (0.2, 0.14, 0.16), look.paint(draw, (0.36, 0.23, 0.12), grain=0.12))
    b.box((0, 0.141, 0), (0.03, 0.141, 0.161), look.paint(draw, (0.55, 0.45, 0.30)))


def bag(b: Builder, at: Vector, yaw: float) -> None:
    """A bag with a handle."""
    b.begin("bag", at, yaw)
    cloth = look.paint(b.draw, grain=0.15)
    b.ellipsoid((0, 0.15, 0), (0.21, 0.17, 0.11), cloth)
    b.box((0, 0.11, 0), (0.19, 0.11, 0.09), cloth)
    strap = look.rubber(b.draw)
    for a, c in (
        ((-0.1, 0.28, 0), (-0.07, 0.42, 0)),
        ((0.1, 0.28, 0), (0.07, 0.42, 0)),
        ((-0.07, 0.42, 0), (0.07, 0.42, 0)),
    ):
        b.capsule(a, c, 0.014, strap)


def sink(b: Builder, at: Vector, yaw: float) -> None:
    """A sink set into a counter."""
    b.begin("sink", at, yaw)
    basin(b, 0.02)


def towel(b: Builder, at: Vector, yaw: float) -> None:
    """Folded towels."""
    b.begin("towel", at, yaw)
    for k in range(b.draw.integer(1, 4)):
        b.box((0, 0.03 + 0.06 * k, 0), (0.17, 0.028, 0.12), look.fabric(b.draw, 14.0))


def trinket(b: Builder, at: Vector, yaw: float) -> None:
    """A thing without a class of its own: a cup, a ball, a bowl of fruit, a bottle or a plant."""
    draw, kind = b.draw, b.draw.integer(0, 5)
    if kind == 0:
        bottle(b, at, yaw, "otherprop")
        return
    if kind == 1:
        plant(b, at, yaw, "otherprop", 0.45)
        return
    b.begin("otherprop", at, yaw)
    if kind == 2:
        cup = look.paint(draw, gloss=0.5)
        b.cylinder((0, 0, 0), (0, 0.11, 0), 0.045, cup)
        b.capsule((0.05, 0.03, 0), (0.075, 0.06, 0), 0.01, cup)
        b.capsule((0.075, 0.06, 0), (0.05, 0.09, 0), 0.01, cup)
    elif kind == 3:
        b.ellipsoid((0, 0.1, 0), (0.1, 0.1, 0.1), look.fabric(draw, 12.0))
    else:
        b.ellipsoid((0, 0.04, 0), (0.15, 0.05, 0.15), look.ceramic(draw))
        for x, z in ((-0.05, 0.02), (0.05, 0.03), (0.0, -0.05)):
            b.ellipsoid((x, 0.1, z), (0.045, 0.045, 0.045), look.paint(draw, look.any_color(draw, "black", "grey")))
