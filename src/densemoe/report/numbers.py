"""Numbers as text: ours with the papers' decimals, and the difference from what is printed."""

from __future__ import annotations

import math
from decimal import Decimal

from densemoe.params.metrics import METRICS


def ours(value: float, metric: str, printed: str | None = None) -> str:
    """A measured number with the decimals of its metric, or of the printed number beside it where those are finer.

    A cost below 10 keeps two significant digits: the tiny networks of small scales have 0.07 M parameters, not 0.
    """
    decimals = METRICS[metric].decimals
    if printed is not None:
        decimals = max(decimals, _decimals(printed))
    if METRICS[metric].decimals == 0 and 0 < abs(value) < 10:
        decimals = max(decimals, 1 - math.floor(math.log10(abs(value))))
    return _unsigned_zero(f"{value:.{decimals}f}")


def difference(shown: str, printed: str) -> str:
    """Ours minus printed, both as shown, so that a reader can check it: `+0.12`, `-0.12` or `0.00`."""
    exact = Decimal(shown) - Decimal(printed)
    text = f"{exact:f}"
    return f"+{text}" if exact > 0 else _unsigned_zero(text)


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _unsigned_zero(text: str) -> str:
    return text.removeprefix("-") if float(text) == 0 else text
