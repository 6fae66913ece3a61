"""Counts of a set of images: a pool of processes, resumable image by image, all thresholds or few.

`only_ods` evaluates just the thresholds that can hold the largest F, and is exact: with b >= matched for every image,
F <= 2 b / (predicted + truth) summed over the set, so a threshold whose bound is below an F already known is out. The
first bound of an image is the number of its pixels that have a partner at all; every matching then bounds the other
thresholds too (`pairs.PairGraph.bound`), and closely, so that two to four of the 101 are evaluated. The images are kept
ready for the next threshold, up to a limit of memory; beyond it they are made ready again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from densemoe.evaluate.boundary.counts import UNKNOWN, Counts
from densemoe.evaluate.boundary.image import ImagePair
from densemoe.evaluate.boundary.journal import Journal
from densemoe.evaluate.boundary.protocol import MAX_CARDINALITY, THRESHOLDS, VERSION, check_counts, protocol_of
from densemoe.params.errors import InputError

_ALL = tuple(range(len(THRESHOLDS)))
_PILOT = (50, 10)  # the first threshold is chosen by 50 of the images, or every tenth if that is more
_PARTS = 8  # a further threshold is often out before this part of the images is counted
_KEEP = 256 << 20  # bytes of images kept ready


class Maps(Protocol):
    """Where predictions and ground truth come from, e.g. `files.MapFiles`; it is sent to other processes."""

    def read(self, image_id: str) -> tuple[np.ndarray, np.ndarray]:
        """(prediction, ground truth) as `image.evaluate_pair` takes them."""

    def fingerprint(self, image_id: str) -> str:
        """Changes when the image's prediction or ground truth does."""


@dataclass(frozen=True)
class ImageCounts:
    """One image: pixels per threshold, int64 [thresholds]; `matched` by way of counting, UNKNOWN where not done."""

    image_id: str
    predicted: np.ndarray
    truth: np.ndarray
    bound: np.ndarray
    matched: dict[str, np.ndarray]

    def counts(self, count: str) -> Counts:
        """The counts with matched pixels counted in one way."""
        return Counts(self.matched[count], self.predicted, self.truth)


def score_set(
    maps: Maps,
    ids: Sequence[str],
    *,
    protocol: str,
    counts: Sequence[str] = (MAX_CARDINALITY,),
    only_ods: bool = False,
    workers: int = 1,
    journal: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[ImageCounts]:
    """Counts of every image, in the order of the ids.

    With `only_ods`, matched pixels are known at all thresholds at which F can be largest, and UNKNOWN at most others.

    Args:
        maps: reads an image by its id.
        ids: of the images; at least one, none twice.
        protocol: `pascal` or `nyud`.
        counts: ways of counting matched pixels.
        only_ods: see above; OIS, AP and the curve need all thresholds.
        workers: processes; each holds one image at a time.
        journal: file that keeps the counts of finished images; a second call with it does only what is missing.
        progress: called with (images done, images to do) of the pass under way.

    Raises:
        InputError: an image cannot be scored, or a process died. What is in the journal stays.

    """
    check_counts(tuple(counts))
    protocol_of(protocol)
    if workers < 1:
        raise InputError(f"Boundary score: {workers} workers; expected at least 1.")
    if not ids or len(set(ids)) != len(ids):
        raise InputError(
            f"Boundary score: {len(ids)} ids, {len(set(ids))} different; expected one or more, none twice."
        )
    known = _Known(maps, ids, tuple(counts), protocol, journal, keep=only_ods)
    with _pool(workers) as run:
        if not only_ods:
            known.complete(run, ids, _ALL, progress)
        else:
            pilot = ids[:: min(max(len(ids) // _PILOT[0], 1), _PILOT[1])]
            known.complete(run, pilot, (), progress)
            known.complete(run, ids, (_next_threshold([known.images[i] for i in pilot], counts),), progress)
            while (threshold := _next_threshold([known.images[i] for i in ids], counts)) is not None:
                left = [i for i in ids if known.missing(i, (threshold,))]
                known.complete(run, left[: -(-len(ids) // _PARTS)], (threshold,), progress)
    return [known.images[i] for i in ids]


def _next_threshold(images: Sequence[ImageCounts], counts: Sequence[str]) -> int | None:
    """The threshold (by index) to look at next: one not wholly known whose summed F may be the largest, else None.

    Of several the nearest to the best known one, where the bounds get close; at first the one with the highest bound.
    """
    pixels = np.maximum(sum(image.predicted + image.truth for image in images), 1)
    able: list[tuple[int, float, int]] = []
    for count in counts:
        known = np.all([image.matched[count] != UNKNOWN for image in images], axis=0)
        # where an image is not counted, its bound
        most = sum(np.where(image.matched[count] != UNKNOWN, image.matched[count], image.bound) for image in images)
        f = 2 * most / pixels
        best = int(np.where(known, f, -1).argmax())
        for k in np.flatnonzero(~known & (f >= f[known].max(initial=0.0))):
            able.append((abs(int(k) - best) if known.any() else 0, -f[k], int(k)))
    return min(able)[2] if able else None


class _Known:
    """Counts of the images so far, and how to get those that are missing."""

    def __init__(
        self,
        maps: Maps,
        ids: Sequence[str],
        counts: tuple[str, ...],
        protocol: str,
        journal: Path | None,
        keep: bool,
    ):
        self.images: dict[str, ImageCounts] = {}
        self._work = partial(count_image, maps, protocol=protocol, counts=counts, keep=keep)
        self._ready: dict[str, ImagePair] = {}
        self._room = _KEEP
        self._prints: dict[str, str] = {}
        self._journal: Journal | None = None
        if journal is not None:
            self._prints = {i: maps.fingerprint(i) for i in ids}
            self._journal = Journal(journal, {"version": VERSION, "protocol": protocol, "counts": sorted(counts)})
            for record in self._journal.records():
                if record["files"] == self._prints.get(record["image"]):
                    self._keep(_image(record))

    def complete(
        self,
        run: Callable[..., Iterable[ImageCounts]],
        ids: Sequence[str],
        thresholds: Sequence[int],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        """Count what is not known of some images at some thresholds."""
        todo = [i for i in ids if i not in self.images or self.missing(i, thresholds)]
        tasks = [(i, self.missing(i, thresholds), self._ready.get(i)) for i in todo]
        done = len(ids) - len(tasks)
        for image, pair in run(self._work, tasks):
            self._keep(image)
            self._keep_ready(image.image_id, pair)
            if self._journal is not None:
                self._journal.append({"files": self._prints[image.image_id], **_record(image)})
            done += 1
            if progress:
                progress(done, len(ids))

    def missing(self, image_id: str, thresholds: Sequence[int]) -> list[int]:
        """Those of the thresholds at which an image is not counted."""
        image = self.images.get(image_id)
        if image is None:
            return list(thresholds)
        return [k for k in thresholds if any(matched[k] == UNKNOWN for matched in image.matched.values())]

    def _keep(self, image: ImageCounts) -> None:
        if before := self.images.get(image.image_id):
            for count, matched in image.matched.items():
                np.maximum(matched, before.matched[count], out=matched)  # UNKNOWN is less than any count
            np.minimum(image.bound, before.bound, out=image.bound)
        self.images[image.image_id] = image

    def _keep_ready(self, image_id: str, pair: ImagePair | None) -> None:
        if pair is not None and (image_id in self._ready or pair.nbytes <= self._room):
            self._room -= pair.nbytes - (self._ready[image_id].nbytes if image_id in self._ready else 0)
            self._ready[image_id] = pair


def count_image(
    maps: Maps,
    task: tuple[str, Sequence[int], ImagePair | None],
    *,
    protocol: str,
    counts: Sequence[str],
    keep: bool,
) -> tuple[ImageCounts, ImagePair | None]:
    """Count one image at some thresholds, and give it back ready for others if it is to be kept.

    `task`: the image's id, the thresholds, and the image if it is ready; else it is read.
    """
    image_id, thresholds, pair = task
    if pair is None:
        pair = ImagePair(*maps.read(image_id), protocol=protocol, image_id=image_id)
    matched = pair.matched(thresholds, counts, tighten=keep)
    return ImageCounts(image_id, pair.predicted, pair.truth, pair.bound.copy(), matched), pair if keep else None


@contextmanager
def _pool(workers: int) -> Iterator[Callable[..., Iterable[ImageCounts]]]:
    """A `map` over processes that yields in the order of the tasks; in this process for one worker."""
    if workers == 1:
        yield map
        return
    # not forked: OpenCV and BLAS may have threads by now
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield pool.map
        except BrokenProcessPool as error:
            raise InputError(
                "Boundary score: a process ended before its image was done, perhaps for lack of memory (about 0.3 GB a "
                "process); finished images stay in the journal, and the same call with fewer workers goes on."
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _record(image: ImageCounts) -> dict[str, Any]:
    return {
        "image": image.image_id,
        "predicted": image.predicted.tolist(),
        "truth": image.truth.tolist(),
        "bound": image.bound.tolist(),
        "matched": {count: values.tolist() for count, values in image.matched.items()},
    }


def _image(record: dict[str, Any]) -> ImageCounts:
    matched = {count: np.array(values, np.int64) for count, values in record["matched"].items()}
    rest = (np.array(record[key], np.int64) for key in ("predicted", "truth", "bound"))
    return ImageCounts(record["image"], *rest, matched)
