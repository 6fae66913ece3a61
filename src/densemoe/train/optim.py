"""Optimizers, learning-rate schedules and clipping, by the recipe's typed options."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from densemoe.params.options import Adam, Poly, Sgd

Parameters = list[nn.Parameter]


def _adam(parameters: Parameters, options: Adam) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=options.lr, weight_decay=options.weight_decay)


def _sgd(parameters: Parameters, options: Sgd) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=options.lr, momentum=options.momentum, weight_decay=options.weight_decay)


def poly(options: Poly, base: float, step: int, iterations: int) -> float:
    """base * (1 - step / iterations) ** power, per iteration."""
    return base * (1 - step / iterations) ** options.power


# one parameter group each: the papers' code treats encoder and decoder alike
OPTIMIZERS: dict[type, Callable[[Parameters, Adam | Sgd], torch.optim.Optimizer]] = {Adam: _adam, Sgd: _sgd}
SCHEDULES: dict[type, Callable[[Poly, float, int, int], float]] = {Poly: poly}


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float | None) -> Tensor:
    """Scale all gradients down to the global norm `limit` (None: leave them); returns the norm before, a scalar."""
    return nn.utils.clip_grad_norm_(parameters, math.inf if limit is None else limit)
