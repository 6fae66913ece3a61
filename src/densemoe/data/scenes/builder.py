"""Puts primitives into a scene, object by object."""

from dataclasses import dataclass
from math import sqrt

from densemoe.data.scenes import vectors as vec
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.materials import Material
from densemoe.data.scenes.primitives import BOX, CAPSULE, CYLINDER, ELLIPSOID, PLANE
from densemoe.data.scenes.vectors import IDENTITY, Rotation, Vector


@dataclass(frozen=True, slots=True)
class Primitive:
    """One surface: its frame, its bounding sphere, its look, and what it belongs to."""

    kind: int
    rotation: Rotation
    origin: Vector
    shape: Vector
    center: Vector
    radius: float
    material: Material
    cls: str
    number: int  # of the object; 0 is the backdrop
    part: str  # PASCAL-Part name, empty for everything but people


@dataclass(frozen=True, slots=True)
class Top:
    """A horizontal place to put things on: centre, half extents along world x and z."""

    x: float
    y: float
    z: float
    half_x: float
    half_z: float


class Builder:
    """Collects the primitives of a scene.

    ``begin`` opens an object of a class at a place; the shape methods then take coordinates in the object's own frame
    (metres times the object's scale; y up, z to the front). ``objects[k - 1]`` is the class of object number k.
    """

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.primitives: list[Primitive] = []
        self.objects: list[str] = []
        self._cls, self._number = "", 0
        self._at: Vector = (0.0, 0.0, 0.0)
        self._turn, self._scale = IDENTITY, 1.0

    def begin(self, cls: str, at: Vector, yaw: float = 0.0, scale: float = 1.0) -> None:
        """Open a new object. ``yaw`` turns its front from +z towards +x."""
        self.objects.append(cls)
        self._cls, self._number = cls, len(self.objects)
        self._at, self._turn, self._scale = at, vec.turn_y(yaw), scale

    def world(self, point: Vector) -> Vector:
        """A point of the open object in world coordinates."""
        return vec.add(self._at, vec.rotate(self._turn, vec.scale(point, self._scale)))

    def _add(self, kind, rotation, origin, shape, center, radius, material, part="") -> None:
        self.primitives.append(
            Primitive(kind, rotation, origin, shape, center, radius, material, self._cls, self._number, part)
        )

    def _frame(self, tilt: Rotation | None) -> Rotation:
        return self._turn if tilt is None else vec.compose(self._turn, tilt)

    def box(self, center: Vector, half: Vector, material: Material, tilt: Rotation | None = None) -> None:
        """A box from its centre and half extents."""
        c, h = self.world(center), vec.scale(half, self._scale)
        self._add(BOX, self._frame(tilt), c, h, c, vec.length(h), material)

    def ellipsoid(
        self, center: Vector, radii: Vector, material: Material, tilt: Rotation | None = None, part: str = ""
    ) -> None:
        """An ellipsoid from its centre and radii."""
        c, r = self.world(center), vec.scale(radii, self._scale)
        self._add(ELLIPSOID, self._frame(tilt), c, r, c, max(r), material, part)

    def capsule(self, a: Vector, b: Vector, radius: float, material: Material, part: str = "") -> None:
        """A tube with round ends from a to b."""
        start, end, r = self.world(a), self.world(b), radius * self._scale
        axis = vec.subtract(end, start)
        span = vec.length(axis)
        if span < 1e-3:
            axis, span = (0.0, 1.0, 0.0), 1e-3
        center = vec.middle(start, end)
        self._add(CAPSULE, vec.frame_along(axis), start, (r, span, 1.0), center, span * 0.5 + r, material, part)

    def cylinder(self, a: Vector, b: Vector, radius: float, material: Material) -> None:
        """A tube with flat ends from a to b."""
        start, end, r = self.world(a), self.world(b), radius * self._scale
        axis = vec.subtract(end, start)
        span = vec.length(axis)
        bound = sqrt(span * span * 0.25 + r * r)
        self._add(CYLINDER, vec.frame_along(axis), start, (r, span, 1.0), vec.middle(start, end), bound, material)

    def plane(self, cls: str, origin: Vector, normal: Vector, material: Material) -> None:
        """An endless plane of the backdrop (floor, wall, ground), seen from the side of its normal."""
        self._cls, self._number = cls, 0
        self._add(PLANE, vec.frame_along(normal), origin, (1.0, 1.0, 1.0), origin, 0.0, material)
