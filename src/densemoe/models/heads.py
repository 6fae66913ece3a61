"""Prediction heads, one per task.

Shapes: B batch, C channels, H W, T tasks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Head(nn.Module):
    """Bilinear upsampling, 3x3 convolution, BatchNorm, GELU, 1x1 convolution to the task's outputs."""

    def __init__(self, channels: int, outputs: int, upsampling: int = 4):
        super().__init__()
        self.upsampling = upsampling
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.predict = nn.Conv2d(channels, outputs, 1)
        nn.init.trunc_normal_(self.conv.weight, std=0.02)
        nn.init.normal_(self.predict.bias, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, outputs, 4H, 4W], or as many times as `upsampling` says."""
        if self.upsampling > 1:
            x = F.interpolate(x, scale_factor=self.upsampling, mode="bilinear", align_corners=False)
        return self.predict(F.gelu(self.norm(self.conv(x))))


class Heads(nn.ModuleDict):
    """One head per task.

    A loop over tasks, not one grouped convolution: this is half of the network's arithmetic, and the loop is faster.
    """

    def __init__(self, channels: int, outputs: dict[str, int], upsampling: int = 4):
        super().__init__({task: Head(channels, count, upsampling) for task, count in outputs.items()})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Features [B, T, C, H, W] of the tasks in order -> raw outputs per task, [B, C_t, 4H, 4W]."""
        # channels last: upsampling and convolution at the high resolution are a third faster
        last = torch.channels_last
        return {
            task: head(features[:, t].contiguous(memory_format=last)) for t, (task, head) in enumerate(self.items())
        }
