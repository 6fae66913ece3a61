"""The training loop: straight code, from the first step to the last."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from densemoe.params.options import Recipe
from densemoe.train.checkpoint import Checkpointer
from densemoe.train.curve import Curve
from densemoe.train.interrupt import StopSignals, TrainingStopped
from densemoe.train.objective import BALANCE, Loss, finite_values, objective
from densemoe.train.optim import OPTIMIZERS, SCHEDULES, clip_gradients, set_learning_rate
from densemoe.train.progress import Progress

Batch = Mapping[str, Any]


def train(
    model: nn.Module,
    loader_from_step: Callable[[int], Iterable[Batch]],
    losses: Mapping[str, Loss],
    recipe: Recipe,
    *,
    balance_weight: float,
    checkpoints: Checkpointer,
    stop: StopSignals,
    seed: int,
    rank: int = 0,
    device: torch.device,
    progress: Progress,
) -> Curve:
    """Train from the newest checkpoint, or from the start, to the last step; returns the curve. The model is changed.

    On one machine and build of torch, with one number of threads, the weights and the curve on a CPU are the same
    bits however often the run was interrupted.

    Args:
        model: on `device`; called with the image [B,3,H,W], returns predictions and balance (`objective.Output`).
        loader_from_step: first step -> the batches of that step to the last one, each a function of its step alone.
        losses: task -> loss of (prediction, label).
        recipe: iterations, optimizer, schedule, clipping, weights of the losses.
        balance_weight: of the model's load-balancing loss; 0 for none.
        checkpoints: where to go on from and to save to; nothing else is written.
        stop: ends the training after the step in which a signal came.
        seed: of the random state of the steps.
        rank: number of this process among those that train one model together.
        device: where the model is.
        progress: called after every step.

    Raises:
        TrainingDiverged: a loss or the gradient is not finite; the checkpoint before is kept, the step not taken.
        TrainingStopped: a signal came; a checkpoint of the last step is saved.
        InputError: a checkpoint cannot be used (`Checkpointer.restore`).
        OSError: a checkpoint could not be written; those before are kept.

    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = OPTIMIZERS[type(recipe.optimizer)](parameters, recipe.optimizer)
    schedule = SCHEDULES[type(recipe.schedule)]
    curve = Curve(["total", *losses, *([BALANCE] if balance_weight else [])], recipe.iterations)
    first = checkpoints.restore(model, optimizer, curve)
    model.train()
    for step, batch in zip(range(first, recipe.iterations), loader_from_step(first), strict=True):
        # The random state of a step is a function of its number, not of the steps before. So a resumed run needs no
        # generator state, and router noise and drop path repeat exactly.
        torch.manual_seed(seed_of_step(seed, step, rank))
        rate = schedule(recipe.schedule, recipe.optimizer.lr, step, recipe.iterations)
        set_learning_rate(optimizer, rate)
        batch = {name: batch[name].to(device, non_blocking=True) for name in ("image", *losses)}

        step_losses = objective(model(batch["image"]), batch, losses, recipe.loss_weights, balance_weight)
        optimizer.zero_grad(set_to_none=True)
        step_losses.total.backward()
        norm = clip_gradients(parameters, recipe.clip_norm)
        values = finite_values(step_losses, norm, step)  # before the weights change: no checkpoint can hold a NaN
        optimizer.step()

        curve.add(step, rate, values)
        progress(step, values)
        done = step + 1
        stopping = stop.received is not None and done < recipe.iterations
        if stopping or (done < recipe.iterations and checkpoints.due(done)):
            path = checkpoints.save(done, model, optimizer, curve)
        if stopping:
            raise TrainingStopped(
                stop.received,
                f"Stopped by {stop.name} after step {done} of {recipe.iterations}; {path} is saved. "
                "Run the same command again to go on.",
            )
    return curve


def seed_of_step(seed: int, step: int, rank: int) -> int:
    """A well-mixed number of 63 bits: torch's CPU generator takes the low 32 bits only, so they must differ too."""
    digest = hashlib.sha256(f"{seed} {step} {rank}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
