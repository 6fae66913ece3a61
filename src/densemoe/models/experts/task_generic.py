"""Task-generic experts of TaskExpert: they decompose one backbone feature into several, the same for all tasks.

Shapes: B batch, C channels, D backbone width, E experts, H W.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.per_task import PerTaskConv
from densemoe.params.options import LinearTaskGeneric, MlpTaskGeneric


class LinearExperts(nn.Module):
    """One 1x1 convolution D -> C per expert, all as one of E*C channels."""

    def __init__(self, width: int, channels: int, count: int):
        super().__init__()
        self.count = count
        self.project = nn.Conv2d(width, count * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Backbone feature [B, D, H, W] -> task-generic features [B, E, C, H, W]."""
        return self.project(x).unflatten(1, (self.count, -1))


class MlpExperts(nn.Module):
    """Per expert a kxk convolution D -> hidden, GELU and a 1x1 convolution hidden -> C, both with bias.

    All first convolutions run as one of E*hidden channels, all second ones as one batched product.
    """

    def __init__(self, width: int, channels: int, count: int, hidden: int, kernel_size: int):
        super().__init__()
        self.count = count
        self.enter = nn.Conv2d(width, count * hidden, kernel_size, padding=kernel_size // 2)
        self.leave = PerTaskConv(count, hidden, channels)  # one per expert here

    def forward(self, x: Tensor) -> Tensor:
        """Backbone feature [B, D, H, W] -> task-generic features [B, E, C, H, W]."""
        return self.leave(F.gelu(self.enter(x))).unflatten(1, (self.count, -1))


def linear(options: LinearTaskGeneric, width: int, channels: int) -> LinearExperts:
    """Build from typed options."""
    return LinearExperts(width, channels, options.count)


def mlp(options: MlpTaskGeneric, width: int, channels: int) -> MlpExperts:
    """Build from typed options."""
    return MlpExperts(width, channels, options.count, options.hidden, options.kernel_size)


TASK_GENERIC = {"linear": linear, "mlp": mlp}
