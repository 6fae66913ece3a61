"""What a task is to the rest of the code, and what a meter can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Meter(Protocol):
    """Accumulates one task's metrics over a data set. A fresh or reset meter has seen nothing."""

    def update(self, prediction: Tensor, label: Tensor) -> None:
        """Count one batch: raw outputs [B,C,H,W] against the label of the task."""

    def compute(self) -> dict[str, float]:
        """The metrics of everything counted so far; empty if no pixel with ground truth was seen."""

    def reset(self) -> None:
        """Forget everything."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything that loss and evaluation need to know about a task."""

    name: str
    ignore: float
    """The label's value where there is no ground truth; in all channels if the label has several."""
    valid: Callable[[Tensor], Tensor]
    """label -> bool [B,H,W], true where there is ground truth."""
    loss: Callable[..., Tensor]
    """(prediction [B,C,H,W], label, **options named in `loss_options`) -> float32 scalar; 0 if no pixel is valid."""
    meter: Callable[[int], Meter]
    """Number of output channels -> a fresh meter."""
    metrics: tuple[str, ...]
    """Keys that the meter yields."""
    loss_options: tuple[str, ...] = ()


def check_shapes(task: str, prediction: Tensor, channels: int | None, label: Tensor, label_channels: int = 0) -> None:
    """Refuse shapes that would broadcast silently.

    `prediction` must be [B,channels,H,W] (any channels if None) and `label` [B,H,W], or [B,label_channels,H,W] if
    `label_channels` is not 0. Raises ValueError.
    """
    if prediction.ndim != 4 or (channels is not None and prediction.shape[1] != channels):
        wanted = "C" if channels is None else channels
        raise ValueError(f"{task}: the prediction has shape {list(prediction.shape)}; expected [B, {wanted}, H, W].")
    batch, _, height, width = prediction.shape
    expected: Sequence[int] = [batch, *([label_channels] if label_channels else []), height, width]
    if list(label.shape) != expected:
        raise ValueError(
            f"{task}: the label has shape {list(label.shape)} beside a prediction of {list(prediction.shape)}; "
            f"expected {expected}."
        )


def check_channels(task: str, channels: int, expected: int) -> None:
    """Refuse a number of output channels that the task cannot have. Raises ValueError."""
    if channels != expected:
        raise ValueError(f"{task}: {channels} output channels were asked for; this task has exactly {expected}.")


def mean_over(values: Tensor, valid: Tensor) -> Tensor:
    """Sum of `values` where `valid`, divided by the number of valid pixels; 0, still on the graph, if there is none."""
    return values.where(valid, 0).sum() / valid.sum().clamp(min=1)
