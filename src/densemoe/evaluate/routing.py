"""Routing statistics: which task uses which expert, how many tasks share one, how large the gates are.

What MLoRE Figures 4, 7, 10 and 11 show. No torch here: gates come as arrays.
Shapes: B batch, I images, N experts, T tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densemoe.params.errors import InputError

VERSION = 1
"""Of the definitions below."""

Tree = dict[str, Any]


def check_version(version: int) -> None:
    """Refuse to measure by another version than the one this file states. Raises InputError."""
    if version != VERSION:
        raise InputError(f"--protocol is {version}, but this code counts routing by version {VERSION} only.")


class RoutingStatistics:
    """Collects the gates of every module over a data set.

    An expert is active for a task and an image when its gate is above zero: routers set the gates that they do not
    keep to zero.

    Args:
        tasks: names of the T tasks, in the order of the gates.
    """

    def __init__(self, tasks: Sequence[str]):
        self.tasks = tuple(tasks)
        self._gates: dict[tuple[int, int], list[np.ndarray]] = {}

    def update(self, scale: int, module: int, gates: np.ndarray) -> None:
        """Add the gates [B, T, N] that one module, counted from 0 at its scale, gave to one batch.

        Raises InputError for gates that are not finite, negative, or of another number of tasks.
        """
        name = f"Routing: scale {scale + 1}, module {module + 1}"
        if gates.ndim != 3 or gates.shape[1] != len(self.tasks):
            raise InputError(
                f"{name}: gates of shape {list(gates.shape)}; needed is [batch, {len(self.tasks)}, experts]."
            )
        if not np.isfinite(gates).all() or (gates < 0).any():
            raise InputError(f"{name}: a gate is negative or not finite; the weights of this run cannot be used.")
        self._gates.setdefault((scale, module), []).append(gates.astype(np.float64))

    def compute(self) -> Tree:
        """`scale_1` -> `module_1` -> statistics of `of_module`. Raises InputError if there were no gates."""
        if not self._gates:
            raise InputError(
                "Routing: the model recorded no gates; only models whose router chooses among experts have any."
            )
        tree: Tree = {}
        for (scale, module), batches in sorted(self._gates.items()):
            of_scale = tree.setdefault(f"scale_{scale + 1}", {})
            of_scale[f"module_{module + 1}"] = of_module(np.concatenate(batches), self.tasks)
        return tree


def of_module(gates: np.ndarray, tasks: Sequence[str]) -> Tree:
    """Statistics of one module.

    What no image decides is left out: the mean gate of an expert that a task never activates, and `shared_by_all` of an
    expert that no image shares between all tasks.

    Args:
        gates: [I, T, N].
        tasks: names of the T tasks.

    Returns:
        `activation`: task -> expert -> share of the images in which the task activates the expert; sums to k per task.
        `gate`: task -> expert -> mean gate over those images.
        `mean_gate`: mean over all active gates of the module.
        `active_in`: expert -> `tasks_0` .. `tasks_T` -> share of the images in which exactly that many tasks activate
        it; sums to 1.
        `shared_by_all`: expert -> over the images in which all tasks activate it, the mean of the smallest of the T
        gates (`minimum_gate`) and how often that is below half of `mean_gate` (`below_half`; MLoRE appendix C.2).
    """
    active = gates > 0  # [I, T, N]
    experts = expert_names(gates.shape[2])
    mean_gate = float(gates[active].mean())
    counts = active.sum(axis=1)  # [I, N]
    smallest = gates.min(axis=1)  # [I, N]
    tree: Tree = {"mean_gate": mean_gate, "activation": {}, "gate": {}, "active_in": {}, "shared_by_all": {}}
    for t, task in enumerate(tasks):
        tree["activation"][task] = {name: float(active[:, t, n].mean()) for n, name in enumerate(experts)}
        tree["gate"][task] = {
            name: float(gates[active[:, t, n], t, n].mean()) for n, name in enumerate(experts) if active[:, t, n].any()
        }
    for n, name in enumerate(experts):
        tree["active_in"][name] = {f"tasks_{c}": float((counts[:, n] == c).mean()) for c in range(len(tasks) + 1)}
        shared = smallest[counts[:, n] == len(tasks), n]
        if len(shared):
            below = float((shared < mean_gate / 2).mean())
            tree["shared_by_all"][name] = {"minimum_gate": float(shared.mean()), "below_half": below}
    return tree


def expert_names(count: int) -> list[str]:
    """`expert_01` and so on; names of equal length sort as numbers do."""
    return [f"expert_{n:02d}" for n in range(1, count + 1)]
