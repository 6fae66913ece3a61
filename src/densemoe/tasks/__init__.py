"""The six dense prediction tasks. Each file holds everything that distinguishes its task in loss and evaluation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from densemoe.tasks.boundary import BOUNDARY
from densemoe.tasks.depth import DEPTH
from densemoe.tasks.human_parts import HUMAN_PARTS
from densemoe.tasks.normals import NORMALS
from densemoe.tasks.protocol import PROTOCOL
from densemoe.tasks.saliency import SALIENCY
from densemoe.tasks.semseg import SEMSEG
from densemoe.tasks.task import Meter, Task

__all__ = ["PROTOCOL", "TASKS", "Loss", "Meter", "Task", "make_loss"]

TASKS: dict[str, Task] = {task.name: task for task in (SEMSEG, HUMAN_PARTS, SALIENCY, DEPTH, NORMALS, BOUNDARY)}

Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(task: str, *, boundary_positive_weight: float) -> Loss:
    """The loss of a task as (prediction [B,C,H,W], label) -> scalar, with the recipe's options filled in.

    `boundary_positive_weight` is read by the boundary loss alone; it lies in (0,1). Raises ValueError.
    """
    if task not in TASKS:
        raise ValueError(f"There is no task '{task}'; allowed are {', '.join(TASKS)}.")
    if not 0 < boundary_positive_weight < 1:
        raise ValueError(f"The positive weight of the boundary loss is {boundary_positive_weight}; allowed is (0, 1).")
    options = {"positive_weight": boundary_positive_weight}
    return partial(TASKS[task].loss, **{name: options[name] for name in TASKS[task].loss_options})
