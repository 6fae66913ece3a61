"""Seconds an image of the boundary score, by step and size, beside a plain chain: python -m benchmarks.boundary.

The maps are made here: Voronoi segmentations of wavy cells, and as predictions their borders displaced, blurred and
weakened in places, more so in some images, with false lines and noise; odsF is near 0.77, like a network's. The plain
chain thins with scikit-image, one threshold after the other, and matches with SciPy's
min_weight_full_bipartite_matching, every predicted pixel having one more partner of its own, dearer than all distances
together, for staying without; it runs at every tenth threshold and is scaled up. Its counts must equal ours.
CPU seconds of one process (time.process_time), one thread: OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import platform
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
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
from densemoe.evaluate.boundary.counts import UNKNOWN
from densemoe.evaluate.boundary.ground_truth import borders, ground_truth_edges
from densemoe.evaluate.boundary.match import Matcher
from densemoe.evaluate.boundary.nms import suppress
from densemoe.evaluate.boundary.pairs import PairGraph
from densemoe.evaluate.boundary.report import summary
from densemoe.evaluate.boundary.score import score_set
from densemoe.evaluate.boundary.thin import thin_thresholds
from densemoe.params.atomic import write_json, write_text

SIZES = {"375x500": ("pascal", 375, 500, 0.7), "480x640": ("nyud", 480, 640, 1.5)}
"""Size -> protocol, height, width, and the most seconds that the curve of 101 thresholds may take."""

ODS_FACTOR, DENSE_SECONDS, MEGABYTES = 2.5, 10, 600
"""How much faster odsF alone must be than the curve; the longest that any map may take; the most memory."""

REPORT = Path("reports/benchmarks/boundary")
_EVERY = 10  # thresholds of the plain chain


def main() -> None:
    """Measure and write the report, OUTPUT.json and OUTPUT.md."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--images", default=20, type=int, help="images a size")
    parser.add_argument("--plain", default=1, type=int, help="of these, images that the plain chain does too")
    parser.add_argument("--output", default=REPORT, type=Path, help="path without its ending")
    args = parser.parse_args()
    result: dict[str, Any] = {"images": args.images, "plain_images": args.plain, "machine": _machine(), "sizes": {}}
    for size, (protocol, height, width, _) in SIZES.items():
        cases = [case(height, width, seed) for seed in range(args.images)]
        result["sizes"][size] = {"protocol": protocol, **steps(protocol, cases, args.plain), **sets(protocol, cases)}
    result["dense"] = dense()
    # in a process of its own, where nothing else was measured
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        result["megabytes"] = pool.submit(peak_megabytes).result()
    result["limits"] = limits(result)
    write_json(args.output.with_suffix(".json"), result)
    write_text(args.output.with_suffix(".md"), markdown(result))
    print(f"{args.output}.json and .md are written")


# --- maps


def case(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(prediction uint8 [H,W], segmentation uint16 [H,W])."""
    random = np.random.default_rng(seed)
    segmentation = _cells(random, height, width, 25 + 4 * seed % 80)
    displaced = cv2.remap(
        _edges(segmentation),
        *(grid + 70 * _field(random, height, width, 8) for grid in _positions(height, width)[::-1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    quality = random.uniform(0.6, 1.2)
    strength = quality / (1 + np.exp(-60 * _field(random, height, width, 20) - 0.3))
    false = _blurred(_edges(_cells(random, height, width, 40)), 2.0)
    false_strength = 0.8 * quality / (1 + np.exp(0.5 - 60 * _field(random, height, width, 15)))
    noise = 0.16 * np.abs(_field(random, height, width, 1.5))
    probability = np.clip(_blurred(displaced, 1.6) * strength + false * false_strength + noise, 0, 1)
    return (probability * 255).astype(np.uint8), segmentation


def _positions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return y, x


def _field(random: np.random.Generator, height: int, width: int, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(random.normal(size=(height, width)).astype(np.float32), (0, 0), sigma)


def _cells(random: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    centres = random.uniform(0, 1, (cells, 2)) * [height, width]
    places = [grid + 180 * _field(random, height, width, 12) for grid in _positions(height, width)]
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
    graph = timed(seconds, "pixels with a partner", PairGraph, thinned, truth, tolerance)
    matcher = Matcher(graph)
    return timed(seconds, "matching", lambda: np.array([matcher.match(k) for k in range(len(THRESHOLDS))]))


def plain_chain(
    seconds: dict[str, float], protocol: str, prediction: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[int, int]]:
    """(threshold, matched pixels) at every tenth threshold, by the libraries' own functions."""
    values = timed(seconds, "suppression", suppress, prediction)
    truth = timed(seconds, "ground truth", skimage.morphology.thin, borders(labels))
    tolerance = PROTOCOLS[protocol].tolerance(*truth.shape)
    for k in range(0, len(THRESHOLDS), _EVERY):
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


def steps(protocol: str, cases: list[tuple[np.ndarray, np.ndarray]], plain: int) -> dict[str, Any]:
    """Mean seconds an image by step, of this package and of the plain chain; the slowest image's sum."""
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
    done = len(range(0, len(THRESHOLDS), _EVERY))
    per_threshold = {"thinning", "matching"}
    scale = {step: (len(THRESHOLDS) / done if step in per_threshold else 1) / max(plain, 1) for step in other}
    return {
        "steps": {step: seconds / len(cases) for step, seconds in own.items()},
        "plain_steps": {step: seconds * scale[step] for step, seconds in other.items()},
        "slowest_image": slowest,
    }


def sets(protocol: str, cases: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Mean seconds an image of the whole set: full curve, both counts, odsF alone, each the better of two rounds."""
    ids = [str(i) for i in range(len(cases))]
    ways = {
        "full": {},
        "only_ods": {"only_ods": True},
        "full_both_counts": {"counts": ("max_cardinality", "seism_compat")},
    }
    seconds, scores, thresholds = dict.fromkeys(ways, float("inf")), {}, 0.0
    for _ in range(2):
        for name, options in ways.items():
            spent: dict[str, float] = {}
            images = timed(spent, name, lambda o=options: score_set(Memory(cases), ids, protocol=protocol, **o))
            seconds[name] = min(seconds[name], spent[name] / len(cases))
            scores[name] = summary(images, protocol=protocol)["max_cardinality"]["ods"]
            if name == "only_ods":
                thresholds = float(np.mean([(i.matched["max_cardinality"] != UNKNOWN).sum() for i in images]))
    if scores["only_ods"] != scores["full"]:
        raise AssertionError(f"only odsF gives {scores['only_ods']}, the full curve {scores['full']}")
    return {
        "set": seconds,
        "ods": scores["full"],
        "thresholds_of_only_ods": thresholds,
        "only_ods_factor": seconds["full"] / seconds["only_ods"],
    }


def dense() -> list[dict[str, Any]]:
    """Maps that no network makes, 480x640: the time limit holds for them too."""
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
        counts = {"predicted": pair.predicted.max(), "truth": pair.truth[0], "matched": matched.max()}
        rows.append({"map": name, **{key: int(value) for key, value in counts.items()}, "seconds": seconds["s"]})
    return rows


def peak_megabytes() -> dict[str, float]:
    """Highest memory of this process so far after a map like a network's and after a dense one, 480x640."""
    random = np.random.default_rng(0)
    maps = {
        "like a network's": case(480, 640, 0),
        "dense": (random.integers(0, 256, (480, 640)).astype(np.uint8), random.integers(0, 2, (480, 640))),
    }
    peaks = {}
    for name, pair in maps.items():
        ImagePair(*pair, protocol="nyud", image_id=name).matched(range(0, len(THRESHOLDS), _EVERY))
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        peaks[name] = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
    return peaks


# --- the report


def limits(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What must hold, and whether it did."""
    rows = []
    for size, (*_, most) in SIZES.items():
        of_size = result["sizes"][size]
        rows.append((f"{size}: seconds, full curve", "at most", most, of_size["set"]["full"]))
        rows.append((f"{size}: full curve / only odsF", "at least", ODS_FACTOR, of_size["only_ods_factor"]))
    rows.append(("seconds, slowest dense map", "at most", DENSE_SECONDS, max(r["seconds"] for r in result["dense"])))
    rows.append(("megabytes of a process, 480x640", "at most", MEGABYTES, max(result["megabytes"].values())))
    keys = ("what", "kind", "limit", "measured")
    return [
        {**dict(zip(keys, row, strict=True)), "met": row[3] <= row[2] if row[1] == "at most" else row[3] >= row[2]}
        for row in rows
    ]


def markdown(result: dict[str, Any]) -> str:
    """The report for people."""
    parts = [
        f"""# Boundary score: seconds an image

CPU seconds of one process and one thread, mean over {result["images"]} made-up maps a size (the plain chain:
{result["plain_images"]} of them, every tenth threshold, scaled to 101). Written by `python -m benchmarks.boundary`; the
maps and the plain chain are described there. {result["machine"]}.
""",
        _grid(
            ["", "limit", "measured", "met"],
            [
                [r["what"], f"{r['kind']} {r['limit']}", f"{r['measured']:.2f}", "yes" if r["met"] else "**no**"]
                for r in result["limits"]
            ],
        ),
    ]
    for size, of_size in result["sizes"].items():
        own, plain, of_set = of_size["steps"], of_size["plain_steps"], of_size["set"]
        rows = [[step, f"{own[step]:.4f}", f"{plain[step]:.4f}" if step in plain else "-"] for step in own]
        rows.append(["**all, 101 thresholds**", f"**{sum(own.values()):.3f}**", f"**{sum(plain.values()):.2f}**"])
        parts += [
            f"## {size}, {of_size['protocol']}\n",
            _grid(["step", "densemoe", "plain chain"], rows),
            f"Slowest image: {of_size['slowest_image']:.3f}. The set of {result['images']} by `score_set`, seconds an "
            f"image: full curve {of_set['full']:.3f}; with `seism_compat` beside it {of_set['full_both_counts']:.3f}; "
            f"only odsF {of_set['only_ods']:.3f}, {of_size['only_ods_factor']:.2f} times faster than the full curve, "
            f"from {of_size['thresholds_of_only_ods']:.1f} thresholds an image. Both give odsF "
            f"{of_size['ods']['f']:.6f} at {of_size['ods']['threshold']:g}.\n",
        ]
    rows = [
        [r["map"], *(str(r[k]) for k in ("predicted", "truth", "matched")), f"{r['seconds']:.2f}"]
        for r in result["dense"]
    ]
    peaks = ", ".join(f"{name} {value:.0f} MB" for name, value in result["megabytes"].items())
    parts += [
        "## Dense maps, 480x640\n",
        _grid(["map", "predicted pixels", "true pixels", "matched", "seconds, 101 thresholds"], rows),
        f"Peak memory of a process, the plain chain's libraries loaded: {peaks}.\n",
    ]
    return "\n".join(parts)


def _grid(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _machine() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")] or ["unknown processor"]
    return (
        f"{platform.machine()}, {names[0]}; Python {platform.python_version()}, numpy {np.__version__}, SciPy "
        f"{scipy.__version__}, OpenCV {cv2.__version__}, scikit-image {skimage.__version__}"
    )


if __name__ == "__main__":
    main()
