"""Depth: metres along the optical axis, one channel, 0 where not measured."""

from __future__ import annotations

import math

from torch import Tensor

from densemoe.tasks.task import Task, check_channels, check_shapes, mean_over

IGNORE = 0
# The bound of the papers' meter: a driving range, no bound at all for the rooms of NYUD-v2.
FARTHEST = 80.0


def valid(label: Tensor) -> Tensor:
    """[B,H,W] -> bool [B,H,W]: the depth was measured."""
    return label != IGNORE


def l1(prediction: Tensor, label: Tensor) -> Tensor:
    """Mean absolute difference in metres over the measured pixels.

    Args:
        prediction: metres [B,1,H,W].
        label: float32 metres [B,H,W], 0 where not measured.

    """
    check_shapes("depth", prediction, 1, label)
    return mean_over((prediction[:, 0].float() - label).abs(), valid(label))


class Rmse:
    """Root of the mean squared difference in metres over all measured pixels of the set; see `protocol`."""

    def __init__(self, channels: int):
        check_channels("depth", channels, 1)
        self.reset()

    def update(self, prediction: Tensor, label: Tensor) -> None:
        """Count metres [B,1,H,W] against metres [B,H,W]."""
        check_shapes("depth", prediction, 1, label)
        known = (label > 0) & (label < FARTHEST)
        metres = prediction[:, 0].float()[known].clamp(min=0)
        metres = metres.where(metres != 0, 1e-9)
        self._squares += (metres.double() - label[known].double()).square().sum().item()
        self._pixels += metres.numel()

    def compute(self) -> dict[str, float]:
        """Metres."""
        return {"depth.rmse": math.sqrt(self._squares / self._pixels)} if self._pixels else {}

    def reset(self) -> None:
        """Forget everything."""
        self._squares = 0.0
        self._pixels = 0


DEPTH = Task(name="depth", ignore=IGNORE, valid=valid, loss=l1, meter=Rmse, metrics=("depth.rmse",))
