"""The public MLoRE model once more, slowly, on a state dict in its own naming: one task, expert and scale at a time.

Written from the architecture sheet. It shares no code with src/densemoe and knows nothing of our parameter layout, so
that importing such a state dict can be checked against it.

Shapes: B batch, C channels, D width of the encoder, H W of the token grid.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from tests.parity.reference import State, conv, gelu

PATCH = 16


def linear(state, x):
    return x @ state["weight"].T + state["bias"]


def layer_norm(state, x, eps):
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + eps) * state["weight"] + state["bias"]


def batch_norm(state, x):
    shape = (1, -1, 1, 1)
    scaled = (x - state["running_mean"].view(shape)) / torch.sqrt(state["running_var"].view(shape) + 1e-5)
    return scaled * state["weight"].view(shape) + state["bias"].view(shape)


def attention(state, x, heads):
    width = x.shape[2] // heads
    q, k, v = linear(state.below("qkv"), x).chunk(3, dim=2)
    outs = []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        weights = (q[:, :, part] @ k[:, :, part].transpose(1, 2) / width**0.5).softmax(dim=2)
        outs.append(weights @ v[:, :, part])
    return linear(state.below("proj"), torch.cat(outs, dim=2))


def encoder(state, image, depth, heads, taps):
    """Maps [B, D, H, W] after the tapped blocks; only the last one is normalised."""
    embed = state.below("patch_embed.proj")
    patches = F.conv2d(image, embed["weight"], embed["bias"], stride=PATCH)
    x = (
        patches.flatten(2).transpose(1, 2) + state["pos_embed"][:, 1:]
    )  # row 0 belongs to a class token that is not there
    maps = []
    for number in range(depth):
        block = state.below(f"blocks.{number}")
        x = x + attention(block.below("attn"), layer_norm(block.below("norm1"), x, 1e-6), heads)
        hidden = gelu(linear(block.below("mlp.fc1"), layer_norm(block.below("norm2"), x, 1e-6)))
        x = x + linear(block.below("mlp.fc2"), hidden)
        if number + 1 in taps:
            tokens = layer_norm(state.below("norm"), x, 1e-6) if number + 1 == depth else x
            maps.append(tokens.transpose(1, 2).reshape(x.shape[0], -1, *patches.shape[2:]))
    return maps


def gates_and_mix(state, y, experts, k, order):
    """Gates [B, N] and mix [B] of one task from its features y [B, C, H, W]."""
    layers = state.below("0")
    x = conv(layers.below("conv1"), y).flatten(2).transpose(1, 2)
    x = gelu(layer_norm(layers.below("ln"), x, 1e-5)).transpose(1, 2).unsqueeze(3)
    basic = conv(layers.below("conv3"), x).mean(dim=(2, 3))
    pooled = linear(layers.below("convsp"), y.flatten(2))[:, :, 0]
    position = conv(layers.below("conv2"), gelu(layer_norm(layers.below("ln_sp"), pooled, 1e-5))[:, :, None, None])
    out = conv(state.below("1"), torch.cat([basic, position[:, :, 0, 0]], dim=1)[:, :, None, None])[:, :, 0, 0]
    gates = torch.zeros(len(out), experts, dtype=y.dtype)
    for b, logits in enumerate(out[:, :experts]):
        kept = logits.argsort(descending=True)[:k]
        over = logits if order == "softmax_then_top_k" else logits[kept]
        gates[b, kept] = torch.exp(logits[kept]) / torch.exp(over).sum()
    return gates, out[:, 2 * experts]


def low_rank(state, x):
    return conv(state.below("M"), conv(state.below("W"), x))


def module(state, x, task, experts, k, order):
    y = conv(state.below(f"conv1.{task}"), x)
    gates, mix = gates_and_mix(state.below(f"router_1.{task}"), y, experts, k, order)
    shared = sum(gates[:, n].view(-1, 1, 1, 1) * low_rank(state.below(f"lora_list_1.{n}"), y) for n in range(experts))
    z = batch_norm(state.below(f"bn_all.{task}"), shared)
    z = z + mix.view(-1, 1, 1, 1) * low_rank(state.below(f"conv2.{task}"), y) + conv(state.below("share_conv"), y)
    return conv(state.below(f"conv3.{task}"), gelu(batch_norm(state.below(f"bn.{task}"), z)))


def predict(values, image, tasks, *, depth, heads, taps, experts, k, order):
    """Raw outputs at the size of the image, by public task name, in evaluation mode."""
    state = State(values, "backbone.")
    maps = encoder(state, image, depth, heads, taps)
    predictions = {}
    for task in tasks:
        features = []
        for scale, tokens in enumerate(maps):
            x = conv(state.below(f"fea_fuse.{scale}"), tokens)
            for stage in ("MLoRE_1", "MLoRE_2"):
                x = module(state.below(f"{stage}.{scale}"), x, task, experts, k, order)
            features.append(x)
        mask = state.below(f"task_mask.{task}")
        logits = conv(mask.below("3"), gelu(batch_norm(mask.below("1"), conv(mask.below("0"), torch.cat(features, 1)))))
        weights = logits.softmax(dim=1)
        fused = sum(weights[:, s : s + 1] * x for s, x in enumerate(features))
        head = State(values, f"heads.{task}.")
        x = F.interpolate(fused, scale_factor=4, mode="bilinear", align_corners=False)
        x = gelu(batch_norm(head.below("mt_proj.1"), conv(head.below("mt_proj.0"), x)))
        predictions[task] = F.interpolate(
            conv(head.below("linear_pred"), x), size=image.shape[-2:], mode="bilinear", align_corners=False
        )
    return predictions
