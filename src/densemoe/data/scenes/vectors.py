"""Three-vectors and rotations as plain tuples of Python floats.

Plain floats with + - * / and sqrt give the same bits on every CPU, which a BLAS product does not; for a handful of
numbers they are also faster than arrays. A rotation is three rows; its columns are the axes of the rotated frame.
Directions: x right, y up, z towards the viewer (a camera that is not turned looks along -z).
"""

import math

Vector = tuple[float, float, float]
Rotation = tuple[Vector, Vector, Vector]

IDENTITY: Rotation = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def cosine(angle: float) -> float:
    """Cosine rounded to 9 digits: C libraries differ in the last one."""
    return round(math.cos(angle), 9)


def sine(angle: float) -> float:
    """Sine rounded to 9 digits: C libraries differ in the last one."""
    return round(math.sin(angle), 9)


def add(a: Vector, b: Vector) -> Vector:
    """a + b."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def subtract(a: Vector, b: Vector) -> Vector:
    """a - b."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def scale(a: Vector, factor: float) -> Vector:
    """a * factor."""
    return (a[0] * factor, a[1] * factor, a[2] * factor)


def middle(a: Vector, b: Vector) -> Vector:
    """The point half-way between a and b."""
    return ((a[0] + b[0]) * 0.5, (a[1] + b[1]) * 0.5, (a[2] + b[2]) * 0.5)


def dot(a: Vector, b: Vector) -> float:
    """Inner product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    """Cross product."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def length(a: Vector) -> float:
    """Euclidean length."""
    return math.sqrt(dot(a, a))


def unit(a: Vector) -> Vector:
    """The direction of a."""
    return scale(a, 1.0 / length(a))


def rotate(r: Rotation, v: Vector) -> Vector:
    """R v: from the rotated frame to the world."""
    return (dot(r[0], v), dot(r[1], v), dot(r[2], v))


def transpose(r: Rotation) -> Rotation:
    """The inverse rotation."""
    return ((r[0][0], r[1][0], r[2][0]), (r[0][1], r[1][1], r[2][1]), (r[0][2], r[1][2], r[2][2]))


def compose(a: Rotation, b: Rotation) -> Rotation:
    """A B: first b, then a."""
    columns = transpose(b)
    return tuple((dot(row, columns[0]), dot(row, columns[1]), dot(row, columns[2])) for row in a)


def turn_x(angle: float) -> Rotation:
    """Rotation about x; a positive angle tips y towards z."""
    c, s = cosine(angle), sine(angle)
    return ((1.0, 0.0, 0.0), (0.0, c, -s), (0.0, s, c))


def turn_y(angle: float) -> Rotation:
    """Rotation about y; a positive angle swings z towards x."""
    c, s = cosine(angle), sine(angle)
    return ((c, 0.0, s), (0.0, 1.0, 0.0), (-s, 0.0, c))


def turn_z(angle: float) -> Rotation:
    """Rotation about z; a positive angle tips x towards y."""
    c, s = cosine(angle), sine(angle)
    return ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))


def frame_along(axis: Vector) -> Rotation:
    """A rotation whose y axis is the given direction."""
    y = unit(axis)
    x = unit(cross(y, (1.0, 0.0, 0.0) if abs(y[0]) < 0.9 else (0.0, 0.0, 1.0)))
    return transpose((x, y, cross(x, y)))
