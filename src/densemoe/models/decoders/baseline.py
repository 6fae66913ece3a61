"""Baseline decoders without mixture of experts: MLoRE Table 2, first row, in two readings that fit its counts.

Shapes: B batch, C channels, D backbone width, H W, S scales, T tasks.
"""

from __future__ import annotations

from torch import Tensor, nn

from densemoe.models.fusion import SoftmaxFusion
from densemoe.models.heads import Heads
from densemoe.models.output import ModelOutput
from densemoe.models.scales import Grids, head_upsampling, to_finest
from densemoe.params.options import BaselineDecoder


class SharedSoftmaxFusion(nn.Module):
    """Reading B: one projection per scale shared by all tasks, then per-task fusion and head.

    It is the full MLoRE decoder without its modules.
    """

    def __init__(self, channels: int, backbone_channels: list[int], outputs: dict[str, int], upsampling: int):
        super().__init__()
        self.project = nn.ModuleList(nn.Conv2d(width, channels, 1) for width in backbone_channels)
        self.fusion = SoftmaxFusion(len(outputs), channels, len(backbone_channels), shared=True)
        self.heads = Heads(channels, outputs, upsampling)

    def forward(self, maps: list[Tensor], record_routing: bool = False) -> ModelOutput:
        """S maps [B, D, H, W] -> predictions [B, C_t, 4H, 4W]; there is no routing to record."""
        scales = [project(x) for project, x in zip(self.project, maps, strict=True)]
        return ModelOutput(self.heads(self.fusion(to_finest(scales))))


class PerTaskSum(nn.Module):
    """Reading A, MLoRE section 4.2: one projection per scale and task, the plain sum of scales, head."""

    def __init__(self, channels: int, backbone_channels: list[int], outputs: dict[str, int], upsampling: int):
        super().__init__()
        self.tasks = len(outputs)
        self.project = nn.ModuleList(nn.Conv2d(width, self.tasks * channels, 1) for width in backbone_channels)
        self.heads = Heads(channels, outputs, upsampling)

    def forward(self, maps: list[Tensor], record_routing: bool = False) -> ModelOutput:
        """S maps [B, D, H, W] -> predictions [B, C_t, 4H, 4W]; there is no routing to record."""
        scales = to_finest([project(x) for project, x in zip(self.project, maps, strict=True)])
        fused = sum(scales[1:], start=scales[0])  # [B, T*C, H, W]
        return ModelOutput(self.heads(fused.unflatten(1, (self.tasks, -1))))


PROJECTIONS = {"shared_softmax_fusion": SharedSoftmaxFusion, "per_task_sum": PerTaskSum}


def build_baseline(
    options: BaselineDecoder, backbone_channels: list[int], grids: Grids, outputs: dict[str, int]
) -> nn.Module:
    """The reading that the options name."""
    return PROJECTIONS[options.projection](options.channels, backbone_channels, outputs, head_upsampling(grids))
