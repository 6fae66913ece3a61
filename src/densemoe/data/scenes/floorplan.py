"""Where things go in a room: against a wall, free on the floor, on a wall, or on top of other things."""

from collections.abc import Callable, Sequence
from math import pi

from densemoe.data.scenes.builder import Builder, Top
from densemoe.data.scenes.shading import Room
from densemoe.data.scenes.vectors import Vector
from densemoe.data.scenes.walls import HALF_WIDTHS, wall_item

BACK, LEFT, RIGHT = range(3)
_YAWS = (0.0, pi / 2, -pi / 2)
TRIES = 10


class FloorPlan:
    """Keeps rectangles of the floor and stretches of wall that are taken. Whatever does not fit is left out."""

    def __init__(self, b: Builder, room: Room) -> None:
        self.b, self.draw, self.room = b, b.draw, room
        self._taken: list[tuple[float, float, float, float]] = []  # x, z, half x, half z
        self._hung: list[tuple[int, float, float]] = []  # wall, place along it, half width

    def reserve(self, x: float, z: float, half_x: float, half_z: float) -> None:
        """Keep a rectangle free of furniture."""
        self._taken.append((x, z, half_x, half_z))

    def _free(self, x: float, z: float, half_x: float, half_z: float) -> bool:
        return all(abs(x - a) > half_x + c or abs(z - b) > half_z + d for a, b, c, d in self._taken)

    def _stretch(self, wall: int, half_width: float) -> float | None:
        """A random place along a wall (x for the back wall, z for the others), within sight of the camera."""
        (x0, x1), _, (z0, z1) = self.room
        low, high = (x0, x1) if wall == BACK else (z0, z0 + (z1 - z0) * 0.72)
        if high - low < 2 * half_width:
            return None
        return self.draw.uniform(low + half_width, high - half_width)

    def _spot(self, wall: int, along: float, gap: float) -> Vector:
        (x0, x1), _, (z0, _) = self.room
        return ((along, 0.0, z0 + gap), (x0 + gap, 0.0, along), (x1 - gap, 0.0, along))[wall]

    def against_wall(
        self, make: Callable[..., list[Top]], half_width: float, half_depth: float, *args, wall: int | None = None
    ) -> tuple[list[Top], Vector, float] | None:
        """Stand something with its back against a wall: ``make(builder, at, yaw, *args)``."""
        for _ in range(TRIES):
            side = self.draw.weighted({BACK: 2.0, LEFT: 1.0, RIGHT: 1.0}) if wall is None else wall
            along = self._stretch(side, half_width)
            if along is None:
                continue
            at = self._spot(side, along, half_depth + 0.02)
            halves = (half_width, half_depth) if side == BACK else (half_depth, half_width)
            if self._free(at[0], at[2], *halves):
                self.reserve(at[0], at[2], *halves)
                return make(self.b, at, _YAWS[side], *args), at, _YAWS[side]
        return None

    def on_floor(
        self, make: Callable[..., list[Top] | None], radius: float, *args, yaw: float | None = None
    ) -> tuple[list[Top], Vector, float] | None:
        """Put something anywhere on the free floor in front of the camera."""
        (x0, x1), _, (z0, z1) = self.room
        for _ in range(TRIES):
            x = self.draw.uniform(x0 + radius, x1 - radius)
            z = self.draw.uniform(z0 + radius, z0 + (z1 - z0) * 0.65)
            if self._free(x, z, radius, radius):
                self.reserve(x, z, radius, radius)
                turn = self.draw.uniform(-pi, pi) if yaw is None else yaw
                return make(self.b, (x, 0.0, z), turn, *args) or [], (x, 0.0, z), turn
        return None

    def hang(self, name: str, wall: int | None = None) -> bool:
        """Hang an item of ``walls`` on a wall, if there is room for it."""
        half = HALF_WIDTHS[name]
        for _ in range(TRIES):
            side = self.draw.weighted({BACK: 2.0, LEFT: 1.0, RIGHT: 1.0}) if wall is None else wall
            along = self._stretch(side, half)
            if along is not None and all(s != side or abs(along - a) > half + w for s, a, w in self._hung):
                self._hung.append((side, along, half))
                wall_item(self.b, name, self._spot(side, along, 0.0), _YAWS[side])
                return True
        return False

    def load(self, tops: Sequence[Top], things: Sequence[Callable], chance: float) -> None:
        """Put one small thing on each top with the given chance."""
        for top in tops:
            if self.draw.chance(chance):
                x = top.x + self.draw.uniform(-0.7, 0.7) * top.half_x
                z = top.z + self.draw.uniform(-0.7, 0.7) * top.half_z
                self.draw.pick(things)(self.b, (x, top.y, z), self.draw.spread(0.4))
