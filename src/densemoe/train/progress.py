"""How far a training or evaluation is: a bar on a terminal, else a line every ten seconds. Imports no torch."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from tqdm import tqdm

EVERY_SECONDS = 10.0
Item = TypeVar("Item")
Progress = Callable[[int, Mapping[str, float]], None]


def training_progress(iterations: int, say: Callable[[str], None]) -> Progress:
    """A function to call after every step with its number and the losses by name; `say` takes the lines."""
    return _Bar(iterations) if sys.stderr.isatty() else _Lines(iterations, say)


def evaluation_progress(say: Callable[[str], None]) -> Callable[[Iterable[Item]], Iterable[Item]]:
    """A wrapper of the loader; `say` takes the lines."""

    def lines(batches: Any) -> Iterator[Item]:
        last = time.monotonic()
        for number, batch in enumerate(batches, 1):
            yield batch
            if time.monotonic() - last >= EVERY_SECONDS:
                last = time.monotonic()
                say(f"batch {number}/{len(batches)}")

    return (lambda batches: tqdm(batches, unit="batch", file=sys.stderr)) if sys.stderr.isatty() else lines


def both(first: Progress, second: Progress) -> Progress:
    """Calls one after the other."""

    def progress(step: int, values: Mapping[str, float]) -> None:
        first(step, values)
        second(step, values)

    return progress


def _losses(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


class _Bar:
    def __init__(self, iterations: int):
        self._iterations = iterations
        self._bar: tqdm | None = None

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        if self._bar is None:  # only the first step tells where a resumed run begins
            self._bar = tqdm(total=self._iterations, initial=step, unit="step", file=sys.stderr)
        self._bar.set_postfix_str(_losses(values), refresh=False)
        self._bar.update()
        if step + 1 == self._iterations:
            self._bar.close()


class _Lines:
    def __init__(self, iterations: int, say: Callable[[str], None]):
        self._iterations, self._say = iterations, say
        self._last = self._began = time.monotonic()
        self._done = 0

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._last < EVERY_SECONDS and step + 1 < self._iterations:
            return
        self._last = now
        per_step = (now - self._began) / self._done
        left = tqdm.format_interval(per_step * (self._iterations - step - 1))
        self._say(f"step {step + 1}/{self._iterations}  {_losses(values)}  {per_step:.3g} s/step  {left} left")
