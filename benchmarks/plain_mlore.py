"""MLoRE's decoder as a Python loop over modules per task and expert: what benchmarks/models.py compares with.

The released code is built like this (facts of YuqiYang213/MLoRE, models/transformers): tasks one after another, in each
all experts one after another at full resolution, their outputs stacked, weighed and summed; gates that are not kept are
zeroed one sample and expert at a time; the merged form adds up kernels one sample and expert at a time. Written anew
from the architecture sheet for the headline form only: low-rank experts, both router branches, softmax before top-k,
3x3 generic path, task-specific path mixed by the router. Every layer is torch's own and holds a copy of its part of our
decoder's weights, so that outputs and gradients are equal. tests/models/reference.py is no substitute: it cuts the
parts out of the wide weights on every call and spells out norms and activations, which would make it needlessly slow.

Shapes: B batch, C channels, E experts, H W, S scales, T tasks.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.decoders.mlore import MloreDecoder, MloreModule
from densemoe.models.output import ModelOutput


def convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """A convolution with these weights [C', C, k, k] or [C', C] and the size kept."""
    weight = weight.detach()[:, :, None, None] if weight.dim() == 2 else weight.detach()
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2)
    conv.weight, conv.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.detach().clone())
    return conv


def of_task(conv: nn.Conv2d, task: int, tasks: int) -> nn.Conv2d:
    """The convolution of one task out of one that holds all tasks' rows."""
    return convolution(conv.weight.chunk(tasks)[task], conv.bias.chunk(tasks)[task])


def norm_of_task(norm: nn.BatchNorm2d, task: int, tasks: int) -> nn.BatchNorm2d:
    """The BatchNorm of one task."""
    out = nn.BatchNorm2d(norm.num_features // tasks).to(norm.weight)
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(out, name).data.copy_(getattr(norm, name).detach().chunk(tasks)[task])
    return out


class LowRank(nn.Module):
    """A kxk convolution to the rank and a 1x1 convolution back."""

    def __init__(self, down: nn.Conv2d, up: nn.Conv2d):
        super().__init__()
        self.down, self.up = down, up

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        return self.up(self.down(x))

    def kernel(self) -> tuple[Tensor, Tensor]:
        """Both convolutions as one kernel [C, C, k, k] and its bias [C]."""
        up = self.up.weight.detach().flatten(1)
        weight = (up @ self.down.weight.detach().flatten(1)).view(-1, *self.down.weight.shape[1:])
        return weight, up @ self.down.bias.detach() + self.up.bias.detach()


class Router(nn.Module):
    """One task's router: both branches, noise in training, the k largest gates kept."""

    def __init__(self, router: nn.Module, task: int):
        super().__init__()
        if len(router.branches) != 2 or router.input is not None or router.gate_order != "softmax_then_top_k":
            raise ValueError("The plain router has both branches, the features as input and softmax before top-k.")
        basic, position = router.branches
        tasks, self.experts, self.k = basic.tasks, router.experts, router.k
        self.reduce = of_task(basic.reduce, task, tasks)
        self.norm = self._layer_norm(basic.norm, task)
        self.project = convolution(basic.project.weight[task].T, basic.project.bias[task, 0])
        self.position = nn.Linear(position.weight.shape[1], 1).to(position.weight)
        self.position.weight.data.copy_(position.weight.detach()[task].T)
        self.position.bias.data.copy_(position.bias.detach()[task])
        self.position_norm = self._layer_norm(position.norm, task)
        self.position_project = convolution(position.project.weight[task].T, position.project.bias[task, 0])
        self.predict = convolution(router.predict.weight[task].T, router.predict.bias[task, 0])

    @staticmethod
    def _layer_norm(norm: nn.Module, task: int) -> nn.LayerNorm:
        out = nn.LayerNorm(norm.weight.shape[-1], eps=norm.eps).to(norm.weight)
        out.weight.data.copy_(norm.weight.detach()[task, 0])
        out.bias.data.copy_(norm.bias.detach()[task, 0])
        return out

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> gates [B, E] and mix [B]."""
        x = self.reduce(y)
        x = self.norm(x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)
        basic = self.project(F.gelu(x)).mean(dim=(2, 3), keepdim=True)
        pooled = self.position_norm(self.position(y.flatten(2)).squeeze(2))
        place = self.position_project(F.gelu(pooled)[:, :, None, None])
        raw = self.predict(torch.cat([basic, place], dim=1)).flatten(1)
        logits, scale, mix = raw[:, : self.experts], raw[:, self.experts : 2 * self.experts], raw[:, -1]
        if self.training:
            logits = logits + torch.randn_like(scale) * scale
        gates = logits.softmax(dim=1).clone()
        dropped = gates.topk(self.experts - self.k, dim=1, largest=False).indices
        for sample in range(len(gates)):
            for expert in dropped[sample]:
                gates[sample, expert] = 0
        return gates, mix


class Module(nn.Module):
    """One MLoRE module, tasks and experts one after another."""

    def __init__(self, module: MloreModule, tasks: int):
        super().__init__()
        paths, experts = module.paths, module.paths.experts
        per_task = range(tasks)
        self.enter = nn.ModuleList(of_task(module.enter, t, tasks) for t in per_task)
        self.router = nn.ModuleList(Router(module.router, t) for t in per_task)
        ranks = experts.up.ranks
        self.experts = nn.ModuleList(
            LowRank(convolution(dw, db), convolution(uw, ub))
            for dw, db, uw, ub in zip(
                experts.down.weight.split(ranks),
                experts.down.bias.split(ranks),
                experts.up.weight.split(ranks, 1),
                experts.up.bias,
                strict=True,
            )
        )
        self.shared_norm = nn.ModuleList(norm_of_task(paths.norm, t, tasks) for t in per_task)
        specific = paths.specific
        self.specific = nn.ModuleList(
            LowRank(of_task(specific.down, t, tasks), of_task(specific.up, t, tasks)) for t in per_task
        )
        self.generic = copy.deepcopy(paths.generic)
        self.norm = nn.ModuleList(norm_of_task(module.norm, t, tasks) for t in per_task)
        self.leave = nn.ModuleList(of_task(module.leave, t, tasks) for t in per_task)
        self.kernels = None

    def forward(self, x: Tensor, task: int) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> features [B, C, H, W] and gates [B, E] of one task."""
        y = self.enter[task](x)
        gates, mix = self.router[task](y)
        z = self.paths(y, gates, mix, task) if self.kernels is None else self.merged(y, gates, mix, task)
        return self.leave[task](F.gelu(self.norm[task](z))), gates

    def paths(self, y: Tensor, gates: Tensor, mix: Tensor, task: int) -> Tensor:
        """Sum of the three paths of one task."""
        outputs = torch.stack([expert(y) for expert in self.experts], dim=1)  # [B, E, C, H, W]
        shared = self.shared_norm[task]((outputs * gates[:, :, None, None, None]).sum(dim=1))
        return shared + self.specific[task](y) * mix[:, None, None, None] + self.generic(y.detach())

    def merge(self) -> None:
        """From now on run the merged form; the experts' kernels are made once, as the released code does."""
        self.kernels = [expert.kernel() for expert in self.experts]
        self.specific_kernels = [expert.kernel() for expert in self.specific]

    def merged(self, y: Tensor, gates: Tensor, mix: Tensor, task: int) -> Tensor:
        """The paths as one convolution per sample, its kernel summed expert by expert."""
        norm, outputs = self.shared_norm[task], []
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        for sample in range(len(y)):
            weight, bias = 0, 0
            for expert, (expert_weight, expert_bias) in enumerate(self.kernels):
                weight = weight + expert_weight * gates[sample, expert]
                bias = bias + expert_bias * gates[sample, expert]
            weight = weight * factor[:, None, None, None]
            bias = norm.bias + (bias - norm.running_mean) * factor
            own_weight, own_bias = self.specific_kernels[task]
            weight = weight + own_weight * mix[sample] + self.generic.weight
            bias = bias + own_bias * mix[sample] + self.generic.bias
            outputs.append(F.conv2d(y[sample : sample + 1], weight, bias, padding=weight.shape[-1] // 2))
        return torch.cat(outputs)


class Head(nn.Module):
    """Bilinear upsampling, 3x3 convolution at the high resolution, BatchNorm, GELU, 1x1 convolution."""

    def __init__(self, head: nn.Module):
        super().__init__()
        self.upsampling = head.upsampling
        self.conv, self.norm, self.predict = (copy.deepcopy(part) for part in (head.conv, head.norm, head.predict))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, outputs, 4H, 4W]."""
        x = F.interpolate(x, scale_factor=self.upsampling, mode="bilinear", align_corners=False)
        return self.predict(F.gelu(self.norm(self.conv(x))))


class PlainMlore(nn.Module):
    """The decoder; starts from the weights of ours and owns copies of them."""

    def __init__(self, ours: MloreDecoder):
        super().__init__()
        self.balance = ours.balance
        self.tasks = tasks = len(ours.heads)
        self.project = copy.deepcopy(ours.project)
        self.scales = nn.ModuleList(nn.ModuleList(Module(module, tasks) for module in scale) for scale in ours.scales)
        fusion = ours.fusion
        self.reduce = nn.ModuleList(of_task(fusion.reduce, t, tasks) for t in range(tasks))
        self.norm = nn.ModuleList(norm_of_task(fusion.norm, t, tasks) for t in range(tasks))
        self.weigh = nn.ModuleList(of_task(fusion.weigh, t, tasks) for t in range(tasks))
        self.heads = nn.ModuleDict({name: Head(head) for name, head in ours.heads.items()})

    def forward(self, maps: list[Tensor], record_routing: bool = False) -> ModelOutput:
        """S maps [B, D, H, W] -> predictions [B, C_t, 4H, 4W], balance in training."""
        features: list[list[Tensor]] = [[] for _ in range(self.tasks)]
        gates_of_modules = []
        for project, modules, x in zip(self.project, self.scales, maps, strict=True):
            per_task = [project(x)] * self.tasks
            for module in modules:
                results = [module(x, task) for task, x in enumerate(per_task)]
                per_task = [feature for feature, _ in results]
                gates_of_modules.append(torch.stack([gates for _, gates in results], dim=1))
            for task, feature in enumerate(per_task):
                features[task].append(feature)
        predictions = {}
        for task, (name, head) in enumerate(self.heads.items()):
            weights = self.weigh[task](F.gelu(self.norm[task](self.reduce[task](torch.cat(features[task], dim=1)))))
            weights = weights.softmax(dim=1)
            fused = sum(weights[:, s : s + 1] * feature for s, feature in enumerate(features[task]))
            predictions[name] = head(fused)
        balance = self.balance(torch.stack(gates_of_modules)) if self.balance and self.training else None
        return ModelOutput(predictions, balance)

    def merge(self) -> None:
        """Run the merged form from now on; for evaluation."""
        for module in self.modules():
            if isinstance(module, Module):
                module.merge()
