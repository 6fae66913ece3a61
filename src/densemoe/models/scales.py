"""Scales of unequal resolution, as a convolutional backbone gives them; no text says how MLoRE treats them.

Ours: every scale is decoded at its own resolution and resized to the finest before fusion. An HRNet's finest scale is a
quarter of the image already and is not upsampled further, so that the heads work at a quarter with either backbone.

Shapes: B batch, C channels, H W, S scales.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

Grids = list[tuple[int, int]]
"""Height and width of every scale, finest first."""


def to_finest(scales: list[Tensor]) -> list[Tensor]:
    """S maps [B, C, H_s, W_s] -> [B, C, H_0, W_0], bilinear; maps of that size already are returned untouched."""
    size = scales[0].shape[-2:]
    return [
        x if x.shape[-2:] == size else F.interpolate(x, size=size, mode="bilinear", align_corners=False) for x in scales
    ]


def head_upsampling(grids: Grids) -> int:
    """Factor between the fused map and the heads: 4 for equal grids (a ViT), 1 for a pyramid."""
    return 4 if len(set(grids)) == 1 else 1
