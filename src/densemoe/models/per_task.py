"""Layers that hold one set of parameters per task and run all tasks at once.

Shapes: B batch, C channels, H W, T tasks. Features of all tasks lie as [B, T*C, H, W], task by task: a convolution
with T groups is then T convolutions, and a BatchNorm over T*C channels is exactly T BatchNorms.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PerTaskConv(nn.Conv2d):
    """One convolution per task, [B, T*C, H, W] -> [B, T*C', H, W], of unchanged size.

    Parameters and result are those of a convolution with T groups. A 1x1 kernel runs as a batched matrix product,
    because torch runs a grouped 1x1 convolution group by group on a CPU.
    """

    def __init__(self, tasks: int, channels: int, out_channels: int, kernel_size: int = 1, *, bias: bool = True):
        super().__init__(
            tasks * channels, tasks * out_channels, kernel_size, padding=kernel_size // 2, groups=tasks, bias=bias
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply task t's convolution to its C channels."""
        if self.kernel_size != (1, 1):
            return super().forward(x)
        batch, _, height, width = x.shape
        samples = batch * self.groups
        weight = self.weight.view(self.groups, -1, self.weight.shape[1])  # [T, C', C]
        weight = weight.expand(batch, -1, -1, -1).flatten(0, 1)  # [B*T, C', C]
        tokens = x.reshape(samples, -1, height * width)
        if self.bias is None:
            return (weight @ tokens).view(batch, -1, height, width)
        bias = self.bias.expand(batch, -1).reshape(samples, -1, 1)  # [B*T, C', 1]
        return torch.baddbmm(bias, weight, tokens).view(batch, -1, height, width)


def tasks_into_batch(x: Tensor, tasks: int) -> Tensor:
    """[B, T*C, H, W] -> [B*T, C, H, W], for layers that all tasks share."""
    batch, _, height, width = x.shape
    return x.reshape(batch * tasks, -1, height, width)


def tasks_into_channels(x: Tensor, tasks: int) -> Tensor:
    """[B*T, C, H, W] -> [B, T*C, H, W]; the inverse of `tasks_into_batch`."""
    height, width = x.shape[-2:]
    return x.reshape(x.shape[0] // tasks, -1, height, width)


class PerTaskLinear(nn.Module):
    """One linear layer per task, [T, M, C] -> [T, M, C']; initialised as torch does a 1x1 convolution."""

    def __init__(self, tasks: int, channels: int, out_channels: int):
        super().__init__()
        bound = channels**-0.5
        self.weight = nn.Parameter(torch.empty(tasks, channels, out_channels).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(tasks, 1, out_channels).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Apply task t's layer to x[t]."""
        return torch.baddbmm(self.bias, x, self.weight)


class PerTaskLayerNorm(nn.Module):
    """One LayerNorm over the last dimension per task, [T, M, C] -> [T, M, C]."""

    eps = 1e-5

    def __init__(self, tasks: int, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(tasks, 1, channels))
        self.bias = nn.Parameter(torch.zeros(tasks, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, then scale and shift x[t] by task t's parameters."""
        return torch.addcmul(self.bias, F.layer_norm(x, x.shape[-1:], eps=self.eps), self.weight)
