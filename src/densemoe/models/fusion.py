"""Fusion of the scales, one per task: as in the released MLoRE code, or concatenated, as its paper says.

Shapes: B batch, C channels, H W, S scales, T tasks.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.per_task import PerTaskConv


class SoftmaxFusion(nn.Module):
    """Weighted sum of the scales; the weights are a softmax over scales, predicted per task and position.

    Args:
        tasks, channels, scales: sizes.
        shared: every task sees the same features (baseline) instead of its own.
    """

    def __init__(self, tasks: int, channels: int, scales: int, *, shared: bool):
        super().__init__()
        self.tasks, self.shared = tasks, shared
        inputs = scales * channels
        self.reduce = nn.Conv2d(inputs, tasks * channels, 1) if shared else PerTaskConv(tasks, inputs, channels)
        self.norm = nn.BatchNorm2d(tasks * channels)
        self.weigh = PerTaskConv(tasks, channels, scales, kernel_size=3)

    def forward(self, scales: list[Tensor]) -> Tensor:
        """Fuse S maps, each [B, C, H, W] if shared, else [B, T*C, H, W]; returns [B, T, C, H, W]."""
        groups = 1 if self.shared else self.tasks
        stack = torch.stack([x.unflatten(1, (groups, -1)) for x in scales], dim=2)  # [B, T or 1, S, C, H, W]
        weights = self.weigh(F.gelu(self.norm(self.reduce(stack.flatten(1, 3)))))
        weights = weights.unflatten(1, (self.tasks, -1)).softmax(dim=2)  # [B, T, S, H, W]
        return (weights.unsqueeze(3) * stack).sum(dim=2)


class ConcatenatedFusion(nn.Module):
    """1x1 convolution per task of all scales' channels; the paper gives no more than the concatenation.

    Args:
        tasks, channels, scales: sizes.
    """

    def __init__(self, tasks: int, channels: int, scales: int):
        super().__init__()
        self.tasks = tasks
        self.reduce = PerTaskConv(tasks, scales * channels, channels)

    def forward(self, scales: list[Tensor]) -> Tensor:
        """Fuse S maps, each [B, T*C, H, W]; returns [B, T, C, H, W]."""
        stack = torch.stack([x.unflatten(1, (self.tasks, -1)) for x in scales], dim=2)  # [B, T, S, C, H, W]
        return self.reduce(stack.flatten(1, 3)).unflatten(1, (self.tasks, -1))


FUSIONS = {"softmax_weighted": partial(SoftmaxFusion, shared=False), "concatenated": ConcatenatedFusion}
