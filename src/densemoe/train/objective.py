"""What training minimises: the weighted sum of the tasks' losses and of the load-balancing loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from densemoe.params.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]
BALANCE = "balance"


class TrainingDiverged(InputError):
    """A loss or the gradient is not finite. The sentence names step and task; nothing was overwritten."""


class Output(Protocol):
    """What the model returns."""

    predictions: Mapping[str, Tensor]
    balance: Tensor | None


@dataclass(frozen=True)
class Objective:
    """Losses of one step."""

    total: Tensor
    """Weighted sum, a scalar on the graph."""
    parts: dict[str, Tensor]
    """Unweighted scalars: one per task, and `balance` if it has a weight."""


def objective(
    output: Output,
    batch: Mapping[str, Any],
    losses: Mapping[str, Loss],
    weights: Mapping[str, float],
    balance_weight: float,
) -> Objective:
    """Sum over tasks of w_t L_t, plus balance_weight times the model's balance (facts: MLoRE's released code).

    Args:
        output: the model's predictions, and its balance: the sum over modules.
        batch: one label per task, on the device of the predictions.
        losses: task -> loss; their order is the order of the sum.
        weights: task -> weight.
        balance_weight: 0 where the variant has no load balancing.

    Raises ValueError if a balance is weighed that the model does not give.

    """
    parts = {task: loss(output.predictions[task], batch[task]) for task, loss in losses.items()}
    total = torch.stack([weights[task] * part for task, part in parts.items()]).sum()
    if balance_weight:
        if output.balance is None:
            raise ValueError(f"balance has weight {balance_weight}, but the model gives no balance in training")
        parts[BALANCE] = output.balance
        total = total + balance_weight * output.balance
    return Objective(total, parts)


def finite_values(losses: Objective, gradient_norm: Tensor, step: int) -> dict[str, float]:
    """`total` and the parts as numbers, in one transfer from the device.

    Raises TrainingDiverged if one of them, or the norm of the gradient, is not finite.
    """
    parts = {**losses.parts, "total": losses.total}
    *numbers, norm = torch.stack([value.detach().float() for value in [*parts.values(), gradient_norm]]).tolist()
    values = dict(zip(parts, numbers, strict=True))
    for name, value in values.items():
        if not math.isfinite(value):
            raise _diverged(step, f"{_LOSSES.get(name, f'the loss of {name}')} is {value}")
    if not math.isfinite(norm):
        raise _diverged(step, f"all losses are finite, but the norm of the gradient is {norm}")
    return {"total": values.pop("total"), **values}


_LOSSES = {BALANCE: "the load-balancing loss", "total": "the weighted sum of the losses"}


def _diverged(step: int, what: str) -> TrainingDiverged:
    kept = "Nothing was overwritten and the last checkpoint, if there is one, is kept."
    return TrainingDiverged(f"Training diverged at step {step}: {what}. {kept}")
