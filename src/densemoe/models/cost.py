"""Parameters and multiply-adds of a network, part by part.

Counted: convolutions, linear layers, matrix products (matmul, einsum, bmm) and both products of attention. Not counted,
as by the tool that gives the papers' figures: normalisation, activations, softmax, resizing, sums and products element
by element, and every bias. One image, evaluation mode; on the meta device, where nothing is computed and no memory is
needed, unless the network is tiny.

Shapes: B batch, C channels, E experts, H W, T tasks.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from densemoe.models import build_model
from densemoe.models.as_published import as_published
from densemoe.models.decoders.mlore import MloreDecoder, MloreModule
from densemoe.models.reparameterize import reparameterize
from densemoe.params.estimate import forward_macs
from densemoe.params.fitted_module import fitted_module
from densemoe.params.options import LowRankExperts
from densemoe.params.options import MloreDecoder as MloreOptions
from densemoe.params.variant import Variant

# Attribute name -> part. The first of these names on a module's path decides, ...
PARTS = {
    "backbone": "encoder",
    "project": "projections",
    "router": "routers",
    "gate": "routers",
    "gates": "routers",
    "experts": "experts",
    "generic": "generic_path",
    "specific": "specific_path",
    "memory": "memory",
    "mixer": "kernel_mixing",
    "fusion": "fusion",
    "heads": "heads",
}
# ... and where none of them stands there, the last of these: what a module or its paths hold beside the parts above.
CONTAINERS = {"scales": "module_projections", "paths": "paths"}
KERNEL_MIXING = "kernel_mixing"
"""Building the merged kernels from the gates, for each image: in no printed figure, so beside the sum, not in it."""

_SMALL = 2e9
"""Multiply-adds below which a network is run for the count, not traced."""

# Products that torch's table of formulas lacks: better no count than a wrong one.
_WITHOUT_FORMULA = {"mv", "addmv", "dot", "vdot", "addbmm", "addr", "_scaled_dot_product_fused_attention_overrideable"}


def part_of(path: str) -> str:
    """Part that a module or parameter belongs to, by its dotted path; an unknown child of the decoder is a part."""
    names = path.split(".")
    for name in names:
        if name in PARTS:
            return PARTS[name]
    for name in reversed(names):
        if name in CONTAINERS:
            return CONTAINERS[name]
    return names[1] if names[0] == "decoder" and len(names) > 1 else "other"


class MacCounter(TorchDispatchMode):
    """Counts the multiply-adds of what runs inside it, by part of `model`.

    Args:
        model: its modules say which part is running.

    Raises:
        RuntimeError: an operation multiplies matrices but has no formula.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.macs: Counter[str] = Counter()
        self._model = model
        self._running = ["other"]

    def __enter__(self) -> MacCounter:
        self._hooks = []
        for path, module in self._model.named_modules():
            part = part_of(path)
            self._hooks.append(module.register_forward_pre_hook(lambda *_, part=part: self._running.append(part)))
            self._hooks.append(module.register_forward_hook(lambda *_: self._leave(), always_call=True))
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        for hook in self._hooks:
            hook.remove()
        super().__exit__(*error)

    def _leave(self) -> None:
        self._running.pop()  # and return nothing: a hook's value would replace the module's

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run an operation; add its multiply-adds, which are half of torch's count, to the part that is running."""
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func._overloadpacket):
            self.macs[self._running[-1]] += formula(*args, **(kwargs or {}), out_val=out) // 2
        elif func._overloadpacket.__name__ in _WITHOUT_FORMULA:
            raise RuntimeError(f"{func} multiplies matrices, but its multiply-adds are not counted yet.")
        return out


def count_macs(model: nn.Module, *inputs: Tensor | None) -> Counter[str]:
    """Multiply-adds of one forward pass in evaluation mode, by part; of the network as published."""
    with torch.no_grad(), as_published(), MacCounter(model) as counter:
        model.eval()(*inputs)
    return counter.macs


def count_parameters(model: nn.Module) -> Counter[str]:
    """Number of parameters, by part."""
    count: Counter[str] = Counter()
    for path, parameter in model.named_parameters():
        count[part_of(path)] += parameter.numel()
    return count


def model_cost(variant: Variant, outputs: dict[str, int]) -> dict[str, Any]:
    """Cost of the network of a variant: one image of the crop's size.

    Args:
        variant: whose network.
        outputs: output channels of each task, in task order.

    Returns:
        Nested dicts of whole numbers. `params` and `macs` hold the figure by each convention that the network allows
        (`params/counting.py`), `parts` where they go; `kernel_mixing` is what building the merged kernels costs.
    """
    with torch.device(_device(variant, outputs)):
        model = build_model(variant, outputs, variant.data.crop, load_weights=False)
        cost = _cost(model, variant.decoder, torch.zeros(1, 3, *variant.data.crop))
    if isinstance(model.decoder, MloreDecoder):
        # what the released ViT-S and ViT-B models build beside what they use, and the printed counts include in places
        used, heads = cost["params"]["used"], cost["parts"]["plain"]["heads"]["params"]
        cost["params"]["with_second_heads"] = used + heads
        fusion = sum(p.numel() for p in model.decoder.fusion.reduce.parameters())
        cost["params"]["with_unused_modules"] = used + heads + fusion
    cost["params"]["encoder"] = cost["parts"]["plain"]["encoder"]["params"]
    return cost


def module_cost(variant: Variant, outputs: dict[str, int]) -> dict[str, Any]:
    """Cost of one MLoRE module of a variant, whose decoder is of kind mlore: the second of a scale, one image.

    The same as `model_cost`, with `fitted`: what the formula that was fitted to MLoRE Table 1 gives.
    """
    options, tasks = variant.decoder, len(outputs)
    height, width = (pixels // variant.encoder.patch for pixels in variant.data.crop)
    with torch.device(_device(variant, outputs)):
        # under the name that it has in a decoder, so that its parts have their names
        module = MloreModule(options, tasks, (height, width), shared_input=None, last=True)
        model = nn.Sequential()
        model.add_module("scales", module)
        cost = _cost(model, options, torch.zeros(1, tasks * options.channels, height, width))
    cost["fitted"] = fitted_module(options, tasks, height * width)
    return cost


def _device(variant: Variant, outputs: dict[str, int]) -> str:
    """Counts are the same on any device; a small network runs several times faster than meta's kernels in Python."""
    return "cpu" if forward_macs(variant, outputs) < _SMALL else "meta"


def _cost(model: nn.Module, options: Any, example: Tensor) -> dict[str, Any]:
    params, plain = count_parameters(model), count_macs(model, example)
    cost: dict[str, Any] = {
        "params": {"used": params.total()},
        "macs": {"plain": plain.total()},
        "parts": {"plain": _by_part(params, plain)},
    }
    if isinstance(options, MloreOptions) and options.experts.count:
        # the gates choose; experts of different ranks are chosen equally often
        idle = options.experts.count - options.router.k
        cost["macs"]["top_k"] = plain.total() - plain["experts"] * idle // options.experts.count
    if isinstance(options, MloreOptions) and isinstance(options.experts, LowRankExperts):
        merged = count_macs(reparameterize(model), example)
        mixing = merged.pop(KERNEL_MIXING, 0)
        cost["macs"] |= {"merged": merged.total(), KERNEL_MIXING: mixing}
        cost["parts"]["merged"] = {part: {"macs": macs} for part, macs in sorted(merged.items()) if macs}
    return cost


def _by_part(params: Counter[str], macs: Counter[str]) -> dict[str, dict[str, int]]:
    return {part: {"params": params[part], "macs": macs[part]} for part in sorted(params | macs)}
