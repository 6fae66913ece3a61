"""TaskExpert's decoder with a module per task and expert and a loop over them: what benchmarks/models.py compares with.

No code of TaskExpert is public, so this is only the form that one would write first: per scale every expert after the
other, then per task its gate, a weighted sum expert by expert, and the memory. Layers are torch's own and hold copies
of their parts of our decoder's weights; for the default variant (MLP experts, context-aware gate, read-write memory).
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.plain_mlore import Head, norm_of_task, of_task
from densemoe.models.decoders.task_expert import MemorialModule, TaskExpertDecoder
from densemoe.models.output import ModelOutput


def _without_bias(conv: nn.Conv2d, task: int, tasks: int) -> nn.Conv2d:
    weight = conv.weight.detach().chunk(tasks)[task]
    out = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2, bias=False)
    out.weight = nn.Parameter(weight.clone())
    return out


class Module(nn.Module):
    """One scale, experts and tasks one after another."""

    def __init__(self, module: MemorialModule, tasks: int):
        super().__init__()
        experts, gate, memory = module.experts, module.gate, module.memory
        self.experts = nn.ModuleList(
            nn.Sequential(of_task(experts.enter, e, experts.count), nn.GELU(), of_task(experts.leave, e, experts.count))
            for e in range(experts.count)
        )
        first, first_norm, _, second, second_norm, _ = gate.context
        self.gates = nn.ModuleList(
            nn.Sequential(
                of_task(gate.reduce, t, tasks),
                _without_bias(first, t, tasks),
                norm_of_task(first_norm, t, tasks),
                nn.GELU(),
                _without_bias(second, t, tasks),
                norm_of_task(second_norm, t, tasks),
                nn.GELU(),
                of_task(gate.predict, t, tasks),
            )
            for t in range(tasks)
        )
        self.read = nn.ModuleList(
            nn.Sequential(_without_bias(memory.enter, t, tasks), norm_of_task(memory.norm, t, tasks), nn.GELU())
            for t in range(tasks)
        )
        self.write = nn.ModuleList(of_task(memory.leave, t, tasks) for t in range(tasks))
        self.fuse = nn.ModuleList(of_task(module.fuse, t, tasks) for t in range(tasks))

    def forward(self, x: Tensor, memories: list[Tensor]) -> list[Tensor]:
        """Backbone feature [B, D, H, W] and one memory [B, C, H, W] per task -> the next memories."""
        features = [expert(x) for expert in self.experts]
        after = []
        for task, memory in enumerate(memories):
            gates = F.softmax(self.gates[task](x), dim=1)
            weighed = [*features, self.read[task](memory)]
            mixed = sum(gates[:, n : n + 1] * feature for n, feature in enumerate(weighed))
            after.append(memory + self.write[task](self.fuse[task](mixed)))
        return after


class PlainTaskExpert(nn.Module):
    """The decoder; starts from the weights of ours and owns copies of them."""

    def __init__(self, ours: TaskExpertDecoder):
        super().__init__()
        self.tasks = ours.tasks
        self.scales = nn.ModuleList(Module(module, ours.tasks) for module in ours.scales)
        self.start = nn.ParameterList(part.detach().clone() for part in ours.start.chunk(ours.tasks, dim=1))
        self.adapter = copy.deepcopy(ours.adapter)
        self.heads = nn.ModuleDict({name: Head(head) for name, head in ours.heads.items()})

    def forward(self, maps: list[Tensor], record_routing: bool = False) -> ModelOutput:
        """S equal maps [B, D, H, W] -> predictions [B, C_t, 4H, 4W]."""
        batch, _, height, width = maps[0].shape
        memories = [start.repeat(batch, 1, height, width) for start in self.start]
        for module, x in zip(self.scales, maps, strict=True):
            memories = module(x, memories)
        features = self.adapter(torch.cat(memories, dim=1)).chunk(self.tasks, dim=1)
        return ModelOutput({name: head(x) for (name, head), x in zip(self.heads.items(), features, strict=True)})
