"""Task-sharing experts of the standard mixture (MLoRE Table 2, "+ MoE").

Shapes: C channels, E experts, H W, M samples (batch times tasks).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.experts.chosen import pays_off, run_chosen
from densemoe.models.experts.gated import GatedProjection
from densemoe.params.options import StandardExperts as Options


class StandardExperts(nn.Module):
    """Experts of a kxk convolution, ReLU and a 1x1 convolution, all at full width and with bias.

    The first convolutions run as one of E*C channels. Biases start at zero like those of the low-rank experts.
    """

    def __init__(self, channels: int, count: int, kernel_size: int):
        super().__init__()
        self.down = nn.Conv2d(channels, count * channels, kernel_size, padding=kernel_size // 2)
        self.up = GatedProjection(channels, (channels,) * count)
        nn.init.zeros_(self.down.bias)

    @classmethod
    def from_options(cls, options: Options, channels: int) -> StandardExperts:
        """Build from typed options."""
        return cls(channels, options.count, options.kernel_size)

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """Features [M, C, H, W] and gates [M, E] -> gate-weighted sum of the experts [M, C, H, W]."""
        if not self.training and pays_off(x, self.down):
            return run_chosen(x, gates, self.down, self.up, F.relu_)
        return self.up(F.relu(self.down(x), inplace=True), gates)
