"""Small variants for the tests of the models, and the paper's."""

from __future__ import annotations

from types import SimpleNamespace

from pydantic import TypeAdapter

from densemoe.params import options as o

OUTPUTS = {"semseg": 5, "normals": 3, "boundary": 1}
PASCAL = {"semseg": 21, "human_parts": 7, "saliency": 2, "normals": 3, "boundary": 1}
NYUD = {"semseg": 40, "depth": 1, "normals": 3, "boundary": 1}
VIT = {
    "small": (384, 12, 6, (3, 6, 9, 12)),
    "base": (768, 12, 12, (3, 6, 9, 12)),
    "large": (1024, 24, 16, (6, 12, 18, 24)),
}
NONE = {"kind": "none"}


def vit(width=12, depth=2, heads=2, patch=4, taps=(1, 2), drop_path=0.0, weights=None) -> o.VitEncoder:
    return o.VitEncoder(
        kind="vit",
        width=width,
        depth=depth,
        heads=heads,
        patch=patch,
        taps=taps,
        drop_path=drop_path,
        weights=weights,
    )


def hrnet(channels=(4, 8, 12, 16), upsampling="bilinear", weights=None, name="hrnet_w18_small_v2") -> o.HrnetEncoder:
    return o.HrnetEncoder(kind="hrnet", name=name, channels=channels, upsampling=upsampling, weights=weights)


def paper_vit(name: str) -> o.VitEncoder:
    width, depth, heads, taps = VIT[name]
    return vit(width, depth, heads, patch=16, taps=taps, drop_path=0.15)


def decoder(**options):
    return TypeAdapter(o.Decoder).validate_python(options)


def mlore(
    channels=8,
    ranks=(1, 2, 3, 4),
    k=2,
    kernel_size=3,
    modules=2,
    experts=None,
    specific=2,
    mix="router",
    generic="vanilla",
    branches="both",
    input="features",
    gate_order="softmax_then_top_k",
    balance=True,
    branch_form="norm_gelu",
    noise_scale="raw",
    **forms,
):
    """MLoRE; `experts` a count of standard ones, `specific` a rank or None, `generic` none, vanilla or a rank.

    `balance` is a weight, True for the paper's or False; `forms` are the decoder's projection, nonlinear_block, fusion.
    """
    low_rank = {"kind": "low_rank", "ranks": tuple(ranks), "kernel_size": kernel_size}
    standard = {"kind": "standard", "count": experts, "kernel_size": kernel_size}
    return decoder(
        kind="mlore",
        channels=channels,
        modules_per_scale=modules,
        experts=standard if experts else low_rank,
        router={
            "kind": "noisy_top_k",
            "branches": branches,
            "input": input,
            "k": k,
            "gate_order": gate_order,
            "branch_form": branch_form,
            "noise_scale": noise_scale,
        },
        generic={"kind": "low_rank", "rank": generic} if isinstance(generic, int) else {"kind": generic},
        specific={"kind": "low_rank", "rank": specific, "mix": mix} if specific else NONE,
        balance={"kind": "cv_squared_importance", "weight": 1e-4 if balance is True else balance} if balance else NONE,
        **forms,
    )


def baseline(channels=8, projection="shared_softmax_fusion"):
    return decoder(kind="baseline", channels=channels, projection=projection)


def task_expert(
    channels=8,
    experts=3,
    hidden=6,
    kernel_size=1,
    gate="context_aware",
    gate_kernel_size=3,
    gate_hidden=5,
    memory="read_write",
    memory_kernel_size=3,
    head_channels=None,
    head_adapter="none",
):
    """TaskExpert; `hidden` None for linear experts."""
    linear = {"kind": "linear", "count": experts}
    mlp = {"kind": "mlp", "count": experts, "hidden": hidden, "kernel_size": kernel_size}
    gates = {"kind": gate, "hidden": gate_hidden}
    return decoder(
        kind="task_expert",
        channels=channels,
        experts=mlp if hidden else linear,
        gate={**gates, "kernel_size": gate_kernel_size} if gate == "context_aware" else gates,
        memory={"kind": memory, "kernel_size": memory_kernel_size} if memory == "read_write" else {"kind": memory},
        head_channels=head_channels or channels,
        head_adapter=head_adapter,
    )


def variant(decoder, encoder=None, outputs=OUTPUTS):
    """What `build_model` reads of a variant."""
    return SimpleNamespace(tasks=tuple(outputs), encoder=encoder or vit(), decoder=decoder)


# every option of the decoder, alone and where two meet
MLORE_CASES = {
    "paper": {},
    "k=N": {"k": 4},
    "one expert": {"ranks": (3,), "k": 1},
    "top-k then softmax": {"gate_order": "top_k_then_softmax"},
    "basic router": {"branches": "basic"},
    "position router": {"branches": "position"},
    "learned input": {"input": "learned"},
    "learned input, basic": {"input": "learned", "branches": "basic"},
    "mix one": {"mix": "one"},
    "no generic": {"generic": "none"},
    "low-rank generic": {"generic": 3},
    "no specific": {"specific": None},
    "LoRE alone": {"generic": "none", "specific": None},
    "no experts": {"ranks": (), "k": 0, "balance": False},
    "no experts, mix one": {"ranks": (), "k": 0, "balance": False, "mix": "one"},
    "specific alone": {"ranks": (), "k": 0, "balance": False, "generic": "none"},
    "standard experts": {"experts": 3, "generic": "none", "specific": None},
    "standard experts, all paths": {"experts": 3},
    "standard 1x1": {"experts": 3, "kernel_size": 1},
    "kernel 1": {"kernel_size": 1},
    "kernel 5": {"kernel_size": 5},
    "one module": {"modules": 1},
    "three modules": {"modules": 3},
    "no balance": {"balance": False},
    "balance of another weight": {"balance": 0.5},
    # Table 10 and 3, at the papers' counts
    "N = 5": {"ranks": (1, 2, 2, 3, 4), "k": 3},
    "N = 10": {"ranks": tuple(range(1, 11)), "k": 6},
    "N = 15": {"ranks": tuple(range(1, 16)), "k": 9},
    "N = 20": {"ranks": (1, 2, 3, 4) * 5, "k": 12},
    "N = 15, k = 3": {"ranks": tuple(range(1, 16)), "k": 3},
    "N = 15, k = 15": {"ranks": tuple(range(1, 16)), "k": 15},
    "N = 15, k = 12, top-k then softmax": {
        "ranks": tuple(range(1, 16)),
        "k": 12,
        "gate_order": "top_k_then_softmax",
    },
    "equal ranks": {"ranks": (2,) * 15, "k": 9},
    "ranks above the width": {"ranks": (9, 10, 12), "specific": 9, "generic": 10},
    "decreasing ranks": {"ranks": (7, 3, 1)},
    "learned input, position, top-k then softmax": {
        "input": "learned",
        "branches": "position",
        "gate_order": "top_k_then_softmax",
    },
    "standard experts, basic router, no balance": {"experts": 4, "k": 3, "branches": "basic", "balance": False},
    "wider": {"channels": 12},
    # where paper and released code differ, the paper's form
    "linear branches": {"branch_form": "linear"},
    "linear basic branch": {"branch_form": "linear", "branches": "basic"},
    "softplus noise": {"noise_scale": "softplus"},
    "projection per task": {"projection": "per_task"},
    "block between": {"nonlinear_block": "between"},
    "block between three": {"nonlinear_block": "between", "modules": 3},
    "no block at all": {"nonlinear_block": "between", "modules": 1},
    "concatenated": {"fusion": "concatenated"},
    "all as the paper says": {
        "branch_form": "linear",
        "noise_scale": "softplus",
        "projection": "per_task",
        "nonlinear_block": "between",
        "fusion": "concatenated",
        "mix": "one",
    },
}

TASK_EXPERT_CASES = {
    "R1": {},
    "A*": {"hidden": 12, "memory": "feature_skip"},
    "one expert": {"experts": 1},
    "one expert, no memory": {"experts": 1, "memory": "none"},
    "linear experts": {"hidden": None},
    "3x3 experts": {"kernel_size": 3},
    "gate 1x1": {"gate_kernel_size": 1},
    "gate 5x5": {"gate_kernel_size": 5},
    "no memory": {"memory": "none"},
    "MLP gate, no memory": {"gate": "mlp", "memory": "none"},
    "MLP gate, memory": {"gate": "mlp"},
    "memory read 1x1": {"memory_kernel_size": 1},
    "adapter per task": {"head_channels": 10, "head_adapter": "per_task"},
    "adapter shared": {"head_channels": 10, "head_adapter": "shared"},
    "adapter of equal width": {"head_adapter": "shared", "memory": "none"},
}
