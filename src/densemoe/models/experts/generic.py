"""Generic path: one convolution shared by all tasks (MLoRE Eq. 4; Table 9 compares its forms).

The caller stops the gradient at its input, so that it learns without steering the features.
"""

from __future__ import annotations

from torch import nn

from densemoe.params.options import LowRankGeneric, VanillaGeneric


def _none(options: object, channels: int, kernel_size: int) -> None:
    return None


def vanilla(options: VanillaGeneric, channels: int, kernel_size: int) -> nn.Module:
    """One kxk convolution, [M, C, H, W] -> [M, C, H, W]."""
    return nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)


def low_rank(options: LowRankGeneric, channels: int, kernel_size: int) -> nn.Module:
    """A kxk convolution C -> rank and a 1x1 convolution back, [M, C, H, W] -> [M, C, H, W]."""
    return nn.Sequential(
        nn.Conv2d(channels, options.rank, kernel_size, padding=kernel_size // 2),
        nn.Conv2d(options.rank, channels, 1),
    )


GENERIC = {"none": _none, "vanilla": vanilla, "low_rank": low_rank}
