"""Task-specific path: one low-rank expert per task (MLoRE Eq. 2 and 5).

Shapes: B batch, C channels, H W, R rank, T tasks.
"""

from __future__ import annotations

from torch import Tensor, nn

from densemoe.models.per_task import PerTaskConv
from densemoe.params.options import LowRankSpecific


class SpecificExperts(nn.Module):
    """Per task a kxk convolution C -> R and a 1x1 convolution R -> C, times the task's mix.

    Args:
        tasks, channels, rank, kernel_size: sizes.
    """

    def __init__(self, tasks: int, channels: int, rank: int, kernel_size: int):
        super().__init__()
        self.tasks = tasks
        self.down = PerTaskConv(tasks, channels, rank, kernel_size)
        self.up = PerTaskConv(tasks, rank, channels)

    def forward(self, x: Tensor, mix: Tensor | None) -> Tensor:
        """Features [B, T*C, H, W] and mix [B, T], or None for 1 -> [B, T*C, H, W]."""
        out = self.up(self.down(x))
        if mix is None:
            return out
        return (out.unflatten(1, (self.tasks, -1)) * mix[:, :, None, None, None]).flatten(1, 2)


def _none(options: object, tasks: int, channels: int, kernel_size: int) -> None:
    return None


def low_rank(options: LowRankSpecific, tasks: int, channels: int, kernel_size: int) -> SpecificExperts:
    """Build from typed options."""
    return SpecificExperts(tasks, channels, options.rank, kernel_size)


SPECIFIC = {"none": _none, "low_rank": low_rank}
