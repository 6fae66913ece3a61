"""What each pixel shows: position, normal and texture coordinates of the visible surface."""

from dataclasses import dataclass

import numpy as np

from densemoe.data.scenes.primitives import BOX, CAPSULE, CYLINDER, ELLIPSOID, PLANE, local_normal
from densemoe.data.scenes.raycast import Camera
from densemoe.data.scenes.table import PrimitiveTable


@dataclass(frozen=True)
class Surfaces:
    """Per-pixel arrays, flat [H*W]; vectors are lists of three float32 arrays in world coordinates."""

    ids: np.ndarray
    depth: np.ndarray
    ray: list[np.ndarray]
    position: list[np.ndarray]
    normal: list[np.ndarray]
    u: np.ndarray
    v: np.ndarray


def visible_surfaces(table: PrimitiveTable, camera: Camera, depth: np.ndarray, ids: np.ndarray) -> Surfaces:
    """Positions, normals and texture coordinates (metres) of the surfaces that ``nearest_hits`` found.

    The sky faces the camera: its normal is the reversed optical axis.
    """
    ids, depth = ids.ravel(), depth.ravel()
    ray = [d.ravel() for d in camera.rays()]
    position = [d * depth + float(p) for d, p in zip(ray, camera.position, strict=True)]
    normal = [np.empty(len(ids), np.float32) for _ in range(3)]
    u, v = np.empty(len(ids), np.float32), np.empty(len(ids), np.float32)
    frames = [[a.astype(np.float32) for a in row] for row in table.rotation]
    origin, shape = ([a.astype(np.float32) for a in columns] for columns in (table.origin, table.shape))
    kinds = table.kind[ids]
    for kind in (BOX, ELLIPSOID, CAPSULE, CYLINDER, PLANE):
        where = np.flatnonzero(kinds == kind)
        if not len(where):
            continue
        entry = ids[where]
        r = [[a[entry] for a in row] for row in frames]
        x, y, z = (position[k][where] - origin[k][entry] for k in range(3))
        point = tuple(x * r[0][k] + y * r[1][k] + z * r[2][k] for k in range(3))
        dx, dy, dz = (d[where] for d in ray)
        direction = tuple(dx * r[0][k] + dy * r[1][k] + dz * r[2][k] for k in range(3))
        local = local_normal(kind, point, direction, tuple(s[entry] for s in shape))
        for k in range(3):
            normal[k][where] = local[0] * r[k][0] + local[1] * r[k][1] + local[2] * r[k][2]
        ax, ay, az = (np.abs(n) for n in local)
        across_x = (ax >= ay) & (ax >= az)
        across_y = ~across_x & (ay >= az)
        u[where] = np.where(across_x, point[2], point[0])
        v[where] = np.where(across_y, point[2], point[1])
    sky = np.flatnonzero(ids == table.sky)
    for k in range(3):
        normal[k][sky] = -camera.rotation[k][2]
    return Surfaces(ids, depth, ray, position, normal, u, v)
