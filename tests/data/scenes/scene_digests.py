"""SHA-256 of the images and labels of a few scenes. Run as a script to print them as JSON:

PYTHONPATH=src python tests/data/scenes/scene_digests.py > tests/data/scenes/golden.json

A change of a pixel or a label goes together with a new SCENES_VERSION.
"""

import hashlib
import json
import sys

import numpy as np

from densemoe.data.scenes import SCENES_VERSION, Scene, render_scene

LABELS = ("semseg", "numbers", "normals", "context", "parts", "saliency", "depth", "boundary")
CASES = {
    "pascal_context": [("train", 0), ("train", 3), ("train", 11), ("val", 0), ("val", 7), ("val", 12)],
    "nyud_v2": [("train", 0), ("train", 5), ("val", 1), ("val", 8)],
}
SIZES = {"pascal_context": [(48, 64), (208, 160)], "nyud_v2": [(53, 70), (212, 280)]}


def sha256(arrays: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def scene_digest(scene: Scene) -> dict[str, str]:
    labels = [getattr(scene, name) for name in LABELS]
    return {"image": sha256([scene.image]), "labels": sha256([label for label in labels if label is not None])}


def all_digests() -> dict[str, dict[str, str]]:
    return {
        f"{dataset}/{split}/{index}/{size[0]}x{size[1]}": scene_digest(render_scene(dataset, split, index, size))
        for dataset, cases in CASES.items()
        for split, index in cases
        for size in SIZES[dataset]
    }


def cpu_features() -> tuple[list[str], dict[str, bool]]:
    """What this NumPy build can dispatch to, and what this processor (as NumPy sees it) has."""
    try:
        from numpy._core import _multiarray_umath as core
    except ImportError:  # NumPy 1
        from numpy.core import _multiarray_umath as core
    return list(core.__cpu_dispatch__), dict(core.__cpu_features__)


if __name__ == "__main__":
    out = {"version": SCENES_VERSION, "digests": all_digests()}
    if "--features" in sys.argv:
        out["features"] = cpu_features()[1]
    json.dump(out, sys.stdout, indent=1)
    sys.stdout.write("\n")
