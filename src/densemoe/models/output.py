"""What a model returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class RoutingRecord:
    """The gates that one module of the decoder gave to one batch."""

    scale: int
    """Number of the scale, from 0."""
    module: int
    """Number of the module within its scale, from 0."""
    gates: Tensor
    """[B, T, N], without gradient; zero where an expert was not chosen."""


@dataclass(frozen=True)
class ModelOutput:
    """Predictions and what the mixture of experts says about itself."""

    predictions: dict[str, Tensor]
    """Raw outputs per task, [B, C_t, H, W]: at input resolution from a model, at the heads' from a decoder."""
    balance: Tensor | None = None
    """Load-balancing loss summed over modules, unweighted; None in evaluation or if the decoder has none."""
    routing: list[RoutingRecord] | None = None
    """One record per module, if they were asked for and the decoder routes."""
