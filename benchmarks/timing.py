"""Two pieces of work timed in turn, and a table of where time goes: shared by the benchmarks of the models."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

Work = Callable[[], Any]


def alternate(ours: Work, plain: Work, pairs: int) -> dict[str, Any]:
    """CPU seconds of this process for both, in turn, and how many times longer `plain` takes in each pair.

    On a shared machine single times mean little; neighbouring ones are slowed alike, so the ratio is what to read.
    The clock adds up threads: with one thread it is the time of the work.
    """
    ours()
    plain()  # first calls choose algorithms and allocate
    times: list[tuple[float, float]] = []
    for _ in range(pairs):
        start = time.process_time()
        ours()
        middle = time.process_time()
        plain()
        times.append((middle - start, time.process_time() - middle))
    ratios = [plain_seconds / own for own, plain_seconds in times]
    return {
        "ours_ms": 1e3 * median(own for own, _ in times),
        "plain_ms": 1e3 * median(other for _, other in times),
        "ratio": median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "pairs": pairs,
    }


def top_operators(work: Work, count: int = 12) -> list[dict[str, Any]]:
    """The operators that take most time themselves in one call, as shares of all operators' time."""
    work()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True, acc_events=True) as found:
        work()
    total = sum(e.self_cpu_time_total for e in found.key_averages())
    events = sorted(found.key_averages(group_by_input_shape=True), key=lambda e: -e.self_cpu_time_total)
    return [
        {
            "operator": e.key,
            "shapes": " ".join(
                "x".join(map(str, s)) for s in e.input_shapes if s and all(isinstance(n, int) for n in s)
            ),
            "calls": e.count,
            "share": e.self_cpu_time_total / total,
        }
        for e in events[:count]
    ]


def train_step(model: torch.nn.Module, image: torch.Tensor, learning_rate: float = 1e-5) -> Work:
    """One training step of a model with Adam: forward, a simple loss over all predictions, backward, update."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)

    def step() -> None:
        output = model(image)
        loss = sum(p.float().square().mean() for p in output.predictions.values())
        if output.balance is not None:
            loss = loss + 1e-4 * output.balance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step
