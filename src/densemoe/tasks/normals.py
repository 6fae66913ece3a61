"""Surface normals: a direction per pixel, three channels, all 255 where there is none."""

from __future__ import annotations

import torch
from torch import Tensor

from densemoe.tasks.task import Task, check_channels, check_shapes, mean_over

IGNORE = 255
CHANNELS = 3


def valid(label: Tensor) -> Tensor:
    """[B,3,H,W] -> bool [B,H,W]: no component is the ignore value."""
    return (label != IGNORE).all(1)


def unit(vectors: Tensor, dim: int) -> Tensor:
    """Vectors of length 1 along `dim`; a zero vector stays zero.

    Lengths below 1e-6 count as 1e-6, which bounds the gradient there: one pixel must not decide a training step.
    """
    vectors = vectors.float()
    # squares and a sum: over a dimension of three, torch's norm takes 30 times as long on a CPU
    return vectors / vectors.square().sum(dim, keepdim=True).clamp(min=1e-12).sqrt()


def l1(prediction: Tensor, label: Tensor) -> Tensor:
    """Absolute difference between the normalised prediction and the label, summed over the components, per valid pixel.

    Args:
        prediction: directions of any length [B,3,H,W].
        label: float32 [B,3,H,W], about unit length, or 255 in all channels.

    """
    check_shapes("normals", prediction, CHANNELS, label, CHANNELS)
    return mean_over((unit(prediction, 1) - label).abs().sum(1), valid(label))


class MeanAngle:
    """Mean angle in degrees over all valid pixels of the set; see `protocol`."""

    def __init__(self, channels: int):
        check_channels("normals", channels, CHANNELS)
        self.reset()

    def update(self, prediction: Tensor, label: Tensor) -> None:
        """Count directions [B,3,H,W] against directions [B,3,H,W]."""
        check_shapes("normals", prediction, CHANNELS, label, CHANNELS)
        known = valid(label).flatten()
        # [3,N], N valid pixels: sums over the leading dimension are the fast ones
        p = unit(prediction.transpose(0, 1).flatten(1)[:, known], 0)
        g = unit(label.transpose(0, 1).flatten(1)[:, known], 0)
        # unlike the arc cosine, exact for small angles
        angle = torch.rad2deg(2 * torch.atan2(_length(p - g), _length(p + g)))
        self._degrees += angle.sum(dtype=torch.float64).item()
        self._pixels += angle.numel()

    def compute(self) -> dict[str, float]:
        """Degrees."""
        return {"normals.mean_deg": self._degrees / self._pixels} if self._pixels else {}

    def reset(self) -> None:
        """Forget everything."""
        self._degrees = 0.0
        self._pixels = 0


def _length(vectors: Tensor) -> Tensor:
    return vectors.square().sum(0).sqrt()


NORMALS = Task(name="normals", ignore=IGNORE, valid=valid, loss=l1, meter=MeanAngle, metrics=("normals.mean_deg",))
