"""Furnished rooms with the 40 classes of NYUD-v2: bedroom, living room, kitchen, bathroom, office."""

from collections.abc import Callable
from math import pi

from densemoe.data.scenes import bathroom, furniture, small, storage
from densemoe.data.scenes import materials as look
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.floorplan import BACK, FloorPlan
from densemoe.data.scenes.people import SIT, STAND, WALK, person
from densemoe.data.scenes.setting import Setting, any_sky, enclose
from densemoe.data.scenes.vectors import Vector, rotate, turn_y


def television(b: Builder, at: Vector, yaw: float) -> None:
    """A television that faces the room."""
    small.screen(b, at, yaw, "television")


_ANYWHERE = (small.trinket, small.books, small.box, small.paper, small.bag)


def _hang_some(plan: FloorPlan, names: tuple[str, ...], count: int) -> None:
    for name in plan.draw.shuffled(names)[:count]:
        plan.hang(name)


def _floor_mat(b: Builder, at: Vector, yaw: float) -> None:
    b.begin("floor mat", at, yaw)
    cloth, half = look.fabric(b.draw, 4.0), (b.draw.uniform(0.5, 0.95), 0.006, b.draw.uniform(0.35, 0.7))
    b.box((0, 0.006, 0), half, cloth)
    b.box((0, 0.007, 0), (half[0] * 0.85, 0.007, half[2] * 0.8), look.fabric(b.draw, 4.0))


def _seated(b: Builder, at: Vector, yaw: float, seat: float) -> None:
    forward = rotate(turn_y(yaw), (0.0, 0.0, 0.05))
    person(b, (at[0] + forward[0], 0.0, at[2] + forward[2]), yaw, b.draw.uniform(1.55, 1.85), SIT, seat)


def _standing(b: Builder, at: Vector, yaw: float) -> None:
    person(b, at, b.draw.spread(1.2), b.draw.uniform(1.55, 1.85), b.draw.pick((STAND, WALK)))


def _table_with_chairs(plan: FloorPlan, half: Vector, chairs: int) -> None:
    draw = plan.draw
    placed = plan.on_floor(furniture.table, half[0] + 0.5, "table", half, yaw=draw.spread(0.25))
    if placed is None:
        return
    tops, at, yaw = placed
    plan.load(tops * 3, (*_ANYWHERE, small.trinket, small.trinket), 0.6)
    places = ((0.0, -half[2] - 0.2, 0.0), (-half[0] - 0.2, 0.0, pi / 2), (half[0] + 0.2, 0.0, -pi / 2))
    for x, z, turn in draw.shuffled(places)[:chairs]:
        shift = rotate(turn_y(yaw), (x, 0.0, z))
        spot = (at[0] + shift[0], 0.0, at[2] + shift[2])
        furniture.chair(plan.b, spot, yaw + turn + draw.spread(0.15))
        if draw.chance(0.15):
            _seated(plan.b, spot, yaw + turn, furniture.CHAIR_SEAT)


def _bedroom(plan: FloorPlan) -> None:
    draw = plan.draw
    placed = plan.against_wall(furniture.bed, 0.9, 1.1)
    if placed:
        tops = placed[0]
        plan.load([tops[0]] * 2, (small.pillow,), 0.85)
        plan.load(tops[1:], (small.clothes, small.pillow, small.bag, small.books), 0.6)
    plan.load(_tops(plan.against_wall(storage.chest, 0.26, 0.24, "night stand")), (small.table_lamp, small.books), 0.8)
    dresser = _tops(plan.against_wall(storage.chest, 0.58, 0.28, "dresser"))
    plan.load(dresser, (television, small.table_lamp, small.trinket, small.books, small.box), 0.85)
    if draw.chance(0.5):
        plan.against_wall(storage.shelf, 0.55, 0.18, draw.pick(("bookshelf", "shelves")))
    if draw.chance(0.4):
        _desk_and_chair(plan)
    if draw.chance(0.4):
        plan.on_floor(small.clothes, 0.3)
    if draw.chance(0.3):
        plan.on_floor(storage.block, 0.4, "otherfurniture")
    _hang_some(plan, ("window", "curtain", "blinds", "picture", "mirror", "door", "clothes", "picture"), 4)


def _living_room(plan: FloorPlan) -> None:
    draw = plan.draw
    for _ in range(draw.integer(1, 3)):
        placed = plan.against_wall(furniture.sofa, 1.15, 0.5)
        if placed:
            tops, at, yaw = placed
            if draw.chance(0.25):
                _seated(plan.b, at, yaw, furniture.SOFA_SEAT + 0.02)
            else:
                plan.load(tops * 2, (small.pillow, small.pillow, small.clothes, small.books), 0.6)
    low = plan.on_floor(furniture.table, 0.6, "table", (0.5, 0.42, 0.32), yaw=draw.spread(0.2))
    plan.load(_tops(low) * 3, (small.trinket, small.books, small.paper, small.bag), 0.5)
    stand = _tops(plan.against_wall(storage.chest, 0.52, 0.28, draw.pick(("cabinet", "dresser"))))
    plan.load(stand, (television, television, small.trinket, small.table_lamp), 0.9)
    if draw.chance(0.6):
        plan.against_wall(furniture.floor_lamp, 0.22, 0.22)
    if draw.chance(0.7):
        plan.against_wall(storage.shelf, 0.55, 0.18, draw.weighted({"bookshelf": 2.0, "shelves": 1.0}))
    if draw.chance(0.5):
        plan.on_floor(storage.block, 0.4, draw.pick(("otherfurniture", "otherstructure")))
    if draw.chance(0.3):
        plan.on_floor(_standing, 0.35)
    _hang_some(plan, ("window", "curtain", "picture", "picture", "door", "television", "blinds"), 4)


def _kitchen(plan: FloorPlan) -> None:
    draw, wide = plan.draw, plan.draw.uniform(0.9, 1.3)
    placed = plan.against_wall(storage.counter, wide, 0.33, wide, wall=BACK if draw.chance(0.6) else None)
    if placed:
        tops, at, yaw = placed
        small.sink(plan.b, (at[0], 0.885, at[2]), yaw)
        plan.load(tops * 2, (small.trinket, small.box, small.paper, small.towel, small.bag), 0.7)
        if draw.chance(0.7):
            back = rotate(turn_y(yaw), (0.0, 0.0, -0.17))
            storage.wall_cabinet(plan.b, (at[0] + back[0], 0.0, at[2] + back[2]), yaw, wide)
    plan.against_wall(storage.fridge, 0.38, 0.37)
    _table_with_chairs(plan, (draw.uniform(0.55, 0.8), 0.74, 0.42), draw.integer(1, 4))
    if draw.chance(0.5):
        plan.load(_tops(plan.against_wall(storage.chest, 0.5, 0.28, "cabinet")), _ANYWHERE, 0.8)
    if draw.chance(0.4):
        plan.on_floor(small.box, 0.3)
    if draw.chance(0.25):
        plan.on_floor(_standing, 0.35)
    _hang_some(plan, ("window", "towel", "picture", "door", "paper", "blinds"), 3)


def _bathroom(plan: FloorPlan) -> None:
    draw = plan.draw
    tub = plan.against_wall(bathroom.bathtub, 0.84, 0.44)
    if tub and draw.chance(0.7):
        _, at, yaw = tub
        front = rotate(turn_y(yaw), (0.0, 0.0, 0.5))
        bathroom.shower_curtain(plan.b, (at[0] + front[0], 0.0, at[2] + front[2]), yaw)
    plan.against_wall(bathroom.toilet, 0.3, 0.4)
    basin = plan.against_wall(bathroom.wash_stand, 0.34, 0.28)
    plan.load(_tops(basin), (small.towel, small.trinket), 0.8)
    if draw.chance(0.6):
        plan.load(_tops(plan.against_wall(storage.chest, 0.5, 0.28, "cabinet")), (small.towel, small.trinket), 0.8)
    if draw.chance(0.5):
        plan.on_floor(draw.pick((small.clothes, small.bag, small.box)), 0.3)
    _hang_some(plan, ("mirror", "towel", "door", "window", "towel", "clothes", "mirror"), 4)


def _office(plan: FloorPlan) -> None:
    draw = plan.draw
    for _ in range(draw.integer(1, 4)):
        _desk_and_chair(plan)
    plan.against_wall(storage.shelf, 0.55, 0.18, draw.pick(("bookshelf", "shelves")))
    if draw.chance(0.4):
        _table_with_chairs(plan, (0.8, 0.74, 0.45), draw.integer(1, 4))
    if draw.chance(0.6):
        plan.on_floor(draw.pick((small.box, small.bag)), 0.3)
    if draw.chance(0.35):
        plan.against_wall(storage.block, 0.55, 0.26, "otherstructure")
    if draw.chance(0.35):
        plan.on_floor(_standing, 0.35)
    _hang_some(plan, ("whiteboard", "blinds", "window", "paper", "picture", "door", "paper"), 4)


def _desk_and_chair(plan: FloorPlan) -> None:
    placed = plan.against_wall(furniture.desk, 0.82, 0.4)
    if placed is None:
        return
    tops, at, yaw = placed
    plan.load(tops[:1], (television, television, small.table_lamp), 0.8)
    plan.load(tops[1:] * 2, (small.books, small.paper, small.trinket, small.box, small.bag), 0.8)
    front = rotate(turn_y(yaw), (0.0, 0.0, 0.62))
    spot = (at[0] + front[0], 0.0, at[2] + front[2])
    plan.reserve(spot[0], spot[2], 0.3, 0.3)
    facing = yaw + pi + plan.draw.spread(0.3)
    plan.draw.pick((furniture.office_chair, furniture.chair))(plan.b, spot, facing)
    if plan.draw.chance(0.2):
        _seated(plan.b, spot, facing, furniture.CHAIR_SEAT + 0.03)


def _tops(placed) -> list:
    return placed[0] if placed else []


# Share of each kind of room.
KINDS: dict[Callable[[FloorPlan], None], float] = {
    _bedroom: 0.25, _living_room: 0.22, _kitchen: 0.18, _bathroom: 0.17, _office: 0.18,
}  # fmt: skip
COMPACT = (_kitchen, _bathroom)  # kinds that are smaller than the others


def nyud_room(draw: Draw) -> Setting:
    """One furnished room, seen by a person standing at its open end."""
    b = Builder(draw)
    furnish = draw.weighted(KINDS)
    shrink = 0.78 if furnish in COMPACT else 1.0
    half_width, depth, behind = draw.uniform(1.7, 2.6) * shrink, draw.uniform(2.3, 4.2) * shrink, draw.uniform(1.3, 2.2)
    room = enclose(b, half_width, depth, behind, draw.uniform(2.4, 2.8))
    plan = FloorPlan(b, room)
    position = (draw.uniform(-0.5, 0.5) * half_width, draw.uniform(1.25, 1.7), behind - draw.uniform(0.15, 0.4))
    plan.reserve(position[0], position[2], 0.8, 1.3)
    furnish(plan)
    if draw.chance(0.5):
        _floor_mat(b, (draw.spread(0.4) * half_width, 0.0, -depth * draw.uniform(0.1, 0.5)), draw.spread(0.2))
    target = (draw.uniform(-0.35, 0.35) * half_width, draw.uniform(0.5, 1.05), -depth * draw.uniform(0.45, 0.8))
    return Setting(b, position, target, draw.uniform(0.52, 0.66), room, any_sky(draw))
