"""Progress on a terminal: one bar per step of a command, with speed and remaining time."""

from __future__ import annotations

import sys

from tqdm import tqdm


class Bars:
    """Shows one bar at a time; in a log file only the lines that are said."""

    def __init__(self, name: str):
        self._name, self._step, self._bar = name, "", None

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def images(self, done: int, total: int) -> None:
        """Images done and images in all."""
        self._show("", "image", done, total)

    def bytes(self, step: str, done: int, total: int) -> None:
        """Bytes done and bytes in all of a step; 0 in all when unknown."""
        self._show(step, "B", done, total)

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._close()
        print(text, file=sys.stderr, flush=True)

    def _show(self, step: str, unit: str, done: int, total: int) -> None:
        if self._bar is None or step != self._step:
            self._close()
            # counts from where a fetch goes on, so that the speed is that of today
            first = done if unit == "B" and step == "fetch" else 0
            name = f"{self._name} {step}".strip()
            self._step = step
            self._bar = tqdm(
                desc=name, unit=unit, unit_scale=unit == "B", initial=first, total=total or None, disable=None
            )
        if total:
            self._bar.total = total
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
