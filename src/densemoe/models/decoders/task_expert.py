"""TaskExpert decoder (ICCV 2023): memorial mixture of experts at four layers of the encoder.

What the texts say, and where. Abstract: experts "decompose the backbone feature into several representative
task-generic features", task-specific gates operate on these, and a memory "updates at each layer and acts as an
additional feature expert". Supplement 2.1: the gates are convolutional, 3x3 by default, and score every token.
Supplement 2.2: the MLP gate has two linear layers and is measured without the memory. A summary of the paper adds
that the combination is dense and that the modules sit at several layers of the backbone.

Everything else is ours, as no code is public: the number, form and width of the experts, depth and width of the
gates, how the memory is read, written and started, the 1x1 convolution per task after the sum, the sum over scales
where there is no memory, the adapter of the heads, and that the heads are MLoRE's. The default is fitted to the
printed 420 M / 622 G (ViT-L), 55 M / 204 G (ViT-S), 227 M and 256 M (ViT-B without memory); other structures fit as
well (docs/models.md).

Shapes: B batch, C channels, D backbone width, E experts, H W, S scales, T tasks. Features of all tasks lie as
[B, T*C, H, W], task by task.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from densemoe.models.experts.task_generic import TASK_GENERIC
from densemoe.models.heads import Heads
from densemoe.models.memory import MEMORIES
from densemoe.models.output import ModelOutput, RoutingRecord
from densemoe.models.per_task import PerTaskConv, tasks_into_batch, tasks_into_channels
from densemoe.models.routers.token_gates import TOKEN_GATES
from densemoe.models.scales import Grids
from densemoe.params.options import TaskExpertDecoder as Options


class MemorialModule(nn.Module):
    """Gate-weighted sum of the experts and the memory per token, then one 1x1 convolution per task.

    Without a memory the module adds its decoded feature to those of the scales before it.

    Args:
        options: of the decoder.
        tasks: T.
        width: D.
    """

    def __init__(self, options: Options, tasks: int, width: int):
        super().__init__()
        self.tasks, self.count = tasks, options.experts.count
        c, kind = options.channels, options.memory.kind
        self.memory = None if kind == "none" else MEMORIES[kind](options.memory, tasks, c, width)
        weighed = self.count + (self.memory is not None)
        self.experts = TASK_GENERIC[options.experts.kind](options.experts, width, c)
        self.gate = TOKEN_GATES[options.gate.kind](options.gate, tasks, width, weighed)
        self.fuse = PerTaskConv(tasks, c, c)

    def forward(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Backbone feature [B, D, H, W] and memory or sum so far [B, T*C, H, W] -> the next one, and the gates.

        Gates are [B, T, E, H, W], the memory's last; the sum so far is None at the first scale.
        """
        gates = self.gate(x)
        # one small matrix product per token instead of a loop over experts and tasks
        mixed = torch.einsum("btehw,bechw->btchw", gates[:, :, : self.count], self.experts(x))
        if self.memory is None:
            decoded = self.fuse(mixed.flatten(1, 2))
            return (decoded if state is None else state + decoded), gates
        read = self.memory.read(state).unflatten(1, (self.tasks, -1))
        decoded = self.fuse((mixed + gates[:, :, self.count :] * read).flatten(1, 2))
        return self.memory.write(state, decoded, x), gates


class SharedAdapter(nn.Conv2d):
    """One 1x1 convolution that every task's features pass, [B, T*C, H, W] -> [B, T*C', H, W]."""

    def __init__(self, tasks: int, channels: int, out_channels: int):
        super().__init__(channels, out_channels, 1)
        self.tasks = tasks

    def forward(self, x: Tensor) -> Tensor:
        """Apply the same convolution to the C channels of every task."""
        return tasks_into_channels(super().forward(tasks_into_batch(x, self.tasks)), self.tasks)


ADAPTERS = {"none": nn.Identity, "shared": SharedAdapter, "per_task": PerTaskConv}


class TaskExpertDecoder(nn.Module):
    """A module per scale, first to last, then head per task on the memory, or on the sum where there is none.

    Args:
        options: typed options.
        backbone_channels: D of every scale.
        outputs: output channels per task, in task order.
    """

    def __init__(self, options: Options, backbone_channels: list[int], outputs: dict[str, int]):
        super().__init__()
        self.tasks, c, f = len(outputs), options.channels, options.head_channels
        self.scales = nn.ModuleList(MemorialModule(options, self.tasks, width) for width in backbone_channels)
        self.start = None
        if options.memory.kind != "none":  # what the first scale reads: one vector per task, at every position
            self.start = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, self.tasks * c, 1, 1), std=0.02))
        self.adapter = ADAPTERS[options.head_adapter](self.tasks, c, f)
        self.heads = Heads(f, outputs)

    @classmethod
    def from_options(
        cls, options: Options, backbone_channels: list[int], grids: Grids, outputs: dict[str, int]
    ) -> TaskExpertDecoder:
        """Build from typed options; convolutional, so the grids matter only in that they are equal."""
        return cls(options, backbone_channels, outputs)

    def forward(self, maps: list[Tensor], record_routing: bool = False) -> ModelOutput:
        """S equal maps [B, D, H, W] -> predictions [B, C_t, 4H, 4W]; records hold gates averaged over positions."""
        state = None
        if self.start is not None:
            batch, _, height, width = maps[0].shape
            state = self.start.repeat(batch, 1, height, width)
        records: list[RoutingRecord] = []
        for scale, (module, x) in enumerate(zip(self.scales, maps, strict=True)):
            state, gates = module(x, state)
            if record_routing:
                records.append(RoutingRecord(scale, 0, gates.detach().mean(dim=(3, 4))))
        features = self.adapter(state).unflatten(1, (self.tasks, -1))
        return ModelOutput(self.heads(features), routing=records if record_routing else None)
