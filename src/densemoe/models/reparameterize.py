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
    """Builds each sample's kernel from its gates; no part of the papers' cost, which counts only the convolution.

    W = scale_t * sum_n gate_n K_n + mix * S_t + G and likewise the bias, where a bias is one more input of a kernel.

    Args:
        shared: kernels of the experts, [E, C, C*k*k + 1], or None.
        scale, shift: the evaluation form of their BatchNorm, [T, C] each, or None.
        specific: kernels of the task-specific experts, [T, C, C*k*k + 1], or None.
        generic: kernel of the generic path, [C, C*k*k + 1], or None.
    """

    def __init__(
        self,
        shared: Tensor | None,
        scale: Tensor | None,
        shift: Tensor | None,
        specific: Tensor | None,
        generic: Tensor | None,
    ):
        super().__init__()
        for name, value in (
            ("shared", shared),
            ("scale", scale),
            ("shift", shift),
            ("specific", specific),
            ("generic", generic),
        ):
            self.register_buffer(name, value, persistent=False)

    def forward(self, batch: int, gates: Tensor | None, mix: Tensor | None) -> Tensor:
        """Gates [B, T, E] and mix [B, T] -> kernels and biases [B, T or 1, C, C*k*k + 1]."""
        parts = []
        if self.shared is not None:
            kernels = (gates @ self.shared.flatten(1)).unflatten(2, self.shared.shape[1:]) * self.scale.unsqueeze(2)
            kernels[..., -1] += self.shift
            parts.append(kernels)
        if self.specific is not None:
            parts.append(self.specific if mix is None else self.specific * mix[..., None, None])
        if self.generic is not None:
            parts.append(self.generic)
        total = sum(parts[1:], start=parts[0])
        return total.expand(batch, *total.shape[-3:])


class MergedPaths(nn.Module):
    """All paths of one module as one grouped convolution; same inputs and output as `Paths` in evaluation mode."""

    def __init__(self, paths: Paths):
        super().__init__()
        shared = scale = shift = specific = generic = None
        if paths.experts is not None:
            shared = _expert_kernels(paths.experts)
            scale, shift = _affine(paths.norm, paths.tasks)
            self.kernel_size = paths.experts.down.kernel_size[0]
        if paths.specific is not None:
            specific = _specific_kernels(paths.specific)
            self.kernel_size = paths.specific.down.kernel_size[0]
        if paths.generic is not None:
            generic = _generic_kernel(paths.generic)
        self.mixer = KernelMixer(shared, scale, shift, specific, generic)

    def forward(self, y: Tensor, gates: Tensor | None, mix: Tensor | None) -> Tensor:
        """Features [B, T*C, H, W], gates [B, T, E] and mix [B, T] -> [B, T*C, H, W]."""
        if self.training:
            raise RuntimeError("A re-parameterised model is for inference only; call eval() first.")
        batch, k = y.shape[0], self.kernel_size
        kernels = self.mixer(batch, gates, mix).flatten(0, 2)  # [B*T*C, C*k*k + 1]
        weight, bias = kernels[:, :-1], kernels[:, -1]
        channels = weight.shape[1] // k**2
        # one group per sample and task
        out = F.conv2d(
            y.reshape(1, -1, *y.shape[2:]),
            weight.reshape(-1, channels, k, k),
            bias,
            padding=k // 2,
            groups=kernels.shape[0] // channels,
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
    return merged.eval()


def _compose(down: Tensor, down_bias: Tensor, up: Tensor, up_bias: Tensor) -> Tensor:
    """A kxk convolution [R, C, k, k] followed by a 1x1 [C', R] as one kernel with its bias, [C', C*k*k + 1]."""
    weight = up @ down.flatten(1)
    bias = up @ down_bias + up_bias
    return torch.cat([weight, bias.unsqueeze(1)], dim=1)


def _expert_kernels(experts: LowRankExperts) -> Tensor:
    down, up, ranks = experts.down, experts.up, experts.up.ranks
    parts = zip(down.weight.split(ranks), down.bias.split(ranks), up.weight.split(ranks, 1), up.bias, strict=True)
    return torch.stack([_compose(*part) for part in parts])


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
