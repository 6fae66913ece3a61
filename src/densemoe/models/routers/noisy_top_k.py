"""Task-specific router with noise in training and the k largest gates kept (MLoRE 3.2, Table 4).

Shapes: B batch, C channels, E experts, H W, P = H*W positions, T tasks. Layers of all tasks run as one batched product,
so features lie as [T, ., .] here.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.per_task import PerTaskConv, PerTaskLayerNorm, PerTaskLinear
from densemoe.params.options import NoisyTopKRouter as Options

GateOrder = Literal["softmax_then_top_k", "top_k_then_softmax"]


class BasicBranch(nn.Module):
    """Two 1x1 convolutions, averaged over positions; LayerNorm and GELU between them unless `linear`."""

    def __init__(self, tasks: int, channels: int, positions: int, *, linear: bool):
        super().__init__()
        self.tasks = tasks
        self.reduce = PerTaskConv(tasks, channels, channels // 4)
        self.norm = None if linear else PerTaskLayerNorm(tasks, channels // 4)
        self.project = PerTaskLinear(tasks, channels // 4, channels // 4)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T*C, H, W] -> [T, B, C/4]."""
        batch = x.shape[0]
        tokens = self.reduce(x).unflatten(1, (self.tasks, -1)).flatten(3)  # [B, T, C/4, P]
        tokens = tokens.permute(1, 0, 3, 2).flatten(1, 2)  # [T, B*P, C/4]
        # averaging before the projection would be the same and cheaper, but the papers' cost counts it like this
        return self.project(_bent(tokens, self.norm)).unflatten(1, (batch, -1)).mean(dim=2)


class PositionBranch(nn.Module):
    """Weighted sum over positions with learned weights, shared by all channels, then a 1x1 convolution.

    LayerNorm and GELU stand between them unless `linear`.
    """

    def __init__(self, tasks: int, channels: int, positions: int, *, linear: bool):
        super().__init__()
        self.tasks = tasks
        self.weight = nn.Parameter(torch.empty(tasks, positions, 1))
        self.bias = nn.Parameter(torch.zeros(tasks, 1))
        self.norm = None if linear else PerTaskLayerNorm(tasks, channels)
        self.project = PerTaskLinear(tasks, channels, channels // 4)
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T*C, H, W] -> [T, B, C/4]."""
        pooled = x.unflatten(1, (self.tasks, -1)).flatten(3) @ self.weight  # [B, T, C, 1]
        return self.project(_bent((pooled.squeeze(3) + self.bias).transpose(0, 1), self.norm))


def _bent(x: Tensor, norm: nn.Module | None) -> Tensor:
    return x if norm is None else F.gelu(norm(x))


BRANCHES = {"basic": (BasicBranch,), "position": (PositionBranch,), "both": (BasicBranch, PositionBranch)}


class NoisyTopKRouter(nn.Module):
    """Gates over the experts per sample and task, and the mix of the task-specific path.

    Args:
        tasks, channels: sizes.
        grid: H, W; the position branch and a learned input have one weight per position.
        experts: E; 0 if the module has no task-sharing path.
        k: number of gates kept.
        branches: "basic", "position" or "both".
        learned_input: route on a learned parameter per task instead of the sample's features.
        gate_order: what comes first, softmax or the choice of k.
        mix: predict the mix too.
        linear: nothing between the two layers of a branch.
        softplus: the noise has the softplus of the predicted scale, which is then never negative.
    """

    def __init__(
        self,
        tasks: int,
        channels: int,
        grid: tuple[int, int],
        *,
        experts: int,
        k: int,
        branches: Literal["basic", "position", "both"],
        learned_input: bool,
        gate_order: GateOrder,
        mix: bool,
        linear: bool,
        softplus: bool,
    ):
        super().__init__()
        self.softplus = softplus
        self.experts, self.k, self.gate_order, self.mix = experts, k, gate_order, mix
        # unit variance, the scale of normalised features; the paper gives no initialisation
        self.input = nn.Parameter(torch.randn(1, tasks * channels, *grid)) if learned_input else None
        self.branches = nn.ModuleList(
            branch(tasks, channels, grid[0] * grid[1], linear=linear) for branch in BRANCHES[branches]
        )
        outputs = 2 * experts + int(mix)  # logits, noise scales, mix
        self.predict = PerTaskLinear(tasks, len(self.branches) * (channels // 4), outputs)

    @classmethod
    def from_options(
        cls, options: Options, tasks: int, channels: int, grid: tuple[int, int], *, experts: int, mix: bool
    ) -> NoisyTopKRouter:
        """Build from typed options and what the other paths need of the router."""
        return cls(
            tasks,
            channels,
            grid,
            experts=experts,
            k=options.k,
            branches=options.branches,
            learned_input=options.input == "learned",
            gate_order=options.gate_order,
            mix=mix,
            linear=options.branch_form == "linear",
            softplus=options.noise_scale == "softplus",
        )

    def forward(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Features [B, T*C, H, W] -> gates [B, T, E], or None without experts, and mix [B, T], or None."""
        source = x if self.input is None else self.input
        hidden = torch.cat([branch(source) for branch in self.branches], dim=2)  # [T, B or 1, .]
        raw = self.predict(hidden).transpose(0, 1).expand(x.shape[0], -1, -1)  # [B, T, 2E + 1]
        mix = raw[..., -1] if self.mix else None
        if self.experts == 0:
            return None, mix
        # at least float32, also under autocast: which gates are kept is decided by small differences
        raw = raw.to(torch.promote_types(raw.dtype, torch.float32))
        logits = raw[..., : self.experts]
        if self.training:
            # without softplus, as in the released code, it may be negative
            scale = raw[..., self.experts : 2 * self.experts]
            scale = F.softplus(scale) if self.softplus else scale
            logits = torch.addcmul(logits, torch.randn_like(scale), scale)
        return sparse_gates(logits, self.k, self.gate_order), mix


def sparse_gates(logits: Tensor, k: int, order: GateOrder) -> Tensor:
    """Gates [..., E] with exactly k of the E entries kept and the others zero.

    "softmax_then_top_k" does not renormalise, so the gates sum to less than 1; "top_k_then_softmax" sums to 1.
    """
    softmax_first = order == "softmax_then_top_k"
    values, chosen = (logits.softmax(dim=-1) if softmax_first else logits).topk(k, dim=-1)
    if not softmax_first:
        values = values.softmax(dim=-1)
    return torch.zeros_like(logits, dtype=values.dtype).scatter(-1, chosen, values)
