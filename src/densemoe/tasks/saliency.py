"""Saliency: background or salient object, two channels, scored by the largest F over thresholds."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from densemoe.tasks.task import Task, check_channels, check_shapes

IGNORE = 255
CHANNELS = 2
BETA_SQUARED = 0.3
THRESHOLDS = torch.tensor([k / 20 for k in range(1, 20)], dtype=torch.float32)


def valid(label: Tensor) -> Tensor:
    """[B,H,W] -> bool [B,H,W]: the pixel has ground truth."""
    return label != IGNORE


def balanced_cross_entropy(prediction: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy with class weights (1-w, w), w the share of background in the batch; mean over the valid pixels.

    The divisor is the number of valid pixels, not the sum of their weights (InvPT's and MLoRE's code).

    Args:
        prediction: logits [B,2,H,W].
        label: int64 [B,H,W], 0, 1 or 255.

    """
    check_shapes("saliency", prediction, CHANNELS, label)
    count = valid(label).sum().clamp(min=1)
    background = (label == 0).sum() / count
    weight = torch.stack([1 - background, background])
    total = F.cross_entropy(prediction.float(), label, weight=weight, ignore_index=IGNORE, reduction="sum")
    return total / count


def legacy_double_sigmoid(probability: Tensor) -> Tensor:
    """The score that the papers' meter compares with its thresholds: a sigmoid of what already is a probability.

    It maps [0,1] to [0.5,0.731]; MLoRE's authors keep it for comparability (their repository, discussion 9).
    """
    return torch.sigmoid(probability)


def threshold_histogram(score: Tensor, label: Tensor) -> Tensor:
    """How many of the 19 thresholds each pixel reaches, counted per class.

    One pass instead of 19; equal to counting `score >= threshold` for every threshold.

    Args:
        score: float32 [N].
        label: int64 [N], 0 or 1.

    Returns:
        int64 [2,20] on the score's device: entry [c,k] counts the pixels of class c that reach exactly k thresholds.

    """
    bins = len(THRESHOLDS) + 1
    # right=True: the number of thresholds <= score
    reached = torch.bucketize(score, THRESHOLDS.to(score.device), right=True)
    return torch.bincount(label * bins + reached, minlength=2 * bins).view(2, bins)


def max_f(histogram: Tensor) -> float:
    """Largest F in percent over the thresholds of a `threshold_histogram` [2,20]; 0 where F is undefined."""
    # selected[c,k]: pixels of class c at or above threshold k
    counts = histogram.double()
    selected = counts.flip(1).cumsum(1).flip(1)[:, 1:]
    hits, actual = selected[1], counts[1].sum()
    # (1+b) P R / (b P + R) with P = hits/selected and R = hits/actual, multiplied out; 0/0 becomes 0
    denominator = BETA_SQUARED * actual + selected.sum(0)
    f = (1 + BETA_SQUARED) * hits / denominator.where(denominator > 0, 1)
    return 100 * f.max().item()


class MaxF:
    """Largest F over thresholds in percent, by the papers' protocol and by the plain one; see `protocol`."""

    def __init__(self, channels: int):
        check_channels("saliency", channels, CHANNELS)
        self.reset()

    def update(self, prediction: Tensor, label: Tensor) -> None:
        """Count logits [B,2,H,W] against int64 labels [B,H,W]; ValueError for a label that is not 0, 1 or 255."""
        check_shapes("saliency", prediction, CHANNELS, label)
        known = valid(label)
        truth = label[known]
        if truth.numel() and int(truth.max()) > 1:
            raise ValueError(f"saliency: a label holds {int(truth.max())}; allowed are 0, 1 and {IGNORE}.")
        probability = prediction.float().softmax(1)[:, 1][known]
        scores = (legacy_double_sigmoid(probability), probability)
        self._histograms += torch.stack([threshold_histogram(score, truth) for score in scores]).cpu()

    def compute(self) -> dict[str, float]:
        """Both protocols."""
        if self._histograms.sum() == 0:
            return {}
        return {"saliency.max_f": max_f(self._histograms[0]), "saliency.max_f_plain": max_f(self._histograms[1])}

    def reset(self) -> None:
        """Forget everything."""
        # [protocol: legacy, plain][class][thresholds reached]
        self._histograms = torch.zeros(2, 2, len(THRESHOLDS) + 1, dtype=torch.int64)


SALIENCY = Task(
    name="saliency",
    ignore=IGNORE,
    valid=valid,
    loss=balanced_cross_entropy,
    meter=MaxF,
    metrics=("saliency.max_f", "saliency.max_f_plain"),
)
