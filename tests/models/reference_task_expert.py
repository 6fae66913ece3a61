"""The TaskExpert decoder once more, slowly: loops over tasks, experts and positions.

Shares no code with src/densemoe/models: it reads the state dict, takes one task's or expert's part, and computes.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from tests.parity.reference import State, batch_norm, conv, gelu, head, part


def expert(state, options, x, number):
    """Task-generic feature of expert `number`, [B, C, H, W]."""
    count = options.experts.count
    if options.experts.kind == "linear":
        return conv(state.below("project"), x, number, count)
    hidden = gelu(conv(state.below("enter"), x, number, count))
    return conv(state.below("leave"), hidden, number, count)


def gates(state, options, x, training, task, tasks):
    """Gates of one task, [B, E, H, W]: an ordinary softmax at every position."""
    hidden = conv(state.below("reduce"), x, task, tasks)
    if options.gate.kind == "mlp":
        hidden = gelu(hidden)
    else:
        for number in (0, 3):
            weight = part(state[f"context.{number}.weight"], task, tasks)
            hidden = F.conv2d(hidden, weight, padding=options.gate.kernel_size // 2)
            hidden = gelu(batch_norm(state.below(f"context.{number + 1}"), hidden, training, task, tasks))
    logits = torch.exp(conv(state.below("predict"), hidden, task, tasks))
    out = torch.zeros_like(logits)
    for n in range(logits.shape[1]):
        out[:, n] = logits[:, n] / sum(logits[:, m] for m in range(logits.shape[1]))
    return out


def module(state, options, x, states, training):
    """One scale: the tasks' next memories (or sums) and their gates [B, T, E, H, W]."""
    tasks, after, all_gates = len(states), [], []
    features = [expert(state.below("experts"), options, x, n) for n in range(options.experts.count)]
    for t, memory in enumerate(states):
        g = gates(state.below("gate"), options, x, training, t, tasks)
        mixed = torch.zeros_like(features[0])
        for row in range(x.shape[2]):
            for column in range(x.shape[3]):
                for n, feature in enumerate(features):
                    mixed[:, :, row, column] += g[:, n, row, column, None] * feature[:, :, row, column]
        if options.memory.kind == "read_write":
            weight = part(state["memory.enter.weight"], t, tasks)
            read = F.conv2d(memory, weight, padding=options.memory.kernel_size // 2)
            read = gelu(batch_norm(state.below("memory.norm"), read, training, t, tasks))
            mixed = mixed + g[:, -1:] * read
        if options.memory.kind == "feature_skip":
            mixed = mixed + g[:, -1:] * memory
        decoded = conv(state.below("fuse"), mixed, t, tasks)
        if options.memory.kind == "none":
            after.append(memory + decoded)
        if options.memory.kind == "read_write":
            after.append(memory + conv(state.below("memory.leave"), decoded, t, tasks))
        if options.memory.kind == "feature_skip":
            after.append(memory + decoded + conv(state.below("memory.skip"), x, t, tasks))
        all_gates.append(g)
    return after, torch.stack(all_gates, dim=1)


def task_expert(values, options, outputs, maps, training):
    """Predictions, and the gates of every scale averaged over positions [B, T, E]."""
    state, tasks = State(values), len(outputs)
    batch, _, height, width = maps[0].shape
    states, all_gates = [], []
    for t in range(tasks):
        memory = torch.zeros(batch, options.channels, height, width, dtype=maps[0].dtype)
        if options.memory.kind != "none":
            start = state["start"][0, :, 0, 0]
            memory = memory + start[t * options.channels : (t + 1) * options.channels][None, :, None, None]
        states.append(memory)
    for s, x in enumerate(maps):
        states, g = module(state.below(f"scales.{s}"), options, x, states, training)
        all_gates.append(g.flatten(3).sum(dim=3) / (height * width))
    predictions = {}
    for t, task in enumerate(outputs):
        x = states[t]
        if options.head_adapter == "shared":
            x = conv(state.below("adapter"), x)
        if options.head_adapter == "per_task":
            x = conv(state.below("adapter"), x, t, tasks)
        predictions[task] = head(state.below(f"heads.{task}"), x, training)
    return predictions, all_gates
