"""One measurement as a command runs it: meters of all tasks, boundary maps on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import nn

from densemoe.evaluate.boundary_maps import BoundaryMapWriter
from densemoe.evaluate.predict import Batch, evaluate
from densemoe.params.errors import InputError
from densemoe.tasks import PROTOCOL, TASKS


def check_protocol(version: int) -> None:
    """Refuse to measure by another version of the pixel metrics than the one this code states. Raises InputError."""
    if version != PROTOCOL["pixel_metrics"]:
        known = PROTOCOL["pixel_metrics"]
        raise InputError(
            f"--protocol is {version}, but this code measures by version {known} of the pixel metrics only."
        )


def measure(
    model: nn.Module,
    loader: Iterable[Batch],
    outputs: Mapping[str, int],
    maps: Path,
    *,
    device: torch.device,
    progress: Callable[[Iterable[Batch]], Iterable[Batch]] | None = None,
) -> dict[str, float]:
    """Metrics by key; `maps` gets the boundary probabilities.

    The archive is written without a boundary task too, empty: every run has the same outputs.

    Args:
        model: on `device`.
        loader: validation batches.
        outputs: task -> output channels.
        maps: archive of the boundary maps; it appears only if all went well.
        device: where the model is.
        progress: wraps the loader.

    Raises as `predict.evaluate` does.

    """
    meters = {task: TASKS[task].meter(channels) for task, channels in outputs.items()}
    with BoundaryMapWriter(maps) as writer:
        sink = writer if "boundary" in outputs else None
        return evaluate(model, loader, meters, boundary_sink=sink, device=device, progress=progress)
