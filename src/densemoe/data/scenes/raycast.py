"""Nearest surface for every pixel, and shadow rays towards one directional light.

Rays meet a primitive only inside the screen rectangle of its bounding box. Rectangles of one kind of primitive are
strung together into batches of (primitive, pixel) pairs, so the number of array operations does not grow with the
number of primitives. Ray directions have length 1 along the optical axis: t is planar depth in metres.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from densemoe.data.scenes import vectors as vec
from densemoe.data.scenes.primitives import BOX, CAPSULE, CYLINDER, ELLIPSOID, hit
from densemoe.data.scenes.table import SKY_DEPTH, PrimitiveTable
from densemoe.data.scenes.vectors import Rotation, Vector

BATCH_PAIRS = 1 << 15  # pairs per batch: the arrays of one batch stay in the cache
NEAR = 0.05  # metres in front of the camera from which on bounding boxes project safely
SLACK = 1e-3  # metres around bounding boxes, for rounding


@dataclass(frozen=True)
class Camera:
    """A pinhole camera. The columns of ``rotation`` are right, up and forward; ``focal`` is in pixels."""

    position: Vector
    rotation: Rotation
    focal: float
    height: int
    width: int

    @staticmethod
    def looking_at(position: Vector, target: Vector, tangent: float, size: tuple[int, int]) -> "Camera":
        """Camera at ``position``; ``tangent`` is that of half the angle of view along the longer side."""
        height, width = size
        forward = vec.unit(vec.subtract(target, position))
        right = vec.unit(vec.cross(forward, (0.0, 1.0, 0.0)))
        rotation = vec.transpose((right, vec.cross(right, forward), forward))
        return Camera(position, rotation, max(height, width) * 0.5 / tangent, height, width)

    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Ray direction per column [W] (right) and per row [H] (up), float32."""
        u = (np.arange(self.width) + 0.5 - self.width * 0.5) / self.focal
        v = (self.height * 0.5 - np.arange(self.height) - 0.5) / self.focal
        return u.astype(np.float32), v.astype(np.float32)

    def rays(self) -> list[np.ndarray]:
        """World directions of all rays: three arrays [H, W], float32."""
        u, v = self.slopes()
        return [u[None] * r + (v * up + forward)[:, None] for r, up, forward in self.rotation]


def nearest_hits(table: PrimitiveTable, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Planar depth float32 [H, W] in metres and entry number int32 [H, W] of what each pixel sees."""
    depth = np.full((camera.height, camera.width), SKY_DEPTH, np.float32)
    ids = np.full(depth.shape, table.sky, np.int32)
    u, v = camera.slopes()
    axes = table.local_axes(camera.rotation)
    origin = table.local_point(camera.position)
    for i in table.planes:
        _meet_plane(i, axes[1], float(origin[1][i]), (u, v), depth, ids)
    frames = [a.astype(np.float32) for row in axes for a in row]
    origin = [o.astype(np.float32) for o in origin]
    shape = [s.astype(np.float32) for s in table.shape]
    windows = _windows(table, camera)
    pairs = {i: (r.stop - r.start) * (c.stop - c.start) for i, (r, c) in windows.items()}
    for kind, members, counts in _batches(table, pairs):
        grid_u, grid_v = np.empty(sum(counts), np.float32), np.empty(sum(counts), np.float32)
        start, views = 0, []
        for i, count in zip(members, counts, strict=True):
            rows, columns = windows[i]
            view = slice(start, start + count), (rows.stop - rows.start, columns.stop - columns.start)
            grid_u[view[0]].reshape(view[1])[:] = u[columns]
            grid_v[view[0]].reshape(view[1])[:] = v[rows, None]
            views.append(view)
            start += count
        spread = _spreader(members, counts)
        a = [spread(f) for f in frames]
        direction = tuple(a[3 * k] * grid_u + a[3 * k + 1] * grid_v + a[3 * k + 2] for k in range(3))
        t = hit(kind, tuple(spread(o) for o in origin), direction, tuple(spread(s) for s in shape))
        for i, (part, extent) in zip(members, views, strict=True):
            found, seen = t[part].reshape(extent), depth[windows[i]]
            nearer = found < seen
            np.copyto(seen, found, where=nearer)
            np.copyto(ids[windows[i]], np.int32(i), where=nearer)
    return depth, ids


def in_shadow(table: PrimitiveTable, points: list[np.ndarray], light: Vector) -> np.ndarray:
    """True where a solid lies between a point (three float32 arrays [n]) and the light (unit vector towards it)."""
    axes = vec.frame_along(light)
    px, py, pz = points
    side, along, cross = (
        px * axes[0][k] + py * axes[1][k] + pz * axes[2][k] for k in range(3)
    )  # coordinates in the light's frame: `along` points to the light
    order = np.argsort(cross, kind="stable")
    side, along, cross = side[order], along[order], cross[order]
    x, y, z = table.corners()
    low, high = [], []  # bounds of every primitive in the light's frame
    for k in range(3):
        corners = x * axes[0][k] + y * axes[1][k] + z * axes[2][k]
        low.append((corners.min(1) - SLACK).astype(np.float32))
        high.append((corners.max(1) + SLACK).astype(np.float32))
    first = np.searchsorted(cross, low[2], "left").tolist()
    last = np.searchsorted(cross, high[2], "right").tolist()
    candidates: dict[int, np.ndarray] = {}
    for i in table.solids.tolist():
        part = slice(first[i], last[i])
        if part.start == part.stop:
            continue
        near = np.flatnonzero((side[part] > low[0][i]) & (side[part] < high[0][i]) & (along[part] < high[1][i]))
        if len(near):
            candidates[i] = order[near + part.start]
    direction = [_not_zero(d).astype(np.float32) for d in table.local_direction(light)]
    frames = [[a.astype(np.float32) for a in row] for row in table.rotation]
    origin, shape = ([a.astype(np.float32) for a in columns] for columns in (table.origin, table.shape))
    blocked = np.zeros(len(px), bool)
    for kind, members, counts in _batches(table, {i: len(k) for i, k in candidates.items()}):
        which = np.concatenate([candidates[i] for i in members])
        spread = _spreader(members, counts)
        x, y, z = (points[k][which] - spread(origin[k]) for k in range(3))
        local = tuple(x * spread(frames[0][k]) + y * spread(frames[1][k]) + z * spread(frames[2][k]) for k in range(3))
        t = hit(kind, local, tuple(spread(d) for d in direction), tuple(spread(s) for s in shape))
        blocked[which[np.isfinite(t)]] = True
    return blocked


def _meet_plane(i: int, axes: list[np.ndarray], height: float, slopes, depth: np.ndarray, ids: np.ndarray) -> None:
    """Enter plane ``i`` where it is nearer: ``height`` of the camera above it, its axes along the plane's normal."""
    if height <= 0:
        return
    u, v = slopes
    fall = -(u[None] * float(axes[0][i]) + (v * float(axes[1][i]) + float(axes[2][i]))[:, None])
    found = np.where(fall > 1e-6, height / np.maximum(fall, 1e-6), np.inf).astype(np.float32)
    nearer = found < depth
    np.copyto(depth, found, where=nearer)
    np.copyto(ids, np.int32(i), where=nearer)


def _windows(table: PrimitiveTable, camera: Camera) -> dict[int, tuple[slice, slice]]:
    """Screen rectangle (rows, columns) of the bounding box of every solid that may be seen."""
    x, y, z = (corners - p for corners, p in zip(table.corners(), camera.position, strict=True))
    r = camera.rotation
    right, up, forward = (x * r[0][k] + y * r[1][k] + z * r[2][k] for k in range(3))
    crosses = forward.min(1) < NEAR  # reaches behind the camera: look for it everywhere
    forward = np.maximum(forward, NEAR)
    height, width = camera.height, camera.width
    edges = []
    for slope, middle, bound in ((right / forward, width * 0.5, width), (-up / forward, height * 0.5, height)):
        place = np.clip(slope * camera.focal, -4.0 * bound, 4.0 * bound) + middle
        edges.append(np.where(crosses, 0, np.clip(place.min(1) - 1.0, 0, bound)).astype(np.int64).tolist())
        edges.append(np.where(crosses, bound, np.clip(place.max(1) + 2.0, 0, bound)).astype(np.int64).tolist())
    x0, x1, y0, y1 = edges
    seen = (forward.max(1) > NEAR).tolist()
    return {
        i: (slice(y0[i], y1[i]), slice(x0[i], x1[i]))
        for i in table.solids.tolist()
        if seen[i] and x0[i] < x1[i] and y0[i] < y1[i]
    }


def _batches(table: PrimitiveTable, pairs: dict[int, int]) -> Iterator[tuple[int, list[int], list[int]]]:
    """Groups of solids of one kind with about ``BATCH_PAIRS`` pairs: (kind, entry numbers, pairs of each)."""
    for kind in (BOX, ELLIPSOID, CAPSULE, CYLINDER):
        members, counts, total = [], [], 0
        for i in np.flatnonzero(table.kind == kind).tolist():
            if i not in pairs:
                continue
            members.append(i)
            counts.append(pairs[i])
            total += pairs[i]
            if total >= BATCH_PAIRS:
                yield kind, members, counts
                members, counts, total = [], [], 0
        if members:
            yield kind, members, counts


def _spreader(members: list[int], counts: list[int]):
    """A function that lays a per-entry array out over the pairs of a batch."""
    if len(members) == 1:
        return lambda column: column[members[0]]
    numbers = np.repeat(np.array(members), counts)
    return lambda column: column[numbers]


def _not_zero(values: np.ndarray) -> np.ndarray:
    """Values of almost zero moved to 1e-7, so that shadow rays never divide zero by zero."""
    return np.where(np.abs(values) < 1e-7, 1e-7, values)
