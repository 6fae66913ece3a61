"""The six kinds of PASCAL-like scenes: road, pasture, airport, water, railway, room."""

from dataclasses import dataclass
from math import pi

from densemoe.data.scenes import animals, cycles, furniture, landscape, people, small, storage, vehicles
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.floorplan import FloorPlan
from densemoe.data.scenes.setting import Setting, any_sky, enclose
from densemoe.data.scenes.vectors import Vector, length, rotate, subtract, turn_y

KINDS = {"road": 0.24, "pasture": 0.20, "airport": 0.07, "water": 0.08, "railway": 0.07, "room": 0.34}
PEOPLE_CHANCE = 0.27  # of a group of people, besides riders and sitters

# What a scene of each kind is about, and what may stand around. Weights.
MAIN = {
    "road": {"car": 3.0, "bus": 1.6, "motorbike": 1.6, "bicycle": 1.6},
    "pasture": {"cow": 1.5, "sheep": 1.5, "horse": 1.5, "dog": 1.0, "bird": 1.3, "bicycle": 0.4},
    "airport": {"aeroplane": 1.0},
    "water": {"boat": 1.0},
    "railway": {"train": 1.0},
    "room": {
        "chair": 1.0,
        "sofa": 1.2,
        "diningtable": 1.5,
        "tvmonitor": 1.2,
        "pottedplant": 1.0,
        "cat": 1.6,
        "dog": 0.9,
    },
}
OTHERS = {
    "road": {"car": 2.0, "bicycle": 1.0, "motorbike": 1.0, "dog": 0.6, "bird": 0.3},
    "pasture": {"cow": 1.0, "sheep": 1.5, "horse": 0.8, "dog": 0.5, "bird": 0.8},
    "airport": {"car": 1.0, "bus": 0.5, "aeroplane": 0.7},
    "water": {"boat": 1.0, "bird": 1.0},
    "railway": {"bicycle": 1.0, "dog": 0.5},
    "room": {
        "chair": 1.5,
        "pottedplant": 1.0,
        "sofa": 0.7,
        "tvmonitor": 0.7,
        "cat": 0.5,
        "dog": 0.4,
        "diningtable": 0.7,
    },
}


@dataclass(frozen=True)
class _Size:
    """Metres: footprint radius, height to look at, and the distances at which it makes a good main object."""

    radius: float
    aim: float
    near: float
    far: float


SIZES = {
    "aeroplane": _Size(5.5, 1.6, 12.0, 17.0), "bicycle": _Size(0.9, 0.55, 2.3, 4.0), "bird": _Size(0.3, 0.3, 1.2, 2.4),
    "boat": _Size(2.7, 1.2, 6.0, 10.0), "bus": _Size(4.6, 1.6, 11.0, 16.0), "car": _Size(2.1, 0.75, 4.8, 8.5),
    "cat": _Size(0.35, 0.25, 1.1, 2.0), "chair": _Size(0.35, 0.55, 1.8, 3.4), "cow": _Size(1.2, 0.9, 3.2, 5.5),
    "diningtable": _Size(0.95, 0.7, 2.2, 3.4), "dog": _Size(0.5, 0.4, 1.6, 3.0), "horse": _Size(1.2, 1.1, 3.4, 5.5),
    "motorbike": _Size(1.0, 0.6, 2.6, 4.4), "pottedplant": _Size(0.35, 0.5, 1.4, 2.8),
    "sofa": _Size(1.0, 0.45, 2.5, 3.8), "train": _Size(5.0, 1.8, 9.0, 13.0),
    "tvmonitor": _Size(0.6, 0.8, 1.9, 3.2), "sheep": _Size(0.7, 0.55, 2.2, 4.0),
}  # fmt: skip


class _Layout:
    """Places objects in front of the camera without overlap."""

    def __init__(self, b: Builder, kind: str) -> None:
        self.b, self.draw, self.kind = b, b.draw, kind
        self._spots: list[tuple[float, float, float]] = []
        self.depth_limit = 4.6 if kind == "room" else 1e9

    def spot(self, radius: float, near: float, far: float, spread: float) -> Vector | None:
        """A free place on the ground at a distance in [near, far) and at most ``spread`` times it to the side."""
        for _ in range(12):
            distance = self.draw.uniform(near, far)
            x, z = self.draw.uniform(-spread, spread) * distance, -min(distance, self.depth_limit - radius)
            if all(length((x - a, 0.0, z - c)) > radius + r for a, c, r in self._spots):
                self._spots.append((x, z, radius))
                return (x, 0.0, z)
        return None

    def people(self, count: int, near: float) -> None:
        """Standing and walking people from a distance ``near`` on, most of them facing the camera."""
        for _ in range(count):
            at = self.spot(0.33, near, near * 1.4 + 1.6, 0.36)
            if at:
                yaw = self.draw.spread(0.7) + (pi if self.draw.chance(0.15) else 0.0)
                pose = self.draw.pick((people.STAND, people.WALK))
                people.person(self.b, at, yaw, self.draw.uniform(1.5, 1.9), pose)

    def put(self, cls: str, at: Vector) -> None:
        """One object of a class, turned so that it shows its side more often than its front."""
        draw, b = self.draw, self.b
        yaw = draw.sign() * draw.uniform(0.35, 1.75)
        if cls in animals.BUILDS:
            back = animals.quadruped(b, cls, at, yaw)
            if cls == "horse" and draw.chance(0.35):
                people.person(b, at, yaw, draw.uniform(1.55, 1.8), people.RIDE, back - 0.08)
        elif cls in ("bicycle", "motorbike"):
            self._cycle(cls, at, yaw)
        elif cls in ("car", "bus", "train", "aeroplane", "boat"):
            yaw = draw.sign() * (draw.uniform(0.5, 1.0) if cls == "train" else draw.uniform(0.4, 2.3))
            if cls == "train":  # the spot is for its front: the coaches trail behind
                back = rotate(turn_y(yaw), (0.0, 0.0, -7.0))
                at = (at[0] + back[0], 0.0, at[2] + back[2])
            getattr(vehicles, cls)(b, at, yaw)
        elif cls == "bird":
            animals.bird(b, (at[0], draw.pick((0.0, 0.0, 0.45)), at[2]), yaw)
        else:
            self._household(cls, at)

    def _cycle(self, cls: str, at: Vector, yaw: float) -> None:
        draw, b = self.draw, self.b
        make, seat = (
            (cycles.bicycle, cycles.BICYCLE_SEAT) if cls == "bicycle" else (cycles.motorbike, cycles.MOTORBIKE_SEAT)
        )
        make(b, at, yaw)
        if draw.chance(0.35):
            shift = rotate(turn_y(yaw), (0.0, 0.0, -0.24))
            people.person(b, (at[0] + shift[0], 0.0, at[2] + shift[2]), yaw, draw.uniform(1.6, 1.85), people.RIDE, seat)

    def _household(self, cls: str, at: Vector) -> None:
        draw, b = self.draw, self.b
        yaw = draw.spread(0.6)
        if cls == "chair":
            furniture.chair(b, at, draw.uniform(-1.2, 1.2))
            self._sitter(at, yaw, furniture.CHAIR_SEAT)
        elif cls == "sofa":
            furniture.sofa(b, at, yaw)
            self._sitter(at, yaw, furniture.SOFA_SEAT + 0.02)
        elif cls == "pottedplant":
            small.plant(b, at, yaw, size=draw.uniform(0.9, 1.5))
        elif cls == "tvmonitor":
            stand = storage.chest(b, at, yaw * 0.4, "cabinet", tall=False)[0]
            small.screen(b, (at[0], stand.y, at[2]), yaw * 0.4, "tvmonitor")
        else:
            self._dining_table(at, yaw * 0.4)

    def _sitter(self, at: Vector, yaw: float, seat: float) -> None:
        if self.draw.chance(0.3):
            people.person(self.b, at, yaw, self.draw.uniform(1.55, 1.85), people.SIT, seat)

    def _dining_table(self, at: Vector, yaw: float) -> None:
        draw, b = self.draw, self.b
        half = (draw.uniform(0.6, 0.9), 0.74, draw.uniform(0.38, 0.5))
        top = furniture.table(b, at, yaw, "diningtable", half)[0]
        for _ in range(draw.integer(1, 4)):
            place = (top.x + draw.uniform(-0.7, 0.7) * top.half_x, top.y, top.z + draw.uniform(-0.7, 0.7) * top.half_z)
            small.bottle(b, place, 0.0)
        for x, z, turn in ((0.0, -half[2] - 0.15, 0.0), (-half[0] - 0.15, 0.0, pi / 2), (half[0] + 0.15, 0.0, -pi / 2)):
            if draw.chance(0.55):
                shift = rotate(turn_y(yaw), (x, 0.0, z))
                spot = (at[0] + shift[0], 0.0, at[2] + shift[2])
                furniture.chair(b, spot, yaw + turn + draw.spread(0.1))
                self._sitter(spot, yaw + turn, furniture.CHAIR_SEAT)


def pascal_scene(draw: Draw) -> Setting:
    """One scene: a main object near the middle, a few others, sometimes people, and a background of its kind."""
    b, kind = Builder(draw), draw.weighted(KINDS)
    layout, room = _Layout(b, kind), None
    main = draw.weighted(MAIN[kind])
    size = SIZES[main]
    at = layout.spot(size.radius * 0.8, size.near, size.far, 0.1)
    layout.put(main, at)
    if draw.chance(PEOPLE_CHANCE):
        layout.people(draw.integer(1, 4), 2.1 if size.aim > 0.6 else 3.0)
    for _ in range(draw.integer(0, 4)):
        cls = draw.weighted(OTHERS[kind])
        other = SIZES[cls]
        place = layout.spot(other.radius, max(other.near, size.near * 0.8), other.far + size.far * 0.8, 0.45)
        if place:
            layout.put(cls, place)
    if kind == "room":
        half_width = draw.uniform(2.2, 3.2)
        room = enclose(b, half_width, 5.2, 1.5, draw.uniform(2.45, 2.8))
        plan = FloorPlan(b, room)
        for name in draw.shuffled(("window", "picture", "door", "curtain", "picture"))[: draw.integer(1, 5)]:
            plan.hang(name)
        if draw.chance(0.4):
            landscape.rug(b, (at[0] * 0.5, 0.0, at[2] * 0.9))
    else:
        landscape.surround(b, kind)
    eye = draw.uniform(0.45, 0.9) if size.aim < 0.35 else draw.uniform(1.0, 1.75)
    position = (draw.spread(0.2), eye, 0.0)
    aim = (at[0] * 0.8, size.aim + 0.25 * (eye - size.aim), at[2])
    if length(subtract(aim, position)) < 2.5 and len(b.objects) > 2:
        aim = (aim[0], aim[1] + 0.2, aim[2])
    return Setting(b, position, aim, draw.uniform(0.39, 0.53), room, any_sky(draw))
