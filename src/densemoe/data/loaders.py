"""Batches for training and validation from packed splits.

What a training step sees is a function of the seed and the number of the step alone: not of the number of worker
processes, nor of where a run was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from densemoe.data.packed import Reader
from densemoe.data.transforms import Sample, check_tasks, train_sample, val_sample
from densemoe.params.errors import InputError

Batch = dict[str, Any]
"""`image` float32 [B,3,H,W]; one label per task: `semseg`, `human_parts`, `saliency` int64 [B,H,W], `boundary` and
`depth` float32 [B,H,W], `normals` float32 [B,3,H,W]; `id` list of str; `box` int64 [B,4]: top, left, height, width of
the image inside the frame."""

_CLASS_MAPS = ("semseg", "human_parts", "saliency")
Key = tuple[int, int]
"""Epoch and number of the image."""


class TrainLoader:
    """Augmented batches of the steps `start_step` to `stop_step` - 1.

    Every epoch is a new permutation; images left over when it does not divide into batches are dropped. Step s is batch
    s mod (steps per epoch) of epoch s // (steps per epoch).

    Args:
        reader: packed training split.
        crop: height and width of the batches.
        tasks: labels to deliver. For human parts alone, only images with a person are used, as in the public loaders.
        batch_size: images a step over all ranks; each rank gets a contiguous part.
        seed: of the order and of the augmentation.
        start_step: first step; no step before it is computed.
        stop_step: the step after the last.
        workers: processes that prepare batches; 0 for none.
        rank: which part of each batch this process gets.
        world: number of parts.

    Raises InputError for a task without labels or a split smaller than one batch, ValueError for an uneven `world`.

    """

    def __init__(
        self,
        reader: Reader,
        *,
        crop: tuple[int, int],
        tasks: tuple[str, ...],
        batch_size: int,
        seed: int,
        start_step: int,
        stop_step: int,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
    ):
        if batch_size % world or not 0 <= rank < world:
            raise ValueError(f"batch_size {batch_size} does not divide into world {world}, rank {rank}")
        self._samples = TrainSamples(reader, crop, tasks, seed)
        self._batch_size, self._seed = batch_size, seed
        self._images = _usable(reader, self._samples.tasks)
        self.steps_per_epoch = len(self._images) // batch_size
        if self.steps_per_epoch == 0:
            raise InputError(
                f"{reader.folder} has {len(self._images)} usable images, fewer than recipe.batch_size {batch_size}."
            )
        self._steps = range(start_step, stop_step)
        self._workers, self._rank, self._world = workers, rank, world

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Batch]:
        return _batches(self._samples, (self.keys(step) for step in self._steps), self._workers)

    def keys(self, step: int) -> list[Key]:
        """This rank's epoch and images of a step."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = _permutation(len(self._images), self._seed, epoch)
        batch = order[position * self._batch_size : (position + 1) * self._batch_size]
        share = self._batch_size // self._world
        return [(epoch, int(self._images[i])) for i in batch[self._rank * share : (self._rank + 1) * share]]


class ValLoader:
    """Batches of a packed split in its order, at original resolution inside a padded frame; the last may be smaller.

    Raises InputError for a task without labels and for a frame `crop` (height, width) that does not hold every image.
    """

    def __init__(
        self, reader: Reader, *, crop: tuple[int, int], tasks: tuple[str, ...], batch_size: int, workers: int = 0
    ):
        height, width = reader.largest()
        if height > crop[0] or width > crop[1]:
            raise InputError(
                f"{reader.folder} has images of height {height} and of width {width}; the frame data.crop is "
                f"{crop[0]}x{crop[1]} and must hold them."
            )
        self._samples = ValSamples(reader, crop, tasks)
        self._batch_size, self._workers = batch_size, workers

    def __len__(self) -> int:
        return -(-len(self._samples) // self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        images = range(len(self._samples))
        batches = (list(images[start : start + self._batch_size]) for start in images[:: self._batch_size])
        return _batches(self._samples, batches, self._workers)


class TrainSamples(Dataset):
    """Augmented samples by (epoch, image); each has a random generator of its own."""

    def __init__(self, reader: Reader, crop: tuple[int, int], tasks: tuple[str, ...], seed: int):
        self._reader, self._crop, self._seed = reader, tuple(crop), seed
        self.tasks = check_tasks(reader.dataset, tasks)

    def __len__(self) -> int:
        return len(self._reader)

    def __getitem__(self, key: Key) -> tuple[str, Sample]:
        epoch, i = key
        record = self._reader[i]
        rng = Random(f"{self._seed} {epoch} {i}")
        return record.id, train_sample(record.planes, self._reader.dataset, self.tasks, self._crop, rng)


class ValSamples(Dataset):
    """Validation samples by number of the image."""

    def __init__(self, reader: Reader, crop: tuple[int, int], tasks: tuple[str, ...]):
        self._reader, self._crop = reader, tuple(crop)
        self.tasks = check_tasks(reader.dataset, tasks)

    def __len__(self) -> int:
        return len(self._reader)

    def __getitem__(self, i: int) -> tuple[str, Sample]:
        record = self._reader[i]
        return record.id, val_sample(record.planes, self._reader.dataset, self.tasks, self._crop)


def _usable(reader: Reader, tasks: tuple[str, ...]) -> np.ndarray:
    """Images to train on: those with a person when human parts are the only task, else all."""
    if tasks != ("human_parts",):
        return np.arange(len(reader))
    return np.flatnonzero([reader.notes(i)["people"] for i in range(len(reader))])


@lru_cache(maxsize=2)
def _permutation(images: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(images)


def _batches(samples: Dataset, batches: Iterator[list], workers: int) -> Iterator[Batch]:
    cv2.setNumThreads(0)
    if workers == 0:
        for keys in batches:
            yield _widened(_collate([samples[key] for key in keys]))
        return
    loader = DataLoader(
        samples,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_one_thread,
        # its own generator: the loader would otherwise draw from the one that the model's noise comes from
        generator=torch.Generator(),
    )
    for batch in loader:
        yield _widened(batch)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(0)


def _collate(samples: list[tuple[str, Sample]]) -> Batch:
    names = samples[0][1]
    batch: Batch = {name: torch.from_numpy(np.stack([sample[name] for _, sample in samples])) for name in names}
    batch["id"] = [id_ for id_, _ in samples]
    return batch


def _widened(batch: Batch) -> dict[str, Tensor | list[str]]:
    """Class maps as int64, here rather than in the workers: an eighth of the bytes to hand over."""
    return {name: value.long() if name in _CLASS_MAPS else value for name, value in batch.items()}
