"""Prediction heads, one per task.

Shapes: B batch, C channels, f upsampling, H W, T tasks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.as_published import runs_as_published


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
        # the papers' costs are those of the convolution at the high resolution
        if self.upsampling > 1 and not runs_as_published(x):
            x = upsampled_convolution(x, self.conv.weight, self.conv.bias, self.upsampling)
        else:
            if self.upsampling > 1:
                x = F.interpolate(x, scale_factor=self.upsampling, mode="bilinear", align_corners=False)
            x = self.conv(x)
        return self.predict(F.gelu(self.norm(x)))


def upsampled_convolution(x: Tensor, weight: Tensor, bias: Tensor, factor: int) -> Tensor:
    """A kxk convolution of the bilinearly upsampled features, [B, C, H, W] -> [B, C', fH, fW].

    Both are linear, so the matrix of each of the k*k taps can act before the upsampling, at a low resolution: the
    result is the same, and the products over channels, half of a network's arithmetic, are f*f times fewer. Afterwards
    the taps are upsampled, shifted and summed along one axis and then along the other, each a matrix product.
    """
    out_channels, channels, k, _ = weight.shape
    height, width = x.shape[-2:]
    taps = weight.permute(0, 2, 3, 1).reshape(-1, channels) @ x.flatten(2)  # [B, C'*k*k, H*W], rows before columns
    taps = taps.view(-1, k, height, width).transpose(1, 2).reshape(-1, k * width)  # [B*C'*k*H, k*W]
    rows = (taps @ shifted_upsampling(width, factor, k, x)).view(-1, k * height, factor * width)
    out = shifted_upsampling(height, factor, k, x).T @ rows  # [B*C', f*H, f*W]
    return out.view(len(x), out_channels, factor * height, factor * width) + bias[:, None, None]


def shifted_upsampling(length: int, factor: int, k: int, like: Tensor) -> Tensor:
    """Linear upsampling along one axis followed by each tap's shift, zero beyond the border; [k*length, f*length]."""
    unit = torch.eye(length, dtype=like.dtype, device=like.device)
    upsampling = F.interpolate(unit.unsqueeze(0), scale_factor=factor, mode="linear", align_corners=False)
    padded = F.pad(upsampling[0], (k // 2, k // 2))
    return padded.unfold(1, factor * length, 1).transpose(0, 1).reshape(k * length, -1)


class Heads(nn.ModuleDict):
    """One head per task.

    A loop over tasks: each has large products of its own, and one grouped convolution of all is slower.
    """

    def __init__(self, channels: int, outputs: dict[str, int], upsampling: int = 4):
        super().__init__({task: Head(channels, count, upsampling) for task, count in outputs.items()})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Features [B, T, C, H, W] of the tasks in order -> raw outputs per task, [B, C_t, 4H, 4W]."""
        return {task: head(features[:, t]) for t, (task, head) in enumerate(self.items())}
