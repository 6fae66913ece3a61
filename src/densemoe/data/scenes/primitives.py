"""Five kinds of surface: where a ray meets them, and their normals.

Everything works in the frame of the primitive, on one array per coordinate, with + - * / and sqrt only and in a fixed
order, so the bits are the same on every CPU. A ray is ``origin + t * direction``; t is infinite where it misses.

kind       frame                                              shape
BOX        centre in the origin                               half extents along x, y, z
ELLIPSOID  centre in the origin                               radii along x, y, z
CAPSULE    axis from the origin to (0, length, 0)             radius, length, unused
CYLINDER   axis from the origin to (0, length, 0), flat ends  radius, length, unused
PLANE      the plane y = 0, seen from y > 0, without end      unused (handled by ``raycast``: no bounding sphere)
"""

import numpy as np

BOX, ELLIPSOID, CAPSULE, CYLINDER, PLANE = range(5)

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]

TOO_NEAR = 1e-4  # a ray that starts on a surface must not meet it again


def _product(a: Triple, b: Triple) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _first_root(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Discriminant and smaller root of a t^2 + 2 b t + c."""
    discriminant = b * b - a * c
    return discriminant, (-b - np.sqrt(np.maximum(discriminant, 0.0))) / a


def _hit_box(origin: Triple, direction: Triple, shape: Triple) -> np.ndarray:
    enter = leave = None
    for o, d, half in zip(origin, direction, shape, strict=True):
        inverse = 1.0 / d
        a, b = (-half - o) * inverse, (half - o) * inverse
        low, high = np.minimum(a, b), np.maximum(a, b)
        enter = low if enter is None else np.maximum(enter, low)
        leave = high if leave is None else np.minimum(leave, high)
    return np.where((enter <= leave) & (enter > TOO_NEAR), enter, np.inf)


def _hit_ellipsoid(origin: Triple, direction: Triple, shape: Triple) -> np.ndarray:
    o = tuple(x / r for x, r in zip(origin, shape, strict=True))
    d = tuple(x / r for x, r in zip(direction, shape, strict=True))
    discriminant, t = _first_root(_product(d, d), _product(o, d), _product(o, o) - 1.0)
    return np.where((discriminant > 0) & (t > TOO_NEAR), t, np.inf)


def _hit_tube(origin: Triple, direction: Triple, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Discriminant, first t and height y on the endless cylinder about the y axis."""
    (ox, oy, oz), (dx, dy, dz) = origin, direction
    a = np.maximum(dx * dx + dz * dz, 1e-9)
    discriminant, t = _first_root(a, ox * dx + oz * dz, ox * ox + oz * oz - radius * radius)
    return discriminant, t, oy + t * dy


def _hit_capsule(origin: Triple, direction: Triple, shape: Triple) -> np.ndarray:
    radius, length, _ = shape
    discriminant, t, y = _hit_tube(origin, direction, radius)
    from_end = (origin[0], origin[1] - np.where(y < length * 0.5, 0.0, length).astype(np.float32), origin[2])
    ball, t_ball = _first_root(
        _product(direction, direction), _product(from_end, direction), _product(from_end, from_end) - radius * radius
    )
    on_side = (discriminant > 0) & (y >= 0) & (y <= length)
    t = np.where(on_side, t, np.where(ball > 0, t_ball, np.inf))
    return np.where(t > TOO_NEAR, t, np.inf)


def _hit_cylinder(origin: Triple, direction: Triple, shape: Triple) -> np.ndarray:
    radius, length, _ = shape
    discriminant, t, y = _hit_tube(origin, direction, radius)
    t = np.where((discriminant > 0) & (y >= 0) & (y <= length) & (t > TOO_NEAR), t, np.inf)
    cap = np.where(direction[1] > 0, 0.0, length).astype(np.float32)
    t_cap = (cap - origin[1]) / direction[1]
    x, z = origin[0] + t_cap * direction[0], origin[2] + t_cap * direction[2]
    on_cap = (x * x + z * z <= radius * radius) & (t_cap > TOO_NEAR) & (t_cap < t)
    return np.where(on_cap, t_cap, t)


_HITS = {BOX: _hit_box, ELLIPSOID: _hit_ellipsoid, CAPSULE: _hit_capsule, CYLINDER: _hit_cylinder}


def hit(kind: int, origin: Triple, direction: Triple, shape: Triple) -> np.ndarray:
    """Ray parameter t of the first hit for rays of one kind of primitive, inf where there is none."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _HITS[kind](origin, direction, shape)


def local_normal(kind: int, point: Triple, direction: Triple, shape: Triple) -> Triple:
    """Outward unit normal at points on the surface, in the primitive's frame.

    The direction of the ray decides along edges, where rounding could choose a face that is turned away.
    """
    x, y, z = point
    if kind == PLANE:
        return np.zeros_like(x), np.ones_like(x), np.zeros_like(x)
    if kind == BOX:
        ax, ay, az = (np.where(p * d < 0, np.abs(p) / s, 0.0) for p, d, s in zip(point, direction, shape, strict=True))
        on_x = (ax >= ay) & (ax >= az)
        on_y = ~on_x & (ay >= az)
        on_z = ~(on_x | on_y)
        return np.sign(x) * on_x, np.sign(y) * on_y, np.sign(z) * on_z
    if kind == ELLIPSOID:
        normal = tuple(p / (s * s) for p, s in zip(point, shape, strict=True))
    elif kind == CAPSULE:
        normal = (x, y - np.minimum(np.maximum(y, 0.0), shape[1]), z)
    else:
        top, bottom = (y > shape[1] - 1e-3) & (direction[1] < 0), (y < 1e-3) & (direction[1] > 0)
        side = ~(top | bottom)
        normal = (x * side, top.astype(np.float32) - bottom.astype(np.float32), z * side)
    inverse = 1.0 / np.maximum(np.sqrt(_product(normal, normal)), 1e-9)
    return tuple(n * inverse for n in normal)
