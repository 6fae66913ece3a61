"""People: jointed bodies that carry the real part names of PASCAL-Part."""

from dataclasses import dataclass

from densemoe.data.scenes import materials as look
from densemoe.data.scenes import vectors as vec
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.materials import Material
from densemoe.data.scenes.vectors import Vector

STAND, WALK, SIT, RIDE = "stand", "walk", "sit", "ride"


@dataclass(frozen=True)
class _Clothes:
    skin: Material
    hair: Material
    shirt: Material
    sleeve: Material  # of the lower arm
    trousers: Material
    shin: Material
    shoe: Material


def person(b: Builder, at: Vector, yaw: float, height: float = 1.72, pose: str = STAND, seat: float = 0.45) -> None:
    """A person facing ``yaw``; ``at`` is the spot on the ground below the hips.

    Poses: stand, walk, sit, ride (astride, hands on a handlebar or reins). ``height`` of the person and of the ``seat``
    they sit on are in metres.
    """
    size = height / 1.75
    b.begin("person", at, yaw, size)
    clothes = _dress(b)
    draw = b.draw
    hip = 0.92 if pose in (STAND, WALK) else seat / size + 0.1
    lean = {STAND: 0.02, WALK: 0.06, SIT: draw.uniform(-0.12, 0.15), RIDE: draw.uniform(0.1, 0.35)}[pose]
    spine = vec.turn_x(lean)

    def upper(point: Vector) -> Vector:
        """A point of the upper body, given relative to the hips, after leaning."""
        return vec.add((0.0, hip, 0.0), vec.rotate(spine, point))

    _torso_and_head(b, upper, clothes)
    stride = draw.uniform(0.3, 0.55) * draw.sign() if pose == WALK else draw.spread(0.06)
    for side, letter in ((1, "l"), (-1, "r")):
        swing = stride * side
        _arm(b, upper, side, letter, swing, pose, clothes)
        _leg(b, hip, side, letter, swing, pose, clothes)


def _dress(b: Builder) -> _Clothes:
    draw = b.draw
    skin, shirt = look.skin(draw), look.fabric(draw)
    trousers = look.paint(draw, look.any_color(draw, "yellow", "pink", "orange"), grain=0.15)
    sleeve = shirt if draw.chance(0.45) else skin
    shin = trousers if draw.chance(0.75) else skin
    shoe = look.paint(draw, look.any_color(draw, "green", "teal", "pink"))
    return _Clothes(skin, look.hair(draw), shirt, sleeve, trousers, shin, shoe)


def _torso_and_head(b: Builder, upper, clothes: _Clothes) -> None:
    skin, hair, shirt = clothes.skin, clothes.hair, clothes.shirt
    dark = look.paint(b.draw, (0.02, 0.015, 0.015))
    lips = look.paint(b.draw, (0.40, 0.10, 0.09))
    b.capsule(upper((0, 0.04, 0)), upper((0, 0.36, 0)), 0.155, shirt, "torso")
    b.ellipsoid(upper((0, 0.40, 0)), (0.225, 0.13, 0.135), shirt, part="torso")
    b.capsule(upper((0, 0.49, 0)), upper((0, 0.58, 0.01)), 0.062, skin, "neck")
    b.ellipsoid(upper((0, 0.695, 0.02)), (0.092, 0.13, 0.11), skin, part="head")
    b.ellipsoid(upper((0, 0.735, -0.018)), (0.104, 0.115, 0.112), hair, part="hair")
    if b.draw.chance(0.4):  # long hair
        b.ellipsoid(upper((0, 0.60, -0.075)), (0.10, 0.17, 0.05), hair, part="hair")
    b.ellipsoid(upper((0, 0.682, 0.13)), (0.016, 0.028, 0.02), skin, part="nose")
    b.ellipsoid(upper((0, 0.630, 0.105)), (0.032, 0.011, 0.018), lips, part="mouth")
    for side, letter in ((1, "l"), (-1, "r")):
        b.ellipsoid(upper((side * 0.036, 0.712, 0.115)), (0.016, 0.009, 0.012), dark, part=letter + "eye")
        b.ellipsoid(upper((side * 0.036, 0.735, 0.112)), (0.024, 0.006, 0.012), hair, part=letter + "ebrow")
        b.ellipsoid(upper((side * 0.098, 0.69, 0.01)), (0.014, 0.032, 0.02), skin, part=letter + "ear")


def _arm(b: Builder, upper, side: int, letter: str, swing: float, pose: str, clothes: _Clothes) -> None:
    draw = b.draw
    if pose == RIDE:
        forward, away, bend = 0.9, 0.25, 0.35
    elif pose == SIT:
        forward, away, bend = draw.uniform(0.15, 0.6), draw.uniform(0.1, 0.3), draw.uniform(0.7, 1.2)
    elif draw.chance(0.12):  # waving
        forward, away, bend = 2.6, 0.4, draw.uniform(0.1, 0.6)
    else:
        forward, away, bend = -swing + draw.spread(0.2), draw.uniform(0.08, 0.3), draw.uniform(0.1, 0.9)
    shoulder = upper((side * 0.22, 0.44, 0.0))
    elbow = vec.add(shoulder, vec.scale(_limb(forward, side * away), 0.29))
    wrist = vec.add(elbow, vec.scale(_limb(forward + bend, side * (away * 0.5 - 0.08)), 0.25))
    hand = vec.add(elbow, vec.scale(vec.subtract(wrist, elbow), 1.2))
    b.capsule(shoulder, elbow, 0.056, clothes.shirt, letter + "uarm")
    b.capsule(elbow, wrist, 0.043, clothes.sleeve, letter + "larm")
    b.ellipsoid(hand, (0.042, 0.055, 0.045), clothes.skin, part=letter + "hand")


def _leg(b: Builder, hip: float, side: int, letter: str, swing: float, pose: str, clothes: _Clothes) -> None:
    draw = b.draw
    thigh, shin, away = {
        STAND: (swing, swing - 0.03, 0.05),
        WALK: (swing, swing - draw.uniform(0.1, 0.6), 0.03),
        SIT: (1.5, draw.uniform(-0.15, 0.35), draw.uniform(0.02, 0.25)),
        RIDE: (0.95, -0.35, 0.45),
    }[pose]
    joint = (side * 0.10, hip, 0.0)
    knee = vec.add(joint, vec.scale(_limb(thigh, side * away), 0.43))
    ankle = vec.add(knee, vec.scale(_limb(shin, side * away * 0.2), 0.42))
    b.capsule(joint, knee, 0.085, clothes.trousers, letter + "uleg")
    b.capsule(knee, ankle, 0.06, clothes.shin, letter + "lleg")
    b.capsule(vec.add(ankle, (0, -0.03, 0.0)), vec.add(ankle, (0, -0.045, 0.14)), 0.043, clothes.shoe, letter + "foot")


def _limb(forward: float, sideways: float) -> Vector:
    """Direction of a hanging limb that is swung forward and then sideways (radians)."""
    down = vec.rotate(vec.turn_x(-forward), (0.0, -1.0, 0.0))
    return vec.rotate(vec.turn_z(sideways), down)
