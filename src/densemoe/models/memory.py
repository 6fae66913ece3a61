"""Multi-task feature memory of TaskExpert: one feature per task that all scales read and write in turn.

Shapes: B batch, C channels, D backbone width, H W, T tasks. Memories of all tasks lie as [B, T*C, H, W], task by task.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.per_task import PerTaskConv
from densemoe.params.options import FeatureSkipMemory as FeatureSkipOptions
from densemoe.params.options import ReadWriteMemory as ReadWriteOptions


class ReadWriteMemory(nn.Module):
    """Read: kxk convolution without bias, BatchNorm, GELU. Write: add a 1x1 convolution of the decoded feature.

    The abstract has it "updated at each layer" and acting "as an additional feature expert"; the form is ours.
    """

    def __init__(self, tasks: int, channels: int, kernel_size: int):
        super().__init__()
        self.enter = PerTaskConv(tasks, channels, channels, kernel_size, bias=False)
        self.norm = nn.BatchNorm2d(tasks * channels)
        self.leave = PerTaskConv(tasks, channels, channels)

    @classmethod
    def from_options(cls, options: ReadWriteOptions, tasks: int, channels: int, width: int) -> ReadWriteMemory:
        """Build from typed options."""
        return cls(tasks, channels, options.kernel_size)

    def read(self, memory: Tensor) -> Tensor:
        """Memory [B, T*C, H, W] -> what the gates weigh as one more expert [B, T*C, H, W]."""
        return F.gelu(self.norm(self.enter(memory)))

    def write(self, memory: Tensor, decoded: Tensor, x: Tensor) -> Tensor:
        """Memory and decoded feature [B, T*C, H, W], backbone feature [B, D, H, W] -> next memory."""
        return memory + self.leave(decoded)


class FeatureSkipMemory(nn.Module):
    """Read: as it is. Write: add the decoded feature and a 1x1 convolution per task of the backbone feature; ours."""

    def __init__(self, tasks: int, channels: int, width: int):
        super().__init__()
        self.skip = nn.Conv2d(width, tasks * channels, 1)

    @classmethod
    def from_options(cls, options: FeatureSkipOptions, tasks: int, channels: int, width: int) -> FeatureSkipMemory:
        """Build from typed options."""
        return cls(tasks, channels, width)

    def read(self, memory: Tensor) -> Tensor:
        """Memory [B, T*C, H, W], unchanged."""
        return memory

    def write(self, memory: Tensor, decoded: Tensor, x: Tensor) -> Tensor:
        """Memory and decoded feature [B, T*C, H, W], backbone feature [B, D, H, W] -> next memory."""
        return memory + decoded + self.skip(x)


MEMORIES = {"read_write": ReadWriteMemory.from_options, "feature_skip": FeatureSkipMemory.from_options}
