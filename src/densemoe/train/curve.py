"""The training curve as CSV: deterministic text without any time, at most about a thousand rows. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ROWS = 1000


class Curve:
    """Columns `step`, `lr` and the given ones.

    A row covers ceil(iterations / ROWS) steps: `step` and `lr` are those of the last, the others are means. Short runs
    thus have a row for every step, and a long one stays small enough to be committed.
    """

    def __init__(self, columns: Sequence[str], iterations: int):
        self.columns = list(columns)
        self._iterations = iterations
        self._interval = -(-iterations // ROWS)
        self._lines = [",".join(["step", "lr", *self.columns])]
        self._waiting: list[list[float]] = []

    def add(self, step: int, lr: float, values: Mapping[str, float]) -> None:
        """Count one step. Steps come in order, from 0 to iterations - 1."""
        self._waiting.append([values[column] for column in self.columns])
        if (step + 1) % self._interval and step + 1 < self._iterations:
            return
        means = [sum(numbers) / len(self._waiting) for numbers in zip(*self._waiting, strict=True)]
        self._lines.append(",".join([str(step), *(f"{number:.8g}" for number in (lr, *means))]))
        self._waiting = []

    @property
    def text(self) -> str:
        """The CSV so far."""
        return "\n".join(self._lines) + "\n"

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on with the same text."""
        return {"lines": list(self._lines), "waiting": [list(numbers) for numbers in self._waiting]}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`. Raises ValueError when its columns are others."""
        if state["lines"][0] != self._lines[0]:
            raise ValueError(f"the curve has the columns {state['lines'][0]}, not {self._lines[0]}")
        self._lines = list(state["lines"])
        self._waiting = [list(numbers) for numbers in state["waiting"]]


def with_sessions(text: str, starts: Sequence[int]) -> str:
    """A curve with one more column, `session`: how often the training had been taken up again when a row was written.

    Args:
        text: of a `Curve`.
        starts: the step at which each process began that trained the run, the first one (0) first.

    """
    head, *rows = text.splitlines()
    numbers = (sum(start <= int(row.partition(",")[0]) for start in starts[1:]) for row in rows)
    return "\n".join([f"{head},session", *(f"{row},{n}" for row, n in zip(rows, numbers, strict=True))]) + "\n"
