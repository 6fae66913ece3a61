"""How fast are the mixture-of-experts models beside plain ones? python -m benchmarks.models [--device cuda]

Compared with implementations that loop over tasks and experts in Python and hold the same weights
(benchmarks/plain_mlore.py, benchmarks/plain_task_expert.py); equal outputs are checked first, in float32 and float64.
CPU: seconds of this process, one thread, ours and plain in turn, at the sizes below. CUDA: benchmarks/models_gpu.py.
Results go to reports/benchmarks/models.{json,md}; each run replaces its device's sizes.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from benchmarks import models_gpu, models_report
from benchmarks.plain_mlore import PlainMlore
from benchmarks.plain_task_expert import PlainTaskExpert
from benchmarks.timing import alternate, top_operators, train_step
from densemoe.models import build_model
from densemoe.models.experts import chosen
from densemoe.models.experts.low_rank import LowRankExperts
from densemoe.models.multitask import MultiTaskModel
from densemoe.models.reparameterize import reparameterize
from densemoe.models.routers.noisy_top_k import sparse_gates
from densemoe.params.atomic import write_json, write_text
from densemoe.params.files import Params
from densemoe.params.resolve import Step, resolve

RESULTS = Path("reports/benchmarks/models.json")
PLAIN = {"mlore": PlainMlore, "task_expert": PlainTaskExpert}


@dataclass(frozen=True)
class Size:
    """A network's and a batch's size: a scale of params/, further divided, and pairs of runs to time."""

    scale: str
    batch: int
    pairs: int
    divide: int = 1
    crop: int | None = None
    overrides: dict[str, Any] = field(default_factory=dict)

    def variant(self, params: Params, method: str) -> Any:
        """The headline variant of a method with ViT-B on PASCAL-Context, at this size."""
        step = {"method": method, "dataset": "pascal_context", "backbone": "vit_base"}
        variant = resolve(params, [Step("benchmark", step)], self.scale).variant
        changes: dict[str, Any] = {"encoder.weights": None, **self.overrides}
        if self.divide > 1:
            changes |= {"encoder.width": variant.encoder.width // self.divide, "encoder.heads": 3}
            changes |= _divided(variant.decoder, self.divide)
        if self.crop:
            changes["data.crop"] = [self.crop, self.crop]
        return resolve(params, [Step("benchmark", {**step, **changes})], self.scale).variant


SIZES = {
    "eighth": Size("paper", batch=2, pairs=7, divide=8, crop=256),
    "quarter": Size("paper", batch=1, pairs=3, divide=4, crop=256),
    "smoke": Size("smoke", batch=4, pairs=11),
}


def _divided(decoder: Any, by: int) -> dict[str, Any]:
    if decoder.kind == "mlore":
        return {
            "decoder.channels": decoder.channels // by,
            "decoder.experts.ranks": [rank // by for rank in decoder.experts.ranks],
            "decoder.specific.rank": decoder.specific.rank // by,
        }
    if decoder.kind == "task_expert":
        return {
            "decoder.channels": decoder.channels // by,
            "decoder.head_channels": decoder.head_channels // by,
            "decoder.experts.hidden": decoder.experts.hidden // by,
            "decoder.gate.hidden": decoder.gate.hidden // by,
        }
    return {"decoder.channels": decoder.channels // by}


def build(params: Params, size: Size, method: str) -> MultiTaskModel:
    """Our model with random weights, the same for a size and method."""
    torch.manual_seed(0)
    variant = size.variant(params, method)
    return build_model(variant, params.dataset("pascal_context").outputs, variant.data.crop)


def plain_of(model: MultiTaskModel, method: str) -> MultiTaskModel:
    """The plain model with the weights of ours."""
    return MultiTaskModel(copy.deepcopy(model.backbone), PLAIN[method](model.decoder)).train(model.training)


def image_for(params: Params, size: Size) -> torch.Tensor:
    """A batch of random images."""
    crop = size.variant(params, "mlore").data.crop
    return torch.randn(size.batch, 3, *crop, generator=torch.Generator().manual_seed(1))


def differences(params: Params, size: Size, method: str, dtype: torch.dtype) -> dict[str, float]:
    """Largest difference between ours and plain, in outputs and gradients of training and in outputs of evaluation.

    Gradients are compared at the encoder and relative to the largest: all others of the chain are in them. Without
    the router's noise, which the two draw in different orders.
    """
    model, image = build(params, size, method).to(dtype), image_for(params, size).to(dtype)
    for module in model.modules():
        if hasattr(module, "drop_prob"):
            module.drop_prob = 0.0
    plain, grads, found = plain_of(model, method), [], {}
    with patch("torch.randn_like", torch.zeros_like):
        outputs = [m(image) for m in (model, plain)]
    found["training"] = _largest(outputs)
    for m, output in zip((model, plain), outputs, strict=True):
        loss = sum(p.square().mean() for p in output.predictions.values())
        grads.append(torch.autograd.grad(loss, list(m.backbone.parameters())))
    largest = max(float(g.abs().max()) for g in grads[0])
    found["gradients"] = max(float((a - b).abs().max()) for a, b in zip(*grads, strict=True)) / largest
    model.eval()
    plain = plain_of(model, method)  # with the statistics that the step above left
    with torch.no_grad():
        found["evaluation"] = _largest([model(image), plain(image)])
        if method == "mlore":
            plain.decoder.merge()
            found["merged"] = _largest([reparameterize(model)(image), plain(image)])
    return found


def _largest(outputs: list[Any]) -> float:
    a, b = (o.predictions for o in outputs)
    return max(float((a[task] - b[task]).detach().abs().max()) for task in a)


def check(params: Params, size: Size, method: str) -> dict[str, dict[str, float]]:
    """Differences in both precisions; refuses to go on if they are not those of rounding."""
    found = {}
    for dtype, allowed in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
        name = str(dtype).removeprefix("torch.")
        found[name] = differences(params, size, method, dtype)
        if max(found[name].values()) > allowed:
            raise AssertionError(f"{method}, {name}: ours and plain differ by more than {allowed}: {found[name]}")
    return found


def measure_mlore(params: Params, size: Size) -> dict[str, Any]:
    """Ratios of the whole network and of its parts."""
    model, image, found = build(params, size, "mlore"), image_for(params, size), {}
    plain = plain_of(model, "mlore")
    found["training step"] = alternate(train_step(model, image), train_step(plain, image), size.pairs)
    maps = [m.detach() for m in model.backbone(image)]
    decoders = [nn.Sequential(m.decoder) for m in (model, plain)]
    ours, theirs = (train_step(_OnMaps(d), maps) for d in decoders)
    found["training step, decoder"] = alternate(ours, theirs, size.pairs)

    y = model.decoder.scales[0][0].enter(model.decoder.project[0](maps[0])).detach()  # [B, T*C, H, W]
    tasks = y.chunk(len(model.decoder.heads), dim=1)
    own, other = model.decoder.scales[0][0], plain.decoder.scales[0][0]
    x = y.clone().requires_grad_()
    parts = [part.clone().requires_grad_() for part in tasks]
    found["routers of a module, forward and backward"] = alternate(
        lambda: sum(r.sum() for r in own.router(x)).backward(),
        lambda: sum(r.sum() for router, p in zip(other.router, parts, strict=True) for r in router(p)).backward(),
        2 * size.pairs,
    )
    gates, mix = (r.detach() for r in own.router(y))
    found["paths of a module (experts, generic, specific), forward and backward"] = alternate(
        lambda: own.paths(x, gates, mix).sum().backward(),
        lambda: sum(other.paths(p, gates[:, t], mix[:, t], t).sum() for t, p in enumerate(parts)).backward(),
        2 * size.pairs,
    )
    model.eval()
    with torch.no_grad():
        plain = plain_of(model, "mlore")
        found["evaluation, not merged"] = alternate(lambda: model(image), lambda: plain(image), size.pairs)
        plain.decoder.merge()
        merged, other = reparameterize(model), plain.decoder.scales[0][0]
        found["merged"] = alternate(lambda: merged(image), lambda: plain(image), size.pairs)
        own = merged.decoder.scales[0][0]
        found["merged paths of a module"] = alternate(
            lambda: own.paths(y, gates, mix),
            lambda: [other.merged(p, gates[:, t], mix[:, t], t) for t, p in enumerate(tasks)],
            4 * size.pairs,
        )
        found["merged (ours) beside not merged (plain column: also ours)"] = alternate(
            lambda: merged(image), lambda: model(image), size.pairs
        )
    return found


def measure_chosen() -> dict[str, Any]:
    """Evaluation of a module's experts alone: the 9 chosen of 15 per sample and task beside all 15."""
    found = {}
    for channels, side in ((160, 16), (160, 32), (320, 32)):
        torch.manual_seed(0)
        ranks = tuple(rank * channels // 640 for rank in range(16, 129, 8))
        experts, x = LowRankExperts(channels, ranks, 3).eval(), torch.randn(5, channels, side, side)
        gates = sparse_gates(torch.randn(5, 15), 9, "softmax_then_top_k")

        def run(least: float, experts: nn.Module = experts, x: torch.Tensor = x, gates: torch.Tensor = gates) -> None:
            with patch.object(chosen, "LEAST_WORK", least), torch.no_grad():
                experts(x, gates)

        used = experts.down.weight.numel() * side**2 >= chosen.LEAST_WORK
        name = f"C {channels}, {side}x{side} positions, 5 samples: {'in use' if used else 'not in use'} at this size"
        found[name] = alternate(lambda run=run: run(0), lambda run=run: run(float("inf")), 7)
    return found


class _OnMaps(nn.Module):
    """A decoder that takes the encoder's maps as its one input."""

    def __init__(self, decoder: nn.Sequential):
        super().__init__()
        self.decoder = decoder

    def forward(self, maps: list[torch.Tensor]) -> Any:
        return self.decoder[0](maps)


def measure_cpu(params: Params, sizes: dict[str, Size]) -> dict[str, Any]:
    """All CPU measurements."""
    torch.set_num_threads(1)
    result: dict[str, Any] = {"machine": _machine(), "chosen": measure_chosen(), "sizes": {}}
    for name, size in sizes.items():
        decoder, crop = size.variant(params, "mlore").decoder, size.variant(params, "mlore").data.crop
        entry: dict[str, Any] = {
            "what": f"C {decoder.channels}, ranks {decoder.experts.ranks[0]} to {decoder.experts.ranks[-1]} "
            f"({decoder.experts.count} experts, k {decoder.router.k}), image {crop[0]}x{crop[1]}, batch {size.batch}",
            "differences": {method: check(params, size, method) for method in PLAIN},
            "mlore": measure_mlore(params, size),
        }
        model, image = build(params, size, "task_expert"), image_for(params, size)
        plain = plain_of(model, "task_expert")
        entry["task_expert"] = {
            "training step": alternate(train_step(model, image), train_step(plain, image), size.pairs)
        }
        mlore, baseline = (train_step(build(params, size, m), image) for m in ("mlore", "baseline"))
        entry["beside the baseline"] = alternate(baseline, mlore, size.pairs)
        entry["profile"] = top_operators(train_step(build(params, size, "mlore"), image))
        result["sizes"][name] = entry
    return result


def _machine() -> str:
    return f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, one thread"


def main() -> None:
    """Measure on one device and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    params = Params("params")
    results = json.loads(args.output.read_text(encoding="utf-8")) if args.output.exists() else {}
    if args.device == "cpu":
        sizes = results.get("cpu", {}).get("sizes", {})
        results["cpu"] = measure_cpu(params, {name: SIZES[name] for name in args.sizes})
        results["cpu"]["sizes"] = sizes | results["cpu"]["sizes"]
    elif torch.cuda.is_available():
        results["cuda"] = models_gpu.measure_gpu(params, torch.device("cuda"))
    write_json(args.output, results)
    write_text(args.output.with_suffix(".md"), models_report.markdown(results))
    print(f"{args.output.with_suffix('.md')} is written")


if __name__ == "__main__":
    main()
