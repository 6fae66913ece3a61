"""The primitives of one scene as arrays: one entry per primitive, and the sky as the last entry."""

from collections.abc import Sequence

import numpy as np

from densemoe.data.scenes.builder import Primitive
from densemoe.data.scenes.materials import Material
from densemoe.data.scenes.primitives import BOX, CAPSULE, CYLINDER, ELLIPSOID, PLANE
from densemoe.data.scenes.vectors import IDENTITY, Rotation, Vector

SKY_DEPTH = 120.0  # metres; whatever lies beyond is sky


class PrimitiveTable:
    """Frames, shapes and looks of n primitives. Vectors are lists of three arrays [n], rotations 3 x 3 arrays [n]."""

    def __init__(self, primitives: Sequence[Primitive], sky: Material) -> None:
        zero = (0.0, 0.0, 0.0)
        last = Primitive(PLANE, IDENTITY, zero, (1.0, 1.0, 1.0), zero, 0.0, sky, "sky", 0, "")
        entries = [*primitives, last]
        self.entries = entries
        self.sky = len(entries) - 1
        self.kind = np.array([p.kind for p in entries], np.int8)
        self.solids = np.flatnonzero(self.kind != PLANE)
        self.planes = [i for i in range(self.sky) if entries[i].kind == PLANE]
        rotations = np.array([p.rotation for p in entries])
        self.rotation = [[rotations[:, i, j] for j in range(3)] for i in range(3)]
        self.origin = _columns([p.origin for p in entries])
        self.shape = _columns([p.shape for p in entries])
        self.center = _columns([p.center for p in entries])
        self.radius = np.array([p.radius for p in entries])

    def looks(self, name: str, dtype: type = np.float32) -> np.ndarray:
        """One field of every material, e.g. ``gloss``, as an array [n] or [n, 3]."""
        return np.array([getattr(p.material, name) for p in self.entries], dtype)

    def corners(self) -> list[np.ndarray]:
        """Corners of the oriented bounding box of every primitive: three float64 arrays [n, 8], world coordinates."""
        tube = (self.kind == CAPSULE) | (self.kind == CYLINDER)
        solid = (self.kind == BOX) | (self.kind == ELLIPSOID)
        radius, length = self.shape[0], self.shape[1]
        wide = [np.where(solid, self.shape[0], radius), self.shape[1], np.where(solid, self.shape[2], radius)]
        overhang = np.where(self.kind == CAPSULE, radius, 0.0)
        low = [-wide[0], np.where(tube, -overhang, -wide[1]), -wide[2]]
        high = [wide[0], np.where(tube, length + overhang, wide[1]), wide[2]]
        local = [
            np.stack([(high if corner >> k & 1 else low)[k] for corner in range(8)], axis=1) for k in range(3)
        ]  # [n, 8] each
        r = self.rotation
        return [
            self.origin[k][:, None]
            + (local[0] * r[k][0][:, None] + local[1] * r[k][1][:, None] + local[2] * r[k][2][:, None])
            for k in range(3)
        ]

    def local_point(self, point: Vector) -> list[np.ndarray]:
        """R^T (point - origin) for one point and every primitive, float64 [n] each."""
        x, y, z = (point[k] - self.origin[k] for k in range(3))
        r = self.rotation
        return [x * r[0][k] + y * r[1][k] + z * r[2][k] for k in range(3)]

    def local_direction(self, direction: Vector) -> list[np.ndarray]:
        """R^T direction for one direction and every primitive, float64 [n] each."""
        x, y, z = direction
        r = self.rotation
        return [r[0][k] * x + r[1][k] * y + r[2][k] * z for k in range(3)]

    def local_axes(self, axes: Rotation) -> list[list[np.ndarray]]:
        """R^T A for a matrix A (three rows) and every primitive, 3 x 3 arrays [n]."""
        columns = [self.local_direction((axes[0][j], axes[1][j], axes[2][j])) for j in range(3)]
        return [[columns[j][i] for j in range(3)] for i in range(3)]


def _columns(rows: list[Vector]) -> list[np.ndarray]:
    array = np.array(rows)
    return [np.ascontiguousarray(array[:, k]) for k in range(3)]
