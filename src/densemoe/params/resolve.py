"""From layers of overrides to one typed variant, with who set each value.

The chain is base <- backbone, data set, method <- table <- (column group) <- row <- scale, never longer.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from densemoe.params.errors import InputError, allowed
from densemoe.params.files import SELECTORS, Layer, Params, Set, parse
from densemoe.params.variant import Variant


@dataclass(frozen=True)
class Resolved:
    """A variant and, per dotted key, the layer that set it."""

    variant: Variant
    owner_of: dict[str, str]


@dataclass(frozen=True)
class Step:
    """One link of the chain: overrides and the name that error messages and `plan` show for it."""

    name: str
    set: Set


class _Tree:
    """A nested mapping under construction that remembers who set each leaf."""

    def __init__(self, data: dict[str, Any], owner: str):
        self.data: dict[str, Any] = {}
        self.owner_of: dict[str, str] = {}
        for key, value in data.items():
            self.put(key, value, owner)

    def get(self, path: str) -> Any:
        node: Any = self.data
        for key in path.split("."):
            if not isinstance(node, dict) or key not in node:
                return None
            node = node[key]
        return node

    def put(self, path: str, value: Any, owner: str) -> None:
        *parents, last = path.split(".")
        node = self.data
        for depth, key in enumerate(parents):
            below = node.setdefault(key, {})
            if not isinstance(below, dict):
                at = ".".join(parents[: depth + 1])
                raise InputError(f"{owner}: key '{path}' lies below '{at}', which is a value, not a group.")
            node = below
        old = node.get(last)
        if isinstance(value, dict) and isinstance(old, dict) and value.get("kind", old.get("kind")) == old.get("kind"):
            for key, below in value.items():
                self.put(f"{path}.{key}", below, owner)
            return
        # a value, a new group, or another kind: options of the old kind do not carry over
        self._forget(path)
        node[last] = copy.deepcopy(value)
        self._own(path, value, owner)

    def divide(self, path: str, divisor: int, owner: str) -> None:
        value = self.get(path)
        if value is None:
            return  # this variant has no such option, e.g. no low-rank generic path
        smaller = [max(v // divisor, 1) for v in value] if isinstance(value, list) else max(value // divisor, 1)
        self.put(path, smaller, owner)

    def _own(self, path: str, value: Any, owner: str) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                self._own(f"{path}.{key}", below, owner)
        else:
            self.owner_of[path] = owner

    def _forget(self, path: str) -> None:
        for key in [k for k in self.owner_of if k == path or k.startswith(path + ".")]:
            del self.owner_of[key]


def select(params: Params, steps: list[Step]) -> dict[str, str]:
    """Method, data set and backbone named by the steps; the last one wins. Raises InputError when one is missing."""
    chosen: dict[str, str] = {}
    for step in steps:
        chosen |= {k: step.set[k] for k in SELECTORS if k in step.set}
    for selector in SELECTORS:
        folder = selector + "s"
        if selector not in chosen:
            raise InputError(f"{steps[0].name}: no {selector} is chosen; allowed are {allowed(params.names(folder))}.")
        if chosen[selector] not in params.names(folder):
            where = next(s.name for s in reversed(steps) if selector in s.set)
            raise InputError(
                f"{where}: {selector} '{chosen[selector]}' is unknown; allowed are {allowed(params.names(folder))}."
            )
    return chosen


def resolve(
    params: Params, steps: list[Step], scale: str, only_task: str | None = None, seed: int | None = None
) -> Resolved:
    """Resolve one variant.

    Args:
        params: the folder params/.
        steps: table base, column group and row, in this order.
        scale: name of a scale; its overrides come last.
        only_task: train this one task (single-task baselines of the multi-task gain).
        seed: of a table or scale that declares several; None leaves the variant's own.

    Raises:
        InputError: unknown key, wrong type or impossible combination, naming the layer that set the value.
    """
    chosen = select(params, steps)
    tree = _Tree(params.base().variant, "base.yaml")
    for folder in ("backbones", "datasets", "methods"):
        _apply(params, tree, folder, chosen[folder[:-1]], chosen)
    tree.put("dataset", chosen["dataset"], steps[0].name)
    tree.put("tasks", list(params.dataset(chosen["dataset"]).outputs), f"data set {chosen['dataset']}")
    for step in steps:
        for key, value in step.set.items():
            if key not in SELECTORS:
                tree.put(key, value, step.name)
    if only_task is not None:
        tree.put("tasks", [only_task], "single-task baseline")
    tasks = tree.get("tasks")
    weights = tree.get("recipe.loss_weights")
    if isinstance(weights, dict) and isinstance(tasks, list):  # weights of tasks that are not trained decide nothing
        tree.data["recipe"]["loss_weights"] = {t: weights[t] for t in tasks if t in weights}
    # before the scale shrinks it, so that a small scale refuses what the paper scale would refuse
    parse(Variant, tree.data, steps[-1].name, tree.owner_of)
    _apply(params, tree, "scales", scale, chosen)
    if seed is not None:
        tree.put("seed", seed, "seeds of the table or scale")
    variant = parse(Variant, tree.data, steps[-1].name, tree.owner_of)
    return Resolved(variant, tree.owner_of)


def _apply(params: Params, tree: _Tree, folder: str, name: str, chosen: dict[str, str]) -> None:
    layer: Layer = params.layer(folder, name)
    if layer.extends is not None:
        _apply(params, tree, folder, layer.extends, chosen)
    owner = f"{folder[:-1]} {name}"
    for key, value in layer.set.items():
        tree.put(key, value, owner)
    for key, divisor in layer.divide.items():
        tree.divide(key, divisor, owner)
    for when in layer.when:
        if all((chosen[k] if k in SELECTORS else tree.get(k)) == v for k, v in when.condition.items()):
            for key, value in when.set.items():
                tree.put(key, value, owner)
            for key, divisor in when.divide.items():
                tree.divide(key, divisor, owner)
