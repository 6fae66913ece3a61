"""Task-sharing low-rank experts (MLoRE Eq. 3).

Shapes: C channels, E experts, H W, M samples (batch times tasks), R sum of ranks.
"""

from __future__ import annotations

from torch import Tensor, nn

from densemoe.models.experts.chosen import pays_off, run_chosen
from densemoe.models.experts.gated import GatedProjection
from densemoe.params.options import LowRankExperts as Options


class LowRankExperts(nn.Module):
    """Experts of a kxk convolution C -> r_n and a 1x1 convolution r_n -> C, both with bias, linear in their input.

    All first convolutions run as one of R = sum r_n channels. Biases start at zero, weights at torch's default of
    each convolution (no zero initialisation), as measured in the released code.
    """

    def __init__(self, channels: int, ranks: tuple[int, ...], kernel_size: int):
        super().__init__()
        self.down = nn.Conv2d(channels, sum(ranks), kernel_size, padding=kernel_size // 2)
        self.up = GatedProjection(channels, ranks)
        nn.init.zeros_(self.down.bias)

    @classmethod
    def from_options(cls, options: Options, channels: int) -> LowRankExperts:
        """Build from typed options."""
        return cls(channels, options.ranks, options.kernel_size)

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """Features [M, C, H, W] and gates [M, E] -> gate-weighted sum of the experts [M, C, H, W]."""
        if not self.training and pays_off(x, self.down):
            return run_chosen(x, gates, self.down, self.up)
        return self.up(self.down(x), gates)
