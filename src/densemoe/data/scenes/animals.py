"""Animals of the VOC classes: five quadrupeds and a bird. The front is +z."""

from dataclasses import dataclass

from densemoe.data.scenes import materials as look
from densemoe.data.scenes import vectors as vec
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.materials import BLOTCHES, PLAIN, STRIPES, Material
from densemoe.data.scenes.vectors import Vector, turn_x, turn_z


@dataclass(frozen=True)
class _Build:
    """Measures in metres, at full size."""

    body: float  # length of the trunk between the legs
    girth: float  # radius of the trunk
    leg: float  # ground to belly
    neck: Vector  # from the shoulder to the head: (unused, up, forward)
    head: Vector  # radii of the skull
    muzzle: float  # length
    thick: float  # radius of the neck
    tail: Vector  # end of the tail from the rump: (radius, up, forward)
    coats: tuple[Vector, ...]
    pattern: int = PLAIN
    grain: float = 0.15


_WHITE, _BLACK, _BROWN = (0.78, 0.75, 0.70), (0.025, 0.022, 0.02), (0.20, 0.09, 0.04)
_TAN, _ORANGE, _GREY = (0.42, 0.25, 0.11), (0.50, 0.20, 0.05), (0.17, 0.17, 0.18)

BUILDS = {
    "cat": _Build(
        0.30, 0.085, 0.17, (0, 0.11, 0.10), (0.075, 0.07, 0.075), 0.04, 0.05, (0.018, 0.30, -0.12),
        (_ORANGE, _ORANGE, _GREY, _BLACK, _WHITE), STRIPES,
    ),
    "dog": _Build(
        0.46, 0.125, 0.32, (0, 0.20, 0.17), (0.09, 0.09, 0.11), 0.14, 0.08, (0.025, 0.22, -0.18),
        (_TAN, _BLACK, _BROWN, _WHITE), BLOTCHES,
    ),
    "sheep": _Build(
        0.62, 0.27, 0.30, (0, 0.14, 0.22), (0.095, 0.10, 0.14), 0.12, 0.13, (0.05, -0.12, -0.06),
        (_WHITE, _WHITE, (0.5, 0.45, 0.36)), PLAIN, 0.5,
    ),
    "cow": _Build(
        1.25, 0.36, 0.62, (0, 0.22, 0.42), (0.15, 0.17, 0.20), 0.27, 0.19, (0.035, -0.55, -0.10),
        (_WHITE, _BROWN, _TAN, _BLACK), BLOTCHES,
    ),
    "horse": _Build(
        1.20, 0.31, 0.82, (0, 0.48, 0.50), (0.12, 0.14, 0.20), 0.36, 0.20, (0.07, -0.55, -0.22),
        (_BROWN, _TAN, _BLACK, _WHITE), PLAIN,
    ),
}  # fmt: skip


def quadruped(b: Builder, cls: str, at: Vector, yaw: float) -> float:
    """A cat, dog, sheep, cow or horse standing at ``at``; returns the height of its back in metres."""
    draw, build = b.draw, BUILDS[cls]
    size = draw.uniform(0.9, 1.12)
    b.begin(cls, at, yaw, size)
    coat_color = look.vary(draw, draw.pick(build.coats))
    second = _BLACK if sum(coat_color) > 0.5 else _WHITE
    if build.pattern == STRIPES:
        second = tuple(c * 0.6 for c in coat_color)
    patterned = draw.chance(0.75 if cls == "cow" else 0.5)
    coat = Material(
        color=coat_color, second=second, pattern=build.pattern if patterned else PLAIN,
        scale=26.0 if cls == "cat" else 1.6 if cls == "cow" else 4.0, grain=build.grain,
    )  # fmt: skip
    dark = look.paint(draw, (0.05, 0.04, 0.035) if cls == "sheep" else tuple(c * 0.5 for c in coat_color))
    back = build.leg + 2 * build.girth
    front, rear, axis = build.body * 0.5, -build.body * 0.5, build.leg + build.girth
    b.capsule((0, axis, rear), (0, axis * 1.02, front), build.girth * 0.95, coat)
    b.ellipsoid((0, axis - build.girth * 0.15, 0), (build.girth * 1.03, build.girth, build.body * 0.62), coat)
    _legs(b, build, coat, dark, front, rear)
    _head(b, cls, build, coat, dark, (0.0, axis + build.girth * 0.45, front + build.girth * 0.35))
    rump = (0.0, axis + build.girth * 0.6, rear - build.girth * 0.75)
    radius, up, forward = build.tail
    b.capsule(rump, (0.0, rump[1] + up, rump[2] + forward), radius, dark if cls in ("cow", "horse") else coat)
    return back * size


def _legs(b: Builder, build: _Build, coat: Material, dark: Material, front: float, rear: float) -> None:
    for z, bend in ((front, 0.02), (rear, -0.05)):
        for side in (-1, 1):
            x, step = side * build.girth * 0.52, b.draw.uniform(-0.1, 0.1) * build.leg
            top = (x, build.leg + build.girth * 0.6, z)
            knee = (x, build.leg * 0.52, z + step * 0.5 + bend * build.leg)
            b.capsule(top, knee, build.girth * 0.27, coat)
            b.capsule(knee, (x, build.leg * 0.08, z + step), build.girth * 0.16, coat)
            b.capsule((x, 0.02, z + step), (x, 0.03, z + step + 0.02), build.girth * 0.17, dark)


def _head(b: Builder, cls: str, build: _Build, coat: Material, dark: Material, shoulder: Vector) -> None:
    _, up, forward = build.neck
    grazing = cls in ("cow", "sheep", "horse") and b.draw.chance(0.3)
    if grazing:
        up = 0.25 - shoulder[1]
        forward = forward * 1.3 + 0.1
    side = b.draw.spread(0.12) * build.body
    skull = (side, shoulder[1] + up, shoulder[2] + forward)
    face = dark if cls == "sheep" else coat
    rx, ry, rz = build.head
    drop = 0.75 if grazing else 0.25
    halfway = vec.middle(shoulder, skull)
    b.capsule(shoulder, halfway, build.thick, coat)
    b.capsule(halfway, skull, build.thick * 0.72, coat)
    b.ellipsoid(skull, (rx, ry, rz), face)
    nose = (side, skull[1] - build.muzzle * drop, skull[2] + build.muzzle)
    b.capsule(skull, nose, rx * 0.58, face)
    b.ellipsoid((side, nose[1], nose[2] + rx * 0.45), (rx * 0.4, rx * 0.35, rx * 0.25), dark)
    for s in (-1, 1):
        eye = (side + s * rx * 0.82, skull[1] + ry * 0.3, skull[2] + rz * 0.45)
        b.ellipsoid(eye, (rx * 0.14, rx * 0.14, rx * 0.14), look.paint(b.draw, (0.02, 0.02, 0.02), gloss=0.8))
        if cls in ("cow", "sheep"):
            b.ellipsoid((side + s * rx * 1.35, skull[1] + ry * 0.4, skull[2]), (rx * 0.5, rx * 0.25, rx * 0.18), face)
        else:
            tip = (side + s * rx * 0.62, skull[1] + ry * 1.05, skull[2] - rz * 0.1)
            hanging = cls == "dog" and not grazing
            ear = (rx * 0.24, ry * (0.62 if hanging else 0.5), rz * 0.16)
            b.ellipsoid(tip if not hanging else (side + s * rx * 0.98, skull[1] + ry * 0.1, skull[2]), ear, dark)
        if cls == "cow":
            horn = (side + s * rx * 0.75, skull[1] + ry * 0.85, skull[2])
            b.capsule(horn, (horn[0] + s * 0.12, horn[1] + 0.14, horn[2] + 0.03), 0.025, look.paint(b.draw, _WHITE))
    if cls == "horse":
        b.capsule(
            (0.0, shoulder[1] + build.thick * 0.7, shoulder[2] - build.thick * 0.5),
            (side, skull[1] + ry * 0.7, skull[2] - build.thick * 0.6), build.thick * 0.32, dark,
        )  # fmt: skip


def bird(b: Builder, at: Vector, yaw: float) -> None:
    """A bird: standing when ``at`` is on the ground, flying with spread wings when it is above."""
    draw, flies = b.draw, at[1] > 0.3
    b.begin("bird", at, yaw, draw.uniform(1.0, 1.7))
    coat = Material(color=look.any_color(draw, "green", "pink", "purple"), grain=0.25, scale=14.0)
    wing = Material(color=tuple(c * 0.45 for c in coat.color), grain=0.3, scale=14.0)
    beak = look.paint(draw, (0.60, 0.28, 0.03))
    b.ellipsoid((0, 0.20, 0), (0.085, 0.09, 0.17), coat, turn_x(0.0 if flies else -0.35))
    b.ellipsoid((0, 0.315, 0.15), (0.058, 0.058, 0.066), coat)
    b.capsule((0, 0.31, 0.20), (0, 0.295, 0.27), 0.014, beak)
    b.ellipsoid((0, 0.17, -0.24), (0.05, 0.015, 0.14), wing, turn_x(0.15))
    for side in (-1, 1):
        b.ellipsoid((side * 0.045, 0.33, 0.185), (0.011, 0.011, 0.011), look.paint(draw, (0.01, 0.01, 0.01)))
        if flies:
            b.ellipsoid((side * 0.27, 0.27, 0.0), (0.25, 0.016, 0.09), wing, turn_z(side * 0.45))
        else:
            b.ellipsoid((side * 0.075, 0.205, -0.04), (0.025, 0.07, 0.15), wing, turn_x(-0.3))
            b.capsule((side * 0.035, 0.0, 0.01), (side * 0.035, 0.14, 0.0), 0.010, beak)
            b.capsule((side * 0.035, 0.005, 0.0), (side * 0.035, 0.005, 0.05), 0.010, beak)
