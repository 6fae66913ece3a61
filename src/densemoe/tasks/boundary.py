"""Semantic boundaries: one logit per pixel. Scored from saved maps (odsF), not pixel by pixel."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from densemoe.tasks.task import Task, check_channels, check_shapes, mean_over

IGNORE = 255


def valid(label: Tensor) -> Tensor:
    """[B,H,W] -> bool [B,H,W]: the pixel has ground truth."""
    return label != IGNORE


def balanced_bce(prediction: Tensor, label: Tensor, *, positive_weight: float) -> Tensor:
    """Binary cross-entropy with weight w on boundary and 1-w on the rest, mean over the valid pixels.

    Per pixel, with logit z and label y: w y softplus(-z) + (1-w) (1-y) softplus(z).

    Args:
        prediction: logits [B,1,H,W].
        label: float32 [B,H,W] in [0,1], or 255.
        positive_weight: w, fixed by the recipe (0.95 in most of the papers' configurations).

    """
    check_shapes("boundary", prediction, 1, label)
    z = prediction[:, 0].float()
    on = positive_weight * label * F.softplus(-z)
    off = (1 - positive_weight) * (1 - label) * F.softplus(z)
    return mean_over(on + off, valid(label))


class NoPixelMetric:
    """The boundary score matches thinned maps within a tolerance, so nothing is counted while predicting."""

    def __init__(self, channels: int):
        check_channels("boundary", channels, 1)

    def update(self, prediction: Tensor, label: Tensor) -> None:
        """Check the shapes [B,1,H,W] and [B,H,W]."""
        check_shapes("boundary", prediction, 1, label)

    def compute(self) -> dict[str, float]:
        """No metric."""
        return {}

    def reset(self) -> None:
        """Nothing to forget."""


BOUNDARY = Task(
    name="boundary",
    ignore=IGNORE,
    valid=valid,
    loss=balanced_bce,
    meter=NoPixelMetric,
    metrics=(),
    loss_options=("positive_weight",),
)
