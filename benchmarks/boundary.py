"""Seconds an image of the boundary score, by step and size, beside a plain chain: python -m benchmarks.boundary.

The maps are made here: Voronoi segmentations of wavy cells, and as predictions their borders displaced, blurred and
weakened in places, with false lines and noise. The plain chain thins with scikit-image, one threshold after the other,
and matches with SciPy's min_weight_full_bipartite_matching, every predicted pixel having one more partner of its own,
dearer than all distances together, for staying without; it runs at every tenth threshold and is scaled up.
CPU seconds of one process (time.process_time), one thread: OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy
import skimage
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from densemoe.evaluate.boundary import PROTOCOLS, THRESHOLDS, ImagePair
from densemoe.evaluate.boundary.ground_truth import borders, ground_truth_edges
from densemoe.evaluate.boundary.match import Matcher
from densemoe.evaluate.boundary.nms import suppress
from densemoe.evaluate.boundary.pairs import PairGraph
from densemoe.evaluate.boundary.score import score_set
from densemoe.evaluate.boundary.thin import thin_thresholds
from densemoe.params.atomic import write_text

SIZES = (("pascal", 375, 500), ("nyud", 425, 560), ("nyud", 480, 640))
REPORT = Path("reports/benchmarks/boundary.md")


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--images", default=20, type=int, help="images a size")
    parser.add_argument("--plain", default=3, type=int, help="of these, images that the plain chain does too")
    parser.add_argument("--output", default=REPORT, type=Path)
    args = parser.parse_args()
    parts = [_head(args.images, args.plain)]
    for protocol, height, width in SIZES:
        cases = [case(height, width, seed) for seed in range(args.images)]
        parts.append(_size_section(protocol, cases, args.plain))
    parts.append(_dense_section())
    write_text(args.output, "\n".join(parts))
    print(f"{args.output} is written")


# --- maps


def case(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(prediction uint8 [H,W], segmentation uint16 [H,W])."""
    random = np.random.default_rng(seed)
    segmentation = _cells(random, height, width, 25 + 4 * seed % 80)
    displaced = cv2.remap(
        _edges(segmentation),
        *(grid + 45 * _field(random, height, width, 8) for grid in _grid(height, width)[::-1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    edges = _blurred(displaced, 1.6)
    strength = 1.3 / (1 + np.exp(-60 * _field(random, height, width, 20) - 1))
    false = _blurred(_edges(_cells(random, height, width, 30)), 2.0)
    false_strength = 0.5 / (1 + np.exp(-80 * _field(random, height, width, 20)))
    noise = 0.16 * np.abs(_field(random, height, width, 1.5))
    probability = np.clip(edges * strength + false * false_strength + noise, 0, 1)
    return (probability * 255).astype(np.uint8), segmentation


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return y, x


def _field(random: np.random.Generator, height: int, width: int, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(random.normal(size=(height, width)).astype(np.float32), (0, 0), sigma)


def _cells(random: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    centres = random.uniform(0, 1, (cells, 2)) * [height, width]
    places = [grid + 180 * _field(random, height, width, 12) for grid in _grid(height, width)]
    nearest = cKDTree(centres).query(np.stack([p.ravel() for p in places], 1))[1]
    return nearest.reshape(height, width).astype(np.uint16)


def _edges(segmentation: np.ndarray) -> np.ndarray:
    return borders(segmentation).astype(np.float32)


def _blurred(edges: np.ndarray, sigma: float) -> np.ndarray:
    blurred = cv2.GaussianBlur(edges, (0, 0), sigma)
    return blurred / blurred.max()


# --- what is measured


class Memory:
    """Maps in memory, by number."""

    def __init__(self, cases: list[tuple[np.ndarray, np.ndarray]]):
        self.cases = cases

    def read(self, image_id: str) -> tuple[np.ndarray, np.ndarray]:
        """The case of that number."""
        return self.cases[int(image_id)]

    def fingerprint(self, image_id: str) -> str:
        """Never changes."""
        return image_id


def timed(seconds: dict[str, float], step: str, work: Callable[..., Any], *args: Any) -> Any:
    """Add the CPU time of a call to `seconds`."""
    start = time.process_time()
    result = work(*args)
    seconds[step] = seconds.get(step, 0.0) + time.process_time() - start
    return result


def own_chain(seconds: dict[str, float], protocol: str, prediction: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Matched pixels of all thresholds, by this package."""
    values = timed(seconds, "suppression", suppress, prediction)
    thinned = timed(seconds, "thinning", thin_thresholds, values, THRESHOLDS)
    truth = timed(seconds, "ground truth", ground_truth_edges, labels)
    tolerance = PROTOCOLS[protocol].tolerance(*truth.shape)
    graph = timed(seconds, "graph", PairGraph, thinned, truth, tolerance)
    timed(seconds, "bounds", graph.matchable)
    matcher = Matcher(graph)
    return timed(seconds, "matching", lambda: np.array([matcher.match(k) for k in range(len(THRESHOLDS))]))


def plain_chain(
    seconds: dict[str, float], protocol: str, prediction: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[int, int]]:
    """(threshold, matched pixels) at every tenth threshold, by the libraries' own functions."""
    values = timed(seconds, "suppression", suppress, prediction)
    truth = timed(seconds, "ground truth", skimage.morphology.thin, borders(labels))
    tolerance = PROTOCOLS[protocol].tolerance(*truth.shape)
    for k in range(0, len(THRESHOLDS), 10):
        thinned = timed(seconds, "thinning", skimage.morphology.thin, values > THRESHOLDS[k])
        yield k, timed(seconds, "matching", plain_match, thinned, truth, tolerance)


def plain_match(predicted: np.ndarray, truth: np.ndarray, tolerance: float) -> int:
    """Pairs of a cheapest matching in which staying alone costs more than all distances together."""
    own, other = np.argwhere(predicted), np.argwhere(truth)
    if not len(own) or not len(other):
        return 0
    near = cKDTree(own).sparse_distance_matrix(cKDTree(other), tolerance + 1e-9, output_type="coo_matrix")
    rows, matchable = np.unique(near.row, return_inverse=True)
    alone = np.arange(len(rows))
    costs = np.concatenate([near.data + 1, np.full(len(rows), (tolerance + 1) * (len(rows) + 1))])
    columns = np.concatenate([near.col, len(other) + alone])
    table = csr_matrix((costs, (np.concatenate([matchable, alone]), columns)), (len(rows), len(other) + len(rows)))
    return int((min_weight_full_bipartite_matching(table)[1] < len(other)).sum()) if len(rows) else 0


# --- the report


def _head(images: int, plain: int) -> str:
    return f"""# Boundary score: seconds an image

CPU seconds of one process and one thread, mean over {images} made-up maps a size (the plain chain: over {plain}, every
tenth threshold, scaled to 101). Written by `python -m benchmarks.boundary`; the maps and the plain chain are described
there. {platform.machine()}, {_processor()}; Python {platform.python_version()}, numpy {np.__version__}, SciPy
{scipy.__version__}, OpenCV {cv2.__version__}, scikit-image {skimage.__version__}.
"""


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def _size_section(protocol: str, cases: list[tuple[np.ndarray, np.ndarray]], plain: int) -> str:
    own: dict[str, float] = {}
    other: dict[str, float] = {}
    slowest = 0.0
    for number, (prediction, labels) in enumerate(cases):
        before = sum(own.values())
        matched = own_chain(own, protocol, prediction, labels)
        slowest = max(slowest, sum(own.values()) - before)
        if number < plain:
            for k, count in plain_chain(other, protocol, prediction, labels):
                if count != matched[k]:
                    raise AssertionError(f"image {number}, threshold {k}: {matched[k]} pairs, plain chain {count}")
    scale = {step: (len(THRESHOLDS) / 11 if step in ("thinning", "matching") else 1) / max(plain, 1) for step in other}
    rows = [f"| {step} | {seconds / len(cases):.4f} | {_cell(other, step, scale)} |" for step, seconds in own.items()]
    total = sum(own.values()) / len(cases)
    total_plain = sum(other[s] * scale[s] for s in other)
    beside = f"{total_plain:.2f}" if other else "-"
    height, width = cases[0][1].shape
    sets = _set_times(protocol, cases)
    return f"""## {height}x{width}, {protocol}

| step | densemoe | plain chain |
| --- | ---: | ---: |
{chr(10).join(rows)}
| **all, 101 thresholds** | **{total:.3f}** (slowest {slowest:.3f}) | **{beside}** |

The set of {len(cases)} by `score_set`, seconds an image: full curve {sets["full"]:.3f}; with `seism_compat` beside it
{sets["both"]:.3f}; only odsF {sets["ods"]:.3f} ({sets["full"] / sets["ods"]:.1f} times faster than the full curve).
"""


def _cell(seconds: dict[str, float], step: str, scale: dict[str, float]) -> str:
    return f"{seconds[step] * scale[step]:.4f}" if step in seconds else "-"


def _set_times(protocol: str, cases: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    ids = [str(i) for i in range(len(cases))]
    both = ("max_cardinality", "seism_compat")
    seconds: dict[str, float] = {}
    for name, options in (("full", {}), ("ods", {"only_ods": True}), ("both", {"counts": both})):
        timed(seconds, name, lambda o=options: score_set(Memory(cases), ids, protocol=protocol, **o))
    return {name: value / len(cases) for name, value in seconds.items()}


def _dense_section() -> str:
    """Maps that no network makes: the time limit holds for them too."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (480, 640)).astype(np.uint8)
    two = random.integers(0, 2, (480, 640))
    blobs = (_field(random, 480, 640, 3) > 0).astype(int)
    smooth = cv2.normalize(_field(random, 480, 640, 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    halves = np.where(np.arange(640) < 320, noise, smooth), np.where(np.arange(640) < 320, blobs, two)
    ramp = ((noise > 100) * np.linspace(0, 255, 640)).astype(np.uint8)
    rows = []
    for name, prediction, labels in (
        ("noise against noise", noise, two),
        ("noise against blobs", noise, blobs),
        ("halves: dense against sparse, sparse against dense", *halves),
        ("dots of rising strength against blobs", ramp, (_field(random, 480, 640, 1) > 0).astype(int)),
        ("all 255 against noise", np.full((480, 640), 255, np.uint8), two),
    ):
        seconds: dict[str, float] = {}
        pair = timed(seconds, "s", lambda p=prediction, t=labels: ImagePair(p, t, protocol="nyud", image_id="dense"))
        matched = timed(seconds, "s", pair.matched, range(len(THRESHOLDS)), ("max_cardinality",))["max_cardinality"]
        rows.append(f"| {name} | {pair.predicted.max()} | {pair.truth[0]} | {matched.max()} | {seconds['s']:.2f} |")
    return f"""## Dense maps, 480x640

| map | predicted pixels | true pixels | matched | seconds, 101 thresholds |
| --- | ---: | ---: | ---: | ---: |
{chr(10).join(rows)}
"""


if __name__ == "__main__":
    main()
