"""Run a model over a validation set and fill the meters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from densemoe.evaluate.routing import RoutingStatistics
from densemoe.params.errors import InputError
from densemoe.tasks import Meter

Batch = Mapping[str, Any]


class BoundarySink(Protocol):
    """Takes the boundary predictions of each batch, e.g. `boundary_maps.BoundaryMapWriter`."""

    def write(self, prediction: Tensor, ids: list[str], boxes: Tensor) -> None:
        """Logits [B,1,H,W], image ids, and the original images' boxes int64 [B,4] (top, left, height, width)."""


def evaluate(
    model: nn.Module,
    loader: Iterable[Batch],
    meters: Mapping[str, Meter],
    *,
    boundary_sink: BoundarySink | None = None,
    device: torch.device | str,
    progress: Callable[[Iterable[Batch]], Iterable[Batch]] | None = None,
) -> dict[str, float]:
    """Metrics of all meters over all batches, by metric key.

    A metric whose meter saw no pixel with ground truth is left out: it is missing, not zero. The model's and its
    modules' training flags are as before afterwards.

    Args:
        model: called with the image [B,3,H,W]; what it returns has `predictions`, task -> [B,C,H,W].
        loader: batches with `image`, `id`, one label per task of `meters`, and `box` if there is a `boundary_sink`.
        meters: task -> meter; they are reset first.
        boundary_sink: receives the boundary predictions, if the model makes them.
        device: where the model is; batches are moved there.
        progress: wraps the loader to show how far it is.

    Raises:
        InputError: a prediction is not finite (the sentence names task and image), the model does not predict a task,
            there is no batch, or two meters yield the same metric.

    """
    needed = [*meters, *(["boundary"] if boundary_sink is not None and "boundary" not in meters else [])]
    for meter in meters.values():
        meter.reset()
    batches = 0
    with _evaluation_mode(model), torch.inference_mode():
        for batch in progress(loader) if progress else loader:
            predictions = model(batch["image"].to(device, non_blocking=True)).predictions
            for task in needed:
                _check_prediction(task, predictions, batch["id"])
            for task, meter in meters.items():
                meter.update(predictions[task], batch[task].to(device, non_blocking=True))
            if boundary_sink is not None:
                boundary_sink.write(predictions["boundary"], batch["id"], batch["box"])
            batches += 1
    if not batches:
        raise InputError("Evaluation: the loader yielded no batch; there is nothing to measure.")
    return merge(meters)


def collect_routing(
    model: nn.Module,
    loader: Iterable[Batch],
    statistics: RoutingStatistics,
    *,
    device: torch.device | str,
    progress: Callable[[Iterable[Batch]], Iterable[Batch]] | None = None,
) -> None:
    """Add the gates of every module and batch to `statistics`; training flags are as before afterwards.

    Args:
        model: called with the image [B,3,H,W] and `record_routing`; what it returns has `routing`, or None there.
        loader: batches with `image`.
        statistics: collects the gates.
        device: where the model is; batches are moved there.
        progress: wraps the loader to show how far it is.

    Raises InputError as `RoutingStatistics.update` does.

    """
    with _evaluation_mode(model), torch.inference_mode():
        for batch in progress(loader) if progress else loader:
            output = model(batch["image"].to(device, non_blocking=True), record_routing=True)
            for record in output.routing or ():
                statistics.update(record.scale, record.module, record.gates.double().cpu().numpy())


def merge(meters: Mapping[str, Meter]) -> dict[str, float]:
    """The metrics of all meters in one dict. Raises InputError if two meters yield the same key."""
    metrics: dict[str, float] = {}
    for task, meter in meters.items():
        for key, value in meter.compute().items():
            if key in metrics:
                raise InputError(f"Evaluation: the meter of {task} yields '{key}', which another meter yields already.")
            metrics[key] = value
    return metrics


def _check_prediction(task: str, predictions: Mapping[str, Tensor], ids: list[str]) -> None:
    if task not in predictions:
        raise InputError(f"Evaluation: the model does not predict {task}; it predicts {', '.join(predictions)}.")
    finite = torch.isfinite(predictions[task]).flatten(1).all(1)
    if not finite.all():
        image = ids[int(finite.int().argmin())]
        raise InputError(f"Evaluation: the prediction of {task} for image {image} holds values that are not finite.")


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, every module's own flag restored after (a frozen BatchNorm stays frozen)."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
