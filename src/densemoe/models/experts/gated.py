"""The second convolution of all experts of a module, weighted by their gates, as one matrix product.

Shapes: C channels, E experts, H W, M samples (batch times tasks), R sum of the experts' ranks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GatedProjection(nn.Module):
    """sum_n gate_n * (W_n h_n + b_n), where W_n is expert n's 1x1 convolution of r_n channels to C.

    The gates scale the small weights instead of the feature maps: the same sum, with fewer passes over memory.

    Args:
        channels: C.
        ranks: r_n of every expert; h holds their channels one after another.
    """

    def __init__(self, channels: int, ranks: tuple[int, ...]):
        super().__init__()
        self.ranks = tuple(ranks)
        weights = [torch.empty(channels, rank).uniform_(-(rank**-0.5), rank**-0.5) for rank in ranks]
        self.weight = nn.Parameter(torch.cat(weights, dim=1))  # [C, R]
        self.bias = nn.Parameter(torch.zeros(len(ranks), channels))  # [E, C]
        # number of the expert that owns each column; follows from the ranks, so not part of a checkpoint
        owner = torch.repeat_interleave(torch.arange(len(ranks), device="cpu"), torch.tensor(ranks, device="cpu"))
        self.register_buffer("owner", owner.to(self.weight.device), persistent=False)

    def forward(self, hidden: Tensor, gates: Tensor) -> Tensor:
        """Hidden maps [M, R, H, W] and gates [M, E] -> [M, C, H, W]."""
        weight = self.weight * gates.index_select(1, self.owner).unsqueeze(1)  # [M, C, R]
        bias = (gates @ self.bias).unsqueeze(2)  # [M, C, 1]
        return torch.baddbmm(bias, weight, hidden.flatten(2)).unflatten(2, hidden.shape[-2:])
