"""Rays, depth and normals against figures worked out by hand."""

import math

import numpy as np
import pytest

from densemoe.data.scenes import vectors as vec
from densemoe.data.scenes.builder import Builder
from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.materials import Material
from densemoe.data.scenes.nyud_rooms import nyud_room
from densemoe.data.scenes.primitives import BOX, CAPSULE, CYLINDER, ELLIPSOID, hit
from densemoe.data.scenes.raycast import Camera, in_shadow, nearest_hits
from densemoe.data.scenes.render import render_setting
from densemoe.data.scenes.setting import Setting, enclose
from densemoe.data.scenes.table import SKY_DEPTH, PrimitiveTable

GREY = Material(color=(0.5, 0.5, 0.5))


def _one_ray(kind, origin, direction, shape):
    arrays = [tuple(np.array([value], np.float32) for value in values) for values in (origin, direction, shape)]
    return float(hit(kind, *arrays)[0])


@pytest.mark.parametrize(
    ("kind", "origin", "direction", "shape", "expected"),
    [
        (BOX, (0, 0, 5), (0, 0, -1), (1, 1, 2), 3.0),
        (BOX, (0, 5, 0), (0, -2, 0), (1, 1, 2), 2.0),
        (BOX, (1.5, 0, 5), (0, 0, -1), (1, 1, 2), math.inf),
        (ELLIPSOID, (0, 0, 5), (0, 0, -1), (1, 1, 2), 3.0),
        (ELLIPSOID, (0, 5, 0), (0, -1, 0), (1, 0.5, 2), 4.5),
        (CAPSULE, (5, 1, 0), (-1, 0, 0), (0.5, 2, 1), 4.5),
        (CAPSULE, (0.001, 9, 0), (0, -1, 0), (0.5, 2, 1), 6.5),
        (CYLINDER, (5, 1, 0), (-1, 0, 0), (0.5, 2, 1), 4.5),
        (CYLINDER, (0.3, 9, 0), (0, -1, 0), (0.5, 2, 1), 7.0),
        (CYLINDER, (5, 2.1, 0), (-1, 0, 0), (0.5, 2, 1), math.inf),
    ],
)
def test_hits_by_hand(kind, origin, direction, shape, expected):
    assert _one_ray(kind, origin, direction, shape) == pytest.approx(expected, abs=1e-5)


def _floor_and_ball() -> Builder:
    b = Builder(Draw(0))
    b.begin("box", (0.0, 0.5, -4.0))
    b.ellipsoid((0, 0, 0), (0.5, 0.5, 0.5), GREY)
    b.plane("floor", (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), GREY)
    return b


@pytest.mark.parametrize("size", [(53, 70), (97, 64)])
def test_depth_of_the_floor_is_planar_depth(size):
    height, width = size
    table = PrimitiveTable(_floor_and_ball().primitives, GREY)
    camera = Camera.looking_at((0.2, 1.5, 0.0), (0.0, 0.5, -4.0), 0.55, size)
    depth, ids = nearest_hits(table, camera)
    floor = table.planes[0]
    right, up, forward = vec.transpose(camera.rotation)
    # A point at planar depth t is position + t * (forward + u * right + v * up); on the floor its y is 0.
    u = (np.arange(width) + 0.5 - width / 2) / camera.focal
    v = (height / 2 - np.arange(height) - 0.5) / camera.focal
    fall = forward[1] + u[None] * right[1] + v[:, None] * up[1]
    with np.errstate(divide="ignore"):
        expected = np.where(fall < 0, -1.5 / fall, np.inf)
    on_floor = ids == floor
    assert on_floor.sum() > 0.4 * height * width
    np.testing.assert_allclose(depth[on_floor], expected[on_floor], rtol=1e-5)
    # The optical axis meets the ball half a metre before its centre.
    distance = vec.length((0.2, 1.0, 4.0))
    middle = depth[height // 2 - 1 : height // 2 + 1, width // 2 - 1 : width // 2 + 1]
    assert float(middle.min()) == pytest.approx(distance - 0.5, abs=2e-3)
    assert np.all(depth[ids == table.sky] == SKY_DEPTH)


def test_hits_do_not_depend_on_screen_windows(monkeypatch):
    """Every ray against every primitive gives the same picture as rays inside the bounding rectangles only."""
    setting = nyud_room(Draw(2, 0, 4, 0))
    table = PrimitiveTable(setting.builder.primitives, setting.sky)
    camera = Camera.looking_at(setting.position, setting.target, setting.tangent, (53, 70))
    depth, ids = nearest_hits(table, camera)
    whole = (slice(0, 53), slice(0, 70))
    monkeypatch.setattr("densemoe.data.scenes.raycast._windows", lambda t, c: dict.fromkeys(t.solids.tolist(), whole))
    depth_all, ids_all = nearest_hits(table, camera)
    assert len(np.unique(ids)) > 20
    assert np.array_equal(depth, depth_all) and np.array_equal(ids, ids_all)


def test_shadow_of_a_ball_lies_below_it():
    table = PrimitiveTable(_floor_and_ball().primitives, GREY)
    points = [np.array(values, np.float32) for values in ([0.2, 0, 0.6, 0], [0, 0, 0, 3], [-4, -5, -4, -4])]
    assert in_shadow(table, points, (0.0, 1.0, 0.0)).tolist() == [True, False, False, False]
    slanted = vec.unit((1.0, 1.0, 0.0))  # light from the right: the shadow falls to the left
    left = [np.array([value], np.float32) for value in (-0.5, 0.0, -4.0)]
    right = [np.array([value], np.float32) for value in (0.8, 0.0, -4.0)]
    assert in_shadow(table, left, slanted).tolist() == [True]
    assert in_shadow(table, right, slanted).tolist() == [False]


def test_normals_of_an_empty_room():
    b = Builder(Draw(1))
    room = enclose(b, 2.0, 4.0, 1.0, 2.5)
    setting = Setting(b, (0.0, 1.2, 0.5), (0.0, 1.2, -3.0), 0.6, room, GREY)
    scene = render_setting("nyud_v2", setting, (60, 80), Draw(2))
    rows = {"ceiling": (0, 40), "floor": (59, 40), "left": (30, 0), "right": (30, 79), "back": (30, 40)}
    found = {name: scene.normals[place].tolist() for name, place in rows.items()}
    assert found == {
        "ceiling": [128, 0, 128],
        "floor": [128, 255, 128],
        "left": [255, 128, 128],
        "right": [0, 128, 128],
        "back": [128, 128, 255],
    }


@pytest.mark.parametrize("index", range(6))
def test_normals_are_unit_and_face_the_camera(index):
    size = (106, 140)
    draw = Draw(2, 0, index, 0)
    setting = nyud_room(draw)
    scene = render_setting("nyud_v2", setting, size, draw)
    normal = scene.normals.astype(np.float64) / 127.5 - 1.0
    assert np.abs(np.sqrt((normal**2).sum(-1)) - 1.0).max() < 0.012
    u, v = Camera.looking_at(setting.position, setting.target, setting.tangent, size).slopes()
    towards = normal[..., 0] * u[None] + normal[..., 1] * v[:, None] - normal[..., 2]
    assert towards.max() < 0.02


def test_people_have_their_left_side_on_the_viewers_right():
    from densemoe.data.scenes.people import person

    b = Builder(Draw(5))
    person(b, (0.0, 0.0, -3.0), 0.0)
    place = {p.part: p.center for p in b.primitives}
    assert len(place) == 24
    for part in ("uarm", "larm", "hand", "uleg", "lleg", "foot", "eye", "ebrow", "ear"):
        assert place["l" + part][0] > place["r" + part][0]
    assert place["head"][1] > place["neck"][1] > place["torso"][1] > place["luleg"][1] > place["lfoot"][1]
    assert place["nose"][2] > place["head"][2]
