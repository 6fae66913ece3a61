"""The same bytes on every CPU, in any order, alone or together."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scene_digests

import densemoe.data.scenes as package
from densemoe.data.scenes import SCENES_VERSION, render_scene
from densemoe.data.scenes.draw import Draw

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "golden.json").read_text())
SOURCES = sorted(Path(package.__file__).parent.glob("*.py"))


def test_scenes_equal_the_pinned_digests():
    assert GOLDEN["version"] == SCENES_VERSION
    assert len(GOLDEN["digests"]) == 20
    assert scene_digests.all_digests() == GOLDEN["digests"]


def _other_processors() -> dict[str, dict[str, str]]:
    dispatch, has = scene_digests.cpu_features()
    there = [name for name in dispatch if has.get(name)]
    wide = [name for name in there if "512" in name or name == "X86_V4"]
    out = {
        "old BLAS kernel, no SIMD dispatch": {
            "OPENBLAS_CORETYPE": "Prescott",
            "NPY_DISABLE_CPU_FEATURES": " ".join(there),
        },
        "Haswell": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": " ".join(wide)},
    }
    return out


@pytest.mark.parametrize("name", ["old BLAS kernel, no SIMD dispatch", "Haswell"])
def test_scenes_are_the_same_on_other_processors(name):
    settings = _other_processors()[name]
    script = str(HERE / "scene_digests.py")
    env = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script, "--features"], env=env, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert not any(found["features"][feature] for feature in settings["NPY_DISABLE_CPU_FEATURES"].split())
    assert found["digests"] == GOLDEN["digests"]


def test_a_scene_does_not_depend_on_the_ones_before():
    first = scene_digests.scene_digest(render_scene("nyud_v2", "val", 3, (53, 70)))
    for index in range(3):
        render_scene("pascal_context", "train", index, (48, 64))
    assert scene_digests.scene_digest(render_scene("nyud_v2", "val", 3, (53, 70))) == first


def test_scenes_differ_between_indices_splits_and_data_sets():
    keys = [(d, s, i) for d in ("pascal_context", "nyud_v2") for s in ("train", "val") for i in range(10)]
    found = {scene_digests.sha256([render_scene(*key, (48, 64)).image]) for key in keys}
    assert len(found) == len(keys) == 40


def test_sources_use_no_operation_whose_last_digit_depends_on_the_machine():
    forbidden = {
        "dot", "matmul", "einsum", "inner", "tensordot", "sin", "cos", "tan", "arctan2", "exp", "log", "power", "hypot",
        "sum", "mean", "std", "var", "cumsum", "prod", "norm", "default_rng", "normal", "standard_normal",
    }  # fmt: skip
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            matmul = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
            called = node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
            scalar = called is not None and isinstance(called.value, ast.Name) and called.value.id in ("math", "vec")
            if matmul or (called is not None and called.attr in forbidden and not scalar):
                found.append(f"{path.name}:{node.lineno}")
    assert len(SOURCES) >= 28
    assert found == []


def test_draws_come_from_raw_bits():
    words = np.random.PCG64(np.random.SeedSequence((7, 1))).random_raw(2)
    draw = Draw(7, 1)
    assert draw.unit() == (int(words[0]) >> 11) / 2**53
    assert draw.uniform(-2.0, 2.0) == -2.0 + 4.0 * ((int(words[1]) >> 11) / 2**53)


def test_noise_has_mean_zero_and_deviation_one():
    noise = Draw(1).noise(40001)
    assert noise.shape == (40001,) and noise.dtype == np.float32
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1.0) < 0.02
    assert np.array_equal(noise[:11], Draw(1).noise(11))


def test_weighted_draws_follow_the_weights():
    draw = Draw(3)
    found = [draw.weighted({"a": 3.0, "b": 1.0}) for _ in range(4000)]
    assert abs(found.count("a") / 4000 - 0.75) < 0.03
    assert sorted(Draw(4).shuffled(range(9))) == list(range(9))
