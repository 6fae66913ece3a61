"""Merged inference form of MLoRE: one convolution per sample and task instead of all paths (MLoRE Eq. 6).

Shapes: B batch, C channels, E experts, H W, k kernel size, M samples (batch times tasks), R rank, T tasks.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.decoders.mlore import MloreModule, Paths
from densemoe.models.experts.low_rank import LowRankExperts
from densemoe.models.experts.specific import SpecificExperts
from densemoe.params.errors import InputError


class KernelMixer(nn.Module):
    """Builds each sample's kernel and bias from its gates: W = scale_t * sum_n gate_n K_n + mix * S_t + G.

    No part of the papers' cost, which counts only the convolution. Mixing is a matter of memory traffic: one product
    over experts, added in place to the task-specific kernels, so that no kernel is written more than twice.

    Args:
        shared: of the experts and, last, the generic path; kernel [C, E + 1, N] and bias [C, E + 1, 1], where absent
            ones are left out of the middle dimension.
        scale, shift: the evaluation form of the experts' BatchNorm, [T, C] each, or None without experts.
        specific: of the task-specific experts, [T, C, N] and [T, C, 1], or None.
    """

    def __init__(
        self,
        shared: tuple[Tensor, Tensor] | None,
        scale: Tensor | None,
        shift: Tensor | None,
        specific: tuple[Tensor, Tensor] | None,
        tasks: int,
    ):
        super().__init__()
        self.tasks = tasks
        for name, pair in (("shared", shared), ("specific", specific)):
            for kind, value in zip(("kernel", "bias"), pair or (None, None), strict=True):
                self.register_buffer(f"{name}_{kind}", value, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, batch: int, gates: Tensor | None, mix: Tensor | None) -> tuple[Tensor, Tensor]:
        """Gates [B, T, E] and mix [B, T] -> kernels [B, T, C, N] and biases [B, T, C, 1]."""
        weights = self._weights(batch, gates)
        kernel = self._mix(batch, weights, mix, self.shared_kernel, self.specific_kernel)
        bias = self._mix(batch, weights, mix, self.shared_bias, self.specific_bias)
        return kernel, bias if self.shift is None else bias.add_(self.shift.unsqueeze(2))

    def _weights(self, batch: int, gates: Tensor | None) -> Tensor | None:
        """What each shared kernel is multiplied by, per output channel: [C, B*T, E + 1]."""
        if self.shared_kernel is None:
            return None
        channels, count = self.shared_kernel.shape[:2]
        weights = self.shared_kernel.new_ones(batch, self.tasks, channels, count)
        if self.scale is not None:
            weights[..., : gates.shape[2]] = gates.unsqueeze(2) * self.scale.unsqueeze(2)
        return weights.flatten(0, 1).transpose(0, 1)

    def _mix(
        self, batch: int, weights: Tensor | None, mix: Tensor | None, shared: Tensor | None, specific: Tensor | None
    ) -> Tensor:
        """Kernels, or biases as kernels with N = 1: [B, T, C, N]."""
        if specific is None:
            by_channel = torch.bmm(weights, shared)  # [C, B*T, N]
        else:
            factor = specific.new_ones(batch, self.tasks) if mix is None else mix.contiguous()
            out = specific * factor[..., None, None]
            if shared is None:
                return out
            by_channel = out.view(-1, *specific.shape[1:]).transpose(0, 1)
            if not torch.compiler.is_compiling():
                torch.baddbmm(by_channel, weights, shared, out=by_channel)
                return out
            by_channel = torch.baddbmm(by_channel, weights, shared)  # a compiled graph has no views to write to
        return by_channel.transpose(0, 1).unflatten(0, (batch, self.tasks)).contiguous()


class MergedPaths(nn.Module):
    """All paths of one module as one grouped convolution; same inputs and output as `Paths` in evaluation mode."""

    def __init__(self, paths: Paths):
        super().__init__()
        scale = shift = specific = None
        shared = []
        if paths.experts is not None:
            shared.append(_expert_kernels(paths.experts))
            scale, shift = _affine(paths.norm, paths.tasks)
            self.kernel_size = paths.experts.down.kernel_size[0]
        if paths.specific is not None:
            specific = _split(_specific_kernels(paths.specific))
            self.kernel_size = paths.specific.down.kernel_size[0]
        if paths.generic is not None:
            shared.append(_generic_kernel(paths.generic).unsqueeze(0))
        together = _split(torch.cat(shared).transpose(0, 1)) if shared else None
        self.mixer = KernelMixer(together, scale, shift, specific, paths.tasks)

    def forward(self, y: Tensor, gates: Tensor | None, mix: Tensor | None) -> Tensor:
        """Features [B, T*C, H, W], gates [B, T, E] and mix [B, T] -> [B, T*C, H, W]."""
        if self.training:
            raise RuntimeError("A re-parameterised model is for inference only; call eval() first.")
        batch, k = y.shape[0], self.kernel_size
        kernel, bias = self.mixer(batch, gates, mix)
        channels = kernel.shape[2]
        # one group per sample and task
        out = F.conv2d(
            y.reshape(1, -1, *y.shape[2:]),
            kernel.view(-1, channels, k, k),
            bias.flatten(),
            padding=k // 2,
            groups=batch * kernel.shape[1],
        )
        return out.view_as(y)


def reparameterize(model: nn.Module) -> nn.Module:
    """A copy of a trained model whose MLoRE modules are merged; exact in evaluation mode, and in that mode.

    Only the paths are replaced; everything else is a copy. The merged kernels need E*C*C*k*k numbers per module.

    Raises:
        InputError: the model has no MLoRE module, or its experts are not linear.
    """
    modules = [m for m in model.modules() if isinstance(m, MloreModule)]
    if not modules:
        raise InputError("This model has no MLoRE modules, so there is nothing to merge; measure it plain.")
    for module in modules:
        if not isinstance(module.paths.experts, LowRankExperts | None):
            raise InputError(
                f"decoder.experts are {type(module.paths.experts).__name__}, which have an activation between their "
                "convolutions and cannot be merged; allowed are experts of kind low_rank."
            )
    merged = copy.deepcopy(model).eval()
    with torch.no_grad():
        for module in merged.modules():
            if isinstance(module, MloreModule):
                module.paths = MergedPaths(module.paths)
    return merged.eval().requires_grad_(False)


def _compose(down: Tensor, down_bias: Tensor, up: Tensor, up_bias: Tensor) -> Tensor:
    """A kxk convolution [R, C, k, k] followed by a 1x1 [C', R] as one kernel with its bias, [C', C*k*k + 1]."""
    weight = up @ down.flatten(1)
    bias = up @ down_bias + up_bias
    return torch.cat([weight, bias.unsqueeze(1)], dim=1)


def _expert_kernels(experts: LowRankExperts) -> Tensor:
    down, up, ranks = experts.down, experts.up, experts.up.ranks
    parts = zip(down.weight.split(ranks), down.bias.split(ranks), up.weight.split(ranks, 1), up.bias, strict=True)
    return torch.stack([_compose(*part) for part in parts])


def _split(kernels: Tensor) -> tuple[Tensor, Tensor]:
    """Kernels with their biases [., ., N + 1] -> [., ., N] and [., ., 1], each without gaps."""
    return kernels[..., :-1].contiguous(), kernels[..., -1:].contiguous()


def _affine(norm: nn.BatchNorm2d, tasks: int) -> tuple[Tensor, Tensor]:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    return scale.view(tasks, -1), shift.view(tasks, -1)


def _specific_kernels(specific: SpecificExperts) -> Tensor:
    down, up = specific.down, specific.up
    per_task = zip(*(x.chunk(specific.tasks) for x in (down.weight, down.bias, up.weight, up.bias)), strict=True)
    return torch.stack([_compose(dw, db, uw[:, :, 0, 0], ub) for dw, db, uw, ub in per_task])


def _generic_kernel(generic: nn.Module) -> Tensor:
    if isinstance(generic, nn.Conv2d):
        return torch.cat([generic.weight.flatten(1), generic.bias.unsqueeze(1)], dim=1)
    down, up = generic
    return _compose(down.weight, down.bias, up.weight[:, :, 0, 0], up.bias)
