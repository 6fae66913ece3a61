"""Ending a training between two steps when a signal asks for it. Imports no torch."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class TrainingStopped(Exception):
    """A signal ended the training before its last step; its text is a sentence for the user."""

    def __init__(self, number: int, text: str):
        super().__init__(text)
        self.number = number
        """The signal."""
        self.exit_code = 128 + number
        """What a shell gives for a process ended by this signal, e.g. 143 for SIGTERM."""


class StopSignals:
    """Context manager that takes note of SIGTERM, SIGINT and SIGUSR1 instead of dying of them.

    The same signal a second time does what it did before: Ctrl-C twice stops at once.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def name(self) -> str:
        """Name of the signal, e.g. SIGTERM."""
        return signal.Signals(self.received).name if self.received else ""

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        signal.signal(number, self._before[number])
