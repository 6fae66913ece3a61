"""The names of the public MLoRE code (github YuqiYang213/MLoRE at 5817007) for the parameters of our MLoRE model.

The public model keeps one tensor per task and expert where ours keeps one for all of them, so a key of ours belongs to
one or many public ones. What the public checkpoint does not hold is the run's to say: k and the order of the gates.

Shapes: C channels, D backbone width, E experts, H W, P = H*W positions, R sum of ranks, r rank, T tasks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from densemoe.params.errors import InputError, allowed

TASKS = {
    "semseg": "semseg",
    "human_parts": "human_parts",
    "saliency": "sal",
    "depth": "depth",
    "normals": "normals",
    "boundary": "edge",
}

UNUSED = {
    r"aux_heads\..+": "second heads, which no forward pass of the public code calls",
    r"backbone\.q_fuse\..+": "fusion of the first modules' features, left from an earlier loss and never called",
    r"backbone\.classify_route_[12]\..+": "task classifiers on router features, left from an earlier loss",
    r"backbone\.MLoRE_\d+\.\d+\.(lora_list_1\.\d+|conv2\.\w+)\.virt_conv\..+": "kernels merged from W and M, both here",
}
"""Public keys without use in the public model's predictions -> what they are."""

COUNTERS = "num_batches_tracked"
"""Steps that a BatchNorm has seen: nothing reads them at a fixed momentum, so a file may lack them."""


@dataclass(frozen=True)
class Layout:
    """How public tensors lie in one of ours: `join` of the list makes ours, `split` of ours into n makes the list."""

    join: Callable[[Sequence[Tensor]], Tensor]
    split: Callable[[Tensor, int], Sequence[Tensor]]


SAME = Layout(lambda parts: parts[0], lambda x, n: [x])
ROWS = Layout(torch.cat, lambda x, n: x.chunk(n))
STACK = Layout(torch.stack, lambda x, n: x.unbind())
# [C] each <-> [T, 1, C]
VECTORS = Layout(lambda parts: torch.stack(list(parts)).unsqueeze(1), lambda x, n: x.squeeze(1).unbind())
# 1x1 convolutions [C', C, 1, 1] <-> [T, C, C']
MATRICES = Layout(
    lambda parts: torch.stack([w.flatten(1).T for w in parts]), lambda x, n: [w.T[:, :, None, None] for w in x]
)
# linear layers [1, P] <-> [T, P, 1]
POSITIONS = Layout(lambda parts: torch.stack([w.T for w in parts]), lambda x, n: [w.T for w in x])
# the public model keeps the row of a class token that it does not have: [1, 1 + P, D] <-> [1, P, D]
WITHOUT_CLASS_ROW = Layout(
    lambda parts: parts[0][:, 1:], lambda x, n: [torch.cat([torch.zeros_like(x[:, :1]), x], dim=1)]
)
# one counter per task <-> one
COUNTER = Layout(lambda parts: torch.stack(list(parts)).amax(), lambda x, n: [x.clone() for _ in range(n)])


def _expert_rows(ranks: Sequence[int]) -> Layout:
    return Layout(torch.cat, lambda x, n: x.split(ranks))


def _expert_columns(ranks: Sequence[int]) -> Layout:
    # 1x1 convolutions [C, r, 1, 1] <-> [C, R]
    return Layout(
        lambda parts: torch.cat([w.flatten(1) for w in parts], dim=1),
        lambda x, n: [w[:, :, None, None] for w in x.split(ranks, dim=1)],
    )


# layer of ours in a module -> public layer, layout of its weight and of the rest; {} stands for the task
_LINEAR, _NORM, _CONV = (MATRICES, VECTORS), (VECTORS, VECTORS), (ROWS, ROWS)
_MODULE = {
    "enter": ("conv1.{}", *_CONV),
    "leave": ("conv3.{}", *_CONV),
    "norm": ("bn.{}", *_CONV),
    "paths.norm": ("bn_all.{}", *_CONV),
    "paths.specific.down": ("conv2.{}.W", *_CONV),
    "paths.specific.up": ("conv2.{}.M", *_CONV),
    "paths.generic": ("share_conv", SAME, SAME),
    "router.branches.0.reduce": ("router_1.{}.0.conv1", *_CONV),
    "router.branches.0.norm": ("router_1.{}.0.ln", *_NORM),
    "router.branches.0.project": ("router_1.{}.0.conv3", *_LINEAR),
    "router.branches.1": ("router_1.{}.0.convsp", POSITIONS, STACK),
    "router.branches.1.norm": ("router_1.{}.0.ln_sp", *_NORM),
    "router.branches.1.project": ("router_1.{}.0.conv2", *_LINEAR),
    "router.predict": ("router_1.{}.1", *_LINEAR),
}
_FUSION = {"reduce": "0", "norm": "1", "weigh": "3"}
_HEAD = {"conv": "mt_proj.0", "norm": "mt_proj.1", "predict": "linear_pred"}
# our key -> groups; the first pattern that fits counts
_MODULE_KEY = re.compile(r"decoder\.scales\.(\d+)\.(\d+)\.(.+)\.(\w+)")
_OTHER_KEYS = (
    (re.compile(r"backbone\.vit\.((?:patch_embed|blocks|norm)\..+)"), "backbone.{}"),
    (re.compile(r"decoder\.project\.(.+)"), "backbone.fea_fuse.{}"),
)


def public_keys(key: str, tasks: Sequence[str], ranks: Sequence[int]) -> tuple[list[str], Layout]:
    """The public keys that make one of ours, and how; no keys at all if the public model has nothing like it.

    Args:
        key: name in the state dict of a `MultiTaskModel`.
        tasks: of the model, in its order.
        ranks: of its experts.
    """
    theirs = [TASKS[task] for task in tasks]
    if key == "backbone.vit.pos_embed":
        return ["backbone.pos_embed"], WITHOUT_CLASS_ROW
    for pattern, template in _OTHER_KEYS:
        if found := pattern.fullmatch(key):
            return [template.format(*found.groups())], SAME
    layer, _, name = key.rpartition(".")
    if layer.startswith("decoder.fusion.") and (part := _FUSION.get(layer.removeprefix("decoder.fusion."))):
        return [f"backbone.task_mask.{t}.{part}.{name}" for t in theirs], COUNTER if name == COUNTERS else ROWS
    if layer.startswith("decoder.heads."):
        task, _, part = layer.removeprefix("decoder.heads.").partition(".")
        return [f"heads.{TASKS[task]}.{_HEAD[part]}.{name}"], SAME
    if found := _MODULE_KEY.fullmatch(key):
        scale, module, layer, name = found.groups()
        names, layout = _of_module(layer, name, theirs, ranks)
        return [f"backbone.MLoRE_{int(module) + 1}.{scale}.{each}.{name}" for each in names], layout
    return [], SAME


def _of_module(layer: str, name: str, tasks: Sequence[str], ranks: Sequence[int]) -> tuple[list[str], Layout]:
    if layer in ("paths.experts.down", "paths.experts.up"):
        names = [f"lora_list_1.{n}.{'W' if layer.endswith('down') else 'M'}" for n in range(len(ranks))]
        if layer.endswith("down"):
            return names, _expert_rows(ranks)
        return names, _expert_columns(ranks) if name == "weight" else STACK
    if layer not in _MODULE:
        return [], SAME
    public, of_weight, of_rest = _MODULE[layer]
    layout = of_weight if name == "weight" else of_rest
    names = [public.format(task) for task in tasks] if "{}" in public else [public]
    return names, COUNTER if name == COUNTERS else layout


def to_public(state: Mapping[str, Tensor], tasks: Sequence[str], ranks: Sequence[int]) -> dict[str, Tensor]:
    """A state dict of ours in the public naming; the class token's row of the position embedding is zero.

    Raises InputError where the public model has no such part, e.g. for a low-rank generic path.
    """
    public = {}
    for key, value in state.items():
        names, layout = public_keys(key, tasks, ranks)
        if not names:
            raise InputError(f"{key} has no name in the public MLoRE code; it has {_FORM}.")
        public |= zip(names, layout.split(value, len(names)), strict=True)
    return public


def from_public(
    public: Mapping[str, Tensor], ours: Mapping[str, Tensor], tasks: Sequence[str], ranks: Sequence[int]
) -> tuple[dict[str, Tensor], dict[str, list[str]]]:
    """A public state dict as one of ours, in its own precision.

    Args:
        public: plain state dict, without wrappers and prefixes (`train.foreign.read_checkpoint`).
        ours: state dict of the model that will take it; only names and shapes count, so it may be on the meta device.
        tasks: of that model, in its order.
        ranks: of its experts.

    Returns:
        Our state dict, and the public keys that were left out, by reason.

    Raises:
        InputError: keys are unknown, missing, or of another shape or type, in one sentence that counts all of them; or
            the model has parts that the public one lacks.
    """
    expected = to_public({k: v.to("meta") for k, v in ours.items()}, tasks, ranks)
    dropped = {
        reason: [k for k in public if k not in expected and re.fullmatch(pattern, k)]
        for pattern, reason in UNUSED.items()
    }
    left_out = {key for keys in dropped.values() for key in keys}
    findings = {
        "unknown": [k for k in public if k not in expected and k not in left_out],
        "missing": [k for k in expected if k not in public and not k.endswith(COUNTERS)],
        "of another shape": [
            f"{k} {_shape(public[k])} instead of {_shape(v)}"
            for k, v in expected.items()
            if k in public and public[k].shape != v.shape
        ],
        "not floating point": [
            k
            for k, v in expected.items()
            if k in public and v.is_floating_point() and not public[k].is_floating_point()
        ],
    }
    if any(findings.values()):
        raise InputError(
            "; ".join(f"{_count(keys)} {what} ({_first(keys)})" for what, keys in findings.items() if keys)
            + f"; allowed are the keys of the public MLoRE code with {_FORM}, for the tasks {allowed(tasks)}."
        )
    if not_finite := [k for k in expected if k in public and not public[k].isfinite().all()]:
        raise InputError(
            f"{_count(not_finite)} not finite ({_first(not_finite)}); allowed are finite numbers everywhere."
        )
    state = {}
    for key, value in ours.items():
        names, layout = public_keys(key, tasks, ranks)
        zero = torch.zeros((), dtype=value.dtype)  # of a counter
        state[key] = layout.join([public.get(n, zero) for n in names]).contiguous()
    # the row of the class token goes as well: the public model adds the rows behind it only
    dropped["row of a class token that the public model does not have"] = ["backbone.pos_embed[:, 0]"]
    return state, {reason: keys for reason, keys in dropped.items() if keys}


_FORM = (
    "a ViT encoder, low-rank experts of kernel 3, a vanilla generic path, a low-rank specific path mixed by the "
    "router, and a router of both branches on features"
)


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "scalar"


def _count(keys: Sequence[str]) -> str:
    return f"{len(keys)} key{'s are' if len(keys) > 1 else ' is'}"


def _first(keys: Sequence[str], shown: int = 3) -> str:
    return ", ".join(keys[:shown]) + (", ..." if len(keys) > shown else "")
