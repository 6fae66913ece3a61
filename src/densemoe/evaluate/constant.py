"""The best prediction that does not look at the image: what any training must beat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from densemoe.evaluate.predict import merge
from densemoe.params.errors import InputError
from densemoe.tasks import TASKS

Batch = Mapping[str, Any]


def constant_predictor_metrics(
    train: Iterable[Batch], val: Iterable[Batch], outputs: Mapping[str, int]
) -> dict[str, float]:
    """Pixel metrics on `val` of the constants fitted on `train`, by the same meters as a model's.

    The most frequent class (the best constant for mIoU), every pixel salient (the F that the lowest threshold gives
    away), the mean direction of the normals, the mean depth (the best constant for RMSE). No boundary.

    Args:
        train: batches holding the labels; `image` is not read. Depth is that of the loader: without random scale, fair.
        val: the same, of the validation set.
        outputs: task -> number of output channels.

    Raises:
        InputError: no pixel of the training labels has ground truth for a task.

    """
    constants = fit_constants(train, outputs)
    meters = {task: TASKS[task].meter(outputs[task]) for task in constants}
    for batch in val:
        for task, meter in meters.items():
            label = batch[task]
            shape = (label.shape[0], outputs[task], *label.shape[-2:])
            meter.update(constants[task].view(1, -1, 1, 1).expand(shape), label)
    return merge(meters)


def fit_constants(train: Iterable[Batch], outputs: Mapping[str, int]) -> dict[str, Tensor]:
    """Task -> the constant raw output, float32 [C], in one pass; InputError for a task without ground truth."""
    tasks = [task for task in outputs if task in _STATISTIC]
    # one additive vector per task, the number of valid pixels behind it
    sums = {task: torch.zeros(outputs[task], dtype=torch.float64) for task in tasks}
    pixels = dict.fromkeys(tasks, 0)
    for batch in train:
        for task in tasks:
            known = TASKS[task].valid(batch[task])
            sums[task] += _STATISTIC[task](batch[task], known, outputs[task])
            pixels[task] += int(known.sum())
    for task in tasks:
        if not pixels[task]:
            raise InputError(f"Constant predictor: no pixel of the training labels has ground truth for {task}.")
    return {task: _CONSTANT[task](sums[task], pixels[task]).float() for task in tasks}


def _class_counts(label: Tensor, known: Tensor, channels: int) -> Tensor:
    return torch.bincount(label[known], minlength=channels).double()


def _most_frequent(sums: Tensor, pixels: int) -> Tensor:
    return torch.nn.functional.one_hot(sums.argmax(), len(sums))


# task -> (label, bool [B,H,W], channels) -> float64 [channels], to be summed over batches
_STATISTIC: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "semseg": _class_counts,
    "human_parts": _class_counts,
    "saliency": _class_counts,
    "depth": lambda label, known, _: label[known].sum(dtype=torch.float64).view(1),
    "normals": lambda label, known, _: label.transpose(0, 1)[:, known].sum(1, dtype=torch.float64),
}
# task -> (sum, valid pixels) -> the constant raw output [channels]
_CONSTANT: dict[str, Callable[[Tensor, int], Tensor]] = {
    "semseg": _most_frequent,
    "human_parts": _most_frequent,
    # logits far apart: the probability of salient is exactly 1 in float32
    "saliency": lambda sums, pixels: torch.tensor([0.0, 200.0]),
    "depth": lambda sums, pixels: sums / pixels,
    "normals": lambda sums, pixels: sums,
}
