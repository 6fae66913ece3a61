"""GPU part of benchmarks/models.py: ViT-B MLoRE at 512x512, batch 4, ours and plain, in fp32, TF32 and bf16.

Per mode: median time of a training step, peak memory, and the share of the rate that a large square matrix product
reaches on the same machine in the same mode. The work of a step is counted as published for both: three times the
un-merged forward multiply-adds of the network as its authors write it (backward counted as twice the forward). Our
heads do the same sum with fewer, so our share is that of a network doing all of them, not a use of the hardware.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_mlore import PlainMlore
from benchmarks.timing import train_step
from densemoe.models import build_model
from densemoe.models.multitask import MultiTaskModel
from densemoe.params.files import Params
from densemoe.params.resolve import Step, resolve

MODES = ("fp32", "TF32", "bf16")


@dataclass(frozen=True)
class GpuSize:
    """What is measured; the tests make it tiny."""

    scale: str = "paper"
    batch: int = 4
    steps: int = 10
    matrix: int = 8192


def measure_gpu(params: Params, device: torch.device, size: GpuSize | None = None) -> dict[str, Any]:
    """All modes on one device; peak memory is None where the device is no GPU."""
    size = size or GpuSize()
    gpu = device.type == "cuda"
    step = {"method": "mlore", "dataset": "pascal_context", "backbone": "vit_base", "encoder.weights": None}
    variant = resolve(params, [Step("benchmark", step)], size.scale).variant
    outputs = params.dataset("pascal_context").outputs
    with torch.device("meta"):
        counted = build_model(variant, outputs, variant.data.crop).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            counted(torch.empty(1, 3, *variant.data.crop))
    work = 3 * size.batch * counter.get_total_flops()
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name(device) if gpu else "CPU, to try the code: not a measurement",
        "torch": torch.__version__,
        "image": "x".join(map(str, variant.data.crop)),
        "batch": size.batch,
        "step_flop": work,
        "modes": {},
    }
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for mode in MODES:
            for switch in switches:
                switch.allow_tf32 = mode == "TF32"
            found["modes"][mode] = _measure_mode(variant, outputs, device, mode, size, work)
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value
    return found


def _measure_mode(
    variant: Any, outputs: dict[str, int], device: torch.device, mode: str, size: GpuSize, work: int
) -> dict[str, Any]:
    rate = matmul_rate(device, mode, size.matrix)
    entry: dict[str, Any] = {"matmul_tflops": rate / 1e12}
    gpu = device.type == "cuda"
    for name in ("ours", "plain"):
        torch.manual_seed(0)
        model = build_model(variant, outputs, variant.data.crop)
        if name == "plain":
            model = MultiTaskModel(model.backbone, PlainMlore(model.decoder))
        model = model.to(device).train()
        image = torch.randn(size.batch, 3, *variant.data.crop, device=device)
        if gpu:
            torch.cuda.reset_peak_memory_stats(device)
        seconds = _seconds(_cast(train_step(model, image), device, mode), device, size.steps)
        entry[name] = {
            "step_ms": 1e3 * seconds,
            "peak_gib": torch.cuda.max_memory_allocated(device) / 2**30 if gpu else None,
            "share_of_matmul": work / seconds / rate,
        }
        del model
    return entry


def matmul_rate(device: torch.device, mode: str, n: int) -> float:
    """Floating-point operations a second of an n x n matrix product."""
    dtype = torch.bfloat16 if mode == "bf16" else torch.float32
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    return 2 * n**3 / _seconds(lambda: a @ b, device, 10)


def _cast(step: Callable[[], None], device: torch.device, mode: str) -> Callable[[], None]:
    def run() -> None:
        with torch.autocast(device.type, torch.bfloat16) if mode == "bf16" else nullcontext():
            step()

    return run


def _seconds(work: Callable[[], Any], device: torch.device, repeats: int) -> float:
    """Median time of one call, after three that do not count."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    times = []
    for number in range(repeats + 3):
        wait()
        start = time.perf_counter()
        work()
        wait()
        if number >= 3:
            times.append(time.perf_counter() - start)
    return median(times)
