"""The decoders once more, slowly: loops over tasks and experts, written from the architecture sheet.

Shares no code with src/densemoe/models: it reads the state dict, takes one task's or expert's part, and computes.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F


class State:
    """Part of a state dict below a prefix; `statistics` collects what each BatchNorm in training sees of each task."""

    def __init__(self, values, prefix="", statistics=None):
        self.values, self.prefix = values, prefix
        self.statistics = {} if statistics is None else statistics

    def __getitem__(self, name):
        return self.values[self.prefix + name]

    def below(self, name):
        return State(self.values, f"{self.prefix}{name}.", self.statistics)


def part(value, task, tasks):
    """Rows of one task in a parameter that holds all tasks' rows."""
    rows = value.shape[0] // tasks
    return value[task * rows : (task + 1) * rows]


def conv(state, x, task=0, tasks=1):
    weight, bias = part(state["weight"], task, tasks), part(state["bias"], task, tasks)
    return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


def batch_norm(state, x, training, task=0, tasks=1):
    if training:
        mean = x.mean(dim=(0, 2, 3))
        var = ((x - mean[None, :, None, None]) ** 2).mean(dim=(0, 2, 3))
        seen = x[:, 0].numel()
        state.statistics[state.prefix, task] = mean.detach(), var.detach() * seen / (seen - 1)
    else:
        mean, var = part(state["running_mean"], task, tasks), part(state["running_var"], task, tasks)
    scale = part(state["weight"], task, tasks) / torch.sqrt(var + 1e-5)
    shift = part(state["bias"], task, tasks) - mean * scale
    return x * scale[None, :, None, None] + shift[None, :, None, None]


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / 2**0.5))


def layer_norm(state, x, task):
    """Over the channels of vectors [., C]."""
    centred = x - x.mean(dim=-1, keepdim=True)
    scaled = centred / torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + 1e-5)
    return scaled * state["weight"][task, 0] + state["bias"][task, 0]


def linear(state, x, task):
    return x @ state["weight"][task] + state["bias"][task, 0]


def router(state, options, y, task, tasks, noise):
    """Gates [B, N] and mix [B] of one task; `noise` [B, N] or None outside training."""
    r, n, batch = options.router, options.experts.count, y.shape[0]
    if r.input == "learned":
        channels = y.shape[1]
        y = state["input"][:, task * channels : (task + 1) * channels].repeat(batch, 1, 1, 1)
    names = {"basic": ["basic"], "position": ["position"], "both": ["basic", "position"]}[r.branches]
    hidden = []
    for number, name in enumerate(names):
        branch = state.below(f"branches.{number}")
        if name == "basic":
            x = conv(branch.below("reduce"), y, task, tasks)
            x = x.permute(0, 2, 3, 1).reshape(batch, -1, x.shape[1])  # [B, P, C/4]
            x = x if r.branch_form == "linear" else gelu(layer_norm(branch.below("norm"), x, task))
            hidden.append(linear(branch.below("project"), x, task).mean(dim=1))
        else:
            x = y.flatten(2) @ branch["weight"][task, :, 0] + branch["bias"][task]  # [B, C]
            x = x if r.branch_form == "linear" else gelu(layer_norm(branch.below("norm"), x, task))
            hidden.append(linear(branch.below("project"), x, task))
    raw = linear(state.below("predict"), torch.cat(hidden, dim=1), task)
    mix = raw[:, 2 * n] if raw.shape[1] > 2 * n else None
    logits = raw[:, :n]
    if noise is not None:
        scale = raw[:, n : 2 * n]
        logits = logits + noise * (torch.log(1 + torch.exp(scale)) if r.noise_scale == "softplus" else scale)
    gates = torch.zeros(batch, n, dtype=y.dtype)
    for b in range(batch if n else 0):
        chosen = sorted(range(n), key=lambda i: -logits[b, i].item())[: r.k]
        over = range(n) if r.gate_order == "softmax_then_top_k" else chosen
        total = sum(torch.exp(logits[b, i]) for i in over)
        for i in chosen:
            gates[b, i] = torch.exp(logits[b, i]) / total
    return gates, mix


def expert(state, options, y, number):
    """Task-sharing expert `number` on [B, C, H, W]."""
    sizes = [y.shape[1]] * options.experts.count if options.experts.kind == "standard" else options.experts.ranks
    rows = slice(sum(sizes[:number]), sum(sizes[: number + 1]))
    kernel = state["down.weight"][rows]
    hidden = F.conv2d(y, kernel, state["down.bias"][rows], padding=kernel.shape[-1] // 2)
    if options.experts.kind == "standard":
        hidden = hidden.clamp(min=0)
    return F.conv2d(hidden, state["up.weight"][:, rows, None, None], state["up.bias"][number])


def module(state, options, xs, training, noise, last):
    """One MLoRE module; xs are the tasks' inputs. Returns the tasks' outputs and gates [B, T, N]."""
    tasks = len(xs)
    mixes = options.specific.kind != "none" and options.specific.mix == "router"
    outs, all_gates = [], []
    for t, x in enumerate(xs):
        y = conv(state.below("enter"), x, t, tasks)
        gates, mix = None, None
        if options.experts.count or mixes:
            gates, mix = router(state.below("router"), options, y, t, tasks, None if noise is None else noise[:, t])
        z = torch.zeros_like(y)
        paths = state.below("paths")
        if options.experts.count:
            shared = torch.zeros_like(y)
            for n in range(options.experts.count):
                shared = shared + gates[:, n, None, None, None] * expert(paths.below("experts"), options, y, n)
            z = z + batch_norm(paths.below("norm"), shared, training, t, tasks)
            all_gates.append(gates)
        if options.specific.kind == "low_rank":
            own = paths.below("specific")
            s = conv(own.below("up"), conv(own.below("down"), y, t, tasks), t, tasks)
            z = z + (s * mix[:, None, None, None] if options.specific.mix == "router" else s)
        if options.generic.kind == "vanilla":
            z = z + conv(paths.below("generic"), y.detach())
        if options.generic.kind == "low_rank":
            z = z + conv(paths.below("generic.1"), conv(paths.below("generic.0"), y.detach()))
        if options.nonlinear_block == "after_each":
            z = conv(state.below("leave"), gelu(batch_norm(state.below("norm"), z, training, t, tasks)), t, tasks)
        elif not last:
            z = conv(state.below("leave"), batch_norm(state.below("norm"), gelu(z), training, t, tasks), t, tasks)
        outs.append(z)
    return outs, torch.stack(all_gates, dim=1) if all_gates else None


def fusion(state, scales, training, task, tasks, form="softmax_weighted"):
    """Fuse one task's features of all scales."""
    if form == "concatenated":
        return conv(state.below("reduce"), torch.cat(scales, 1), task, tasks)
    x = gelu(batch_norm(state.below("norm"), conv(state.below("reduce"), torch.cat(scales, 1), task, tasks), training,
                        task, tasks))  # fmt: skip
    logits = conv(state.below("weigh"), x, task, tasks)
    weights = torch.exp(logits) / torch.exp(logits).sum(dim=1, keepdim=True)
    return sum(weights[:, s : s + 1] * scale for s, scale in enumerate(scales))


def resize(x, size):
    """Bilinear resizing without aligned corners, one axis after the other, position by position."""
    for axis, length in zip((2, 3), size, strict=True):
        old, rows = x.shape[axis], []
        for i in range(length):
            at = max((i + 0.5) * old / length - 0.5, 0.0)
            low = int(at)
            high = min(low + 1, old - 1)
            rows.append(x.select(axis, low) * (1 - (at - low)) + x.select(axis, high) * (at - low))
        x = torch.stack(rows, dim=axis)
    return x


def aligned(scales):
    """All scales at the size of the first."""
    return [x if x.shape == scales[0].shape else resize(x, scales[0].shape[2:]) for x in scales]


def is_pyramid(maps):
    return any(x.shape[2:] != maps[0].shape[2:] for x in maps)


def head(state, x, training, upsampling=4):
    if upsampling > 1:
        x = F.interpolate(x, scale_factor=upsampling, mode="bilinear", align_corners=False)
    return conv(state.below("predict"), gelu(batch_norm(state.below("norm"), conv(state.below("conv"), x), training)))


def mlore(values, options, outputs, maps, training, noises, statistics=None):
    """Predictions, balance and gates per module; `noises` one [B, T, N] per module, or None in evaluation."""
    state, tasks = State(values, statistics=statistics), len(outputs)
    noises = iter(noises) if noises is not None else None
    features, gates_of_modules = [[] for _ in outputs], []
    for s, maps_of_scale in enumerate(maps):
        xs = [maps_of_scale if options.projection == "per_task" else conv(state.below(f"project.{s}"), maps_of_scale)]
        xs = xs * tasks
        for m in range(options.modules_per_scale):
            noise = next(noises) if noises is not None and options.experts.count else None
            last = m == options.modules_per_scale - 1
            xs, gates = module(state.below(f"scales.{s}.{m}"), options, xs, training, noise, last)
            gates_of_modules += [gates] if gates is not None else []
        for t, x in enumerate(xs):
            features[t].append(x)
    balance = torch.zeros((), dtype=maps[0].dtype)
    for gates in gates_of_modules:
        importance = torch.stack([gates[:, :, n].mean() for n in range(gates.shape[2])])
        if len(importance) > 1:
            mean = importance.sum() / len(importance)
            balance = balance + ((importance - mean) ** 2).sum() / (len(importance) - 1) / mean**2
    predictions = {
        task: head(
            state.below(f"heads.{task}"),
            fusion(state.below("fusion"), aligned(features[t]), training, t, tasks, options.fusion),
            training,
            upsampling=1 if is_pyramid(maps) else 4,
        )
        for t, task in enumerate(outputs)
    }
    return predictions, balance, gates_of_modules


def baseline(values, options, outputs, maps, training):
    state, tasks = State(values), len(outputs)
    predictions = {}
    for t, task in enumerate(outputs):
        if options.projection == "shared_softmax_fusion":
            scales = [conv(state.below(f"project.{s}"), x) for s, x in enumerate(maps)]
            fused = fusion(state.below("fusion"), aligned(scales), training, t, tasks)
        else:
            fused = sum(aligned([conv(state.below(f"project.{s}"), x, t, tasks) for s, x in enumerate(maps)]))
        predictions[task] = head(state.below(f"heads.{task}"), fused, training, upsampling=1 if is_pyramid(maps) else 4)
    return predictions
