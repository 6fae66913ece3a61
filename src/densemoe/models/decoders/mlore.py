"""MLoRE decoder (CVPR 2024): a mixture of low-rank experts per scale, with a generic and a task-specific path.

Shapes: B batch, C channels, D backbone width, E experts, H W, S scales, T tasks. Features of all tasks lie as
[B, T*C, H, W], task by task.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.balance import BALANCES
from densemoe.models.experts import EXPERTS, GENERIC, SPECIFIC
from densemoe.models.fusion import FUSIONS
from densemoe.models.heads import Heads
from densemoe.models.output import ModelOutput, RoutingRecord
from densemoe.models.per_task import PerTaskConv, tasks_into_batch, tasks_into_channels
from densemoe.models.routers import ROUTERS
from densemoe.models.scales import Grids, head_upsampling, to_finest
from densemoe.params.options import MloreDecoder as Options


class Paths(nn.Module):
    """Sum of the paths: BatchNorm_t(sum_n gate_n E_n(y)) + mix S_t(y) + G(stop_gradient(y)); any may be missing.

    MLoRE Eq. 2-5; the mix is the released code's.
    """

    def __init__(self, tasks: int, channels: int, experts: nn.Module | None, generic: nn.Module | None,
                 specific: nn.Module | None):  # fmt: skip
        super().__init__()
        self.tasks = tasks
        self.experts = experts
        self.norm = nn.BatchNorm2d(tasks * channels) if experts is not None else None
        self.generic = generic
        self.specific = specific

    def forward(self, y: Tensor, gates: Tensor | None, mix: Tensor | None) -> Tensor:
        """Features [B, T*C, H, W], gates [B, T, E] and mix [B, T] -> [B, T*C, H, W]."""
        samples = tasks_into_batch(y, self.tasks)  # [B*T, C, H, W]
        paths = []
        if self.experts is not None:
            paths.append(self.norm(tasks_into_channels(self.experts(samples, gates.flatten(0, 1)), self.tasks)))
        if self.specific is not None:
            paths.append(self.specific(y, mix))
        if self.generic is not None:
            paths.append(tasks_into_channels(self.generic(samples.detach()), self.tasks))
        return sum(paths[1:], start=paths[0])


class MloreModule(nn.Module):
    """One MLoRE module: projection per task, router, paths, then the non-linear block per task.

    The block is BatchNorm, GELU, 1x1 (released code), or GELU, BatchNorm, 1x1 (paper), or left out.

    Args:
        options: of the decoder.
        tasks: T.
        grid: H, W.
        shared_input: channels of an input that all tasks share, or None if each task has its own C.
        last: of its scale; the paper's block stands between two modules only.
    """

    def __init__(self, options: Options, tasks: int, grid: tuple[int, int], *, shared_input: int | None, last: bool):
        super().__init__()
        c, count, kernel = options.channels, options.experts.count, options.experts.kernel_size
        self.enter = nn.Conv2d(shared_input, tasks * c, 1) if shared_input else PerTaskConv(tasks, c, c)
        mix = options.specific.kind != "none" and options.specific.mix == "router"
        # a module with neither experts nor a mix has nothing to route
        self.router = (
            ROUTERS[options.router.kind](options.router, tasks, c, grid, experts=count, mix=mix)
            if count or mix
            else None
        )
        # all paths have the kernel size of the experts, so that they merge into one convolution
        self.paths = Paths(
            tasks,
            c,
            EXPERTS[options.experts.kind](options.experts, c) if count else None,
            GENERIC[options.generic.kind](options.generic, c, kernel),
            SPECIFIC[options.specific.kind](options.specific, tasks, c, kernel),
        )
        self.gelu_first = options.nonlinear_block == "between"
        block = not (self.gelu_first and last)
        self.norm = nn.BatchNorm2d(tasks * c) if block else None
        self.leave = PerTaskConv(tasks, c, c) if block else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """[B, C or T*C, H, W] -> features [B, T*C, H, W] and gates [B, T, E] or None."""
        y = self.enter(x)
        gates, mix = self.router(y) if self.router is not None else (None, None)
        z = self.paths(y, gates, mix)
        if self.leave is None:
            return z, gates
        return self.leave(self.norm(F.gelu(z)) if self.gelu_first else F.gelu(self.norm(z))), gates


class MloreDecoder(nn.Module):
    """Shared projection and MLoRE modules per scale, then fusion and head per task.

    Args:
        options: typed options.
        backbone_channels: D of every scale.
        grids: H, W of every scale.
        outputs: output channels per task, in task order.
    """

    def __init__(self, options: Options, backbone_channels: list[int], grids: Grids, outputs: dict[str, int]):
        super().__init__()
        tasks = len(outputs)
        self.balance = BALANCES[options.balance.kind] if options.balance.kind != "none" else None
        shared, count = options.projection == "shared", options.modules_per_scale
        self.project = nn.ModuleList(
            nn.Conv2d(width, options.channels, 1) if shared else nn.Identity() for width in backbone_channels
        )
        self.scales = nn.ModuleList(
            nn.ModuleList(
                MloreModule(
                    options,
                    tasks,
                    grid,
                    shared_input=None if number else options.channels if shared else width,
                    last=number == count - 1,
                )
                for number in range(count)
            )
            for width, grid in zip(backbone_channels, grids, strict=True)
        )
        self.fusion = FUSIONS[options.fusion](tasks, options.channels, len(backbone_channels))
        self.heads = Heads(options.channels, outputs, head_upsampling(grids))

    @classmethod
    def from_options(
        cls, options: Options, backbone_channels: list[int], grids: Grids, outputs: dict[str, int]
    ) -> MloreDecoder:
        """Build from typed options."""
        return cls(options, backbone_channels, grids, outputs)

    def forward(self, maps: list[Tensor], record_routing: bool = False) -> ModelOutput:
        """S maps [B, D, H, W] -> predictions [B, C_t, 4H, 4W], balance in training, gates if asked for."""
        features: list[Tensor] = []
        records: list[RoutingRecord] = []
        gates_of_modules: list[Tensor] = []
        for scale, (project, modules, x) in enumerate(zip(self.project, self.scales, maps, strict=True)):
            x = project(x)
            for number, module in enumerate(modules):
                x, gates = module(x)
                if gates is not None:
                    gates_of_modules.append(gates)
                    records.append(RoutingRecord(scale, number, gates.detach()))
            features.append(x)
        balance = self.balance(torch.stack(gates_of_modules)) if self.balance and self.training else None
        return ModelOutput(self.heads(self.fusion(to_finest(features))), balance, records if record_routing else None)
