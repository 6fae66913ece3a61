"""Dense gates of TaskExpert: per task and token a softmax over all experts, none of them left out.

Shapes: B batch, D backbone width, E experts, H W, K hidden channels, T tasks.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.per_task import PerTaskConv
from densemoe.params.options import ContextAwareGate as ContextAwareOptions
from densemoe.params.options import MlpGate as MlpOptions


class ContextAwareGate(nn.Module):
    """Per task: 1x1 D -> K, twice (kxk without bias, BatchNorm, GELU), 1x1 K -> E, softmax over experts.

    TaskExpert supplement 2.1 has convolutions in the gates, 3x3 by default, and scores every token; how many, how wide
    and with which norm is ours, chosen for the printed counts. All tasks run as one (grouped) convolution.

    Args:
        tasks: T.
        width: D.
        experts: E, the memory included if there is one.
        hidden: K.
        kernel_size: k, odd.
    """

    def __init__(self, tasks: int, width: int, experts: int, hidden: int, kernel_size: int):
        super().__init__()
        self.tasks = tasks
        self.reduce = nn.Conv2d(width, tasks * hidden, 1)
        self.context = nn.Sequential(
            PerTaskConv(tasks, hidden, hidden, kernel_size, bias=False),
            nn.BatchNorm2d(tasks * hidden),
            nn.GELU(),
            PerTaskConv(tasks, hidden, hidden, kernel_size, bias=False),
            nn.BatchNorm2d(tasks * hidden),
            nn.GELU(),
        )
        self.predict = PerTaskConv(tasks, hidden, experts)

    @classmethod
    def from_options(cls, options: ContextAwareOptions, tasks: int, width: int, experts: int) -> ContextAwareGate:
        """Build from typed options."""
        return cls(tasks, width, experts, options.hidden, options.kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """Backbone feature [B, D, H, W] -> gates [B, T, E, H, W] that sum to 1 over E."""
        logits = self.predict(self.context(self.reduce(x)))
        return logits.unflatten(1, (self.tasks, -1)).softmax(dim=2)


class MlpGate(nn.Module):
    """Per task two linear layers D -> K -> E on every token, GELU between them, softmax over experts.

    TaskExpert supplement 2.2: "two linear layers"; GELU and K are ours, K for the printed 256 M.
    """

    def __init__(self, tasks: int, width: int, experts: int, hidden: int):
        super().__init__()
        self.tasks = tasks
        self.reduce = nn.Conv2d(width, tasks * hidden, 1)
        self.predict = PerTaskConv(tasks, hidden, experts)

    @classmethod
    def from_options(cls, options: MlpOptions, tasks: int, width: int, experts: int) -> MlpGate:
        """Build from typed options."""
        return cls(tasks, width, experts, options.hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Backbone feature [B, D, H, W] -> gates [B, T, E, H, W] that sum to 1 over E."""
        return self.predict(F.gelu(self.reduce(x))).unflatten(1, (self.tasks, -1)).softmax(dim=2)


TOKEN_GATES = {"context_aware": ContextAwareGate.from_options, "mlp": MlpGate.from_options}
