"""Run only the chosen experts in evaluation: those whose gate is not zero.

Shapes: C channels, E experts, H W, M samples (batch times tasks), R sum of the experts' ranks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.as_published import runs_as_published
from densemoe.models.experts.gated import GatedProjection

LEAST_WORK = 2**28
"""Multiply-adds of a sample's first convolution below which a loop over samples costs more than it saves; measured on a
CPU, where 160 channels pay off at 32x32 positions and not at 16x16 (benchmarks/models.py)."""


def pays_off(x: Tensor, down: nn.Conv2d) -> bool:
    """Whether to choose per sample: in evaluation without gradients, on a CPU, eagerly, with large enough layers.

    A GPU would wait for the gates and run small kernels, and is better served by the merged form. Costs are counted
    with all experts, as the papers' un-merged figures are.
    """
    if runs_as_published(x) or torch.is_grad_enabled() or x.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    return down.weight.numel() * x.shape[2] * x.shape[3] >= LEAST_WORK


def run_chosen(
    x: Tensor, gates: Tensor, down: nn.Conv2d, up: GatedProjection, activation: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """sum_n gate_n E_n(x) over the experts with a gate other than zero, a wide convolution per sample.

    Args:
        x, gates: features [M, C, H, W] and gates [M, E].
        down, up: first and second convolutions of all experts.
        activation: between them, if there is one.

    Returns:
        [M, C, H, W].
    """
    factors = gates.index_select(1, up.owner)  # [M, R]
    bias = gates @ up.bias  # [M, C]
    outputs = []
    for m, row in enumerate(factors != 0):
        rows = row.nonzero().squeeze(1)
        hidden = F.conv2d(x[m : m + 1], down.weight[rows], down.bias[rows], padding=down.padding)
        hidden = hidden if activation is None else activation(hidden)
        weight = up.weight[:, rows] * factors[m, rows]
        outputs.append(torch.addmm(bias[m].unsqueeze(1), weight, hidden[0].flatten(1)))
    return torch.stack(outputs).view(len(x), -1, *x.shape[2:])
