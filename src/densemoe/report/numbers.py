"""Numbers as text: ours with the papers' decimals, and how far it is from what is printed."""

from __future__ import annotations

import math
from decimal import Decimal

from densemoe.params.counting import COST_PREFIX
from densemoe.params.metrics import METRICS


def ours(value: float, metric: str, printed: str | None = None) -> str:
    """A measured number with the decimals of its metric, or of the printed number beside it where those are finer.

    A small cost keeps two significant digits: the tiny networks of small scales have 0.0072 M parameters, not 0.01.
    """
    decimals = METRICS[metric].decimals
    if printed is not None:
        decimals = max(decimals, _decimals(printed))
    if metric.startswith(COST_PREFIX) and 0 < abs(value) < 1:
        decimals = max(decimals, 1 - math.floor(math.log10(abs(value))))
    return _unsigned_zero(f"{value:.{decimals}f}")


def as_printed(value: float, printed: str | None, metric: str) -> str:
    """A number with exactly the decimals of the printed one beside it; without one, as `ours`."""
    return ours(value, metric) if printed is None else _unsigned_zero(f"{value:.{_decimals(printed)}f}")


def difference(shown: str, printed: str) -> str:
    """Ours minus printed, both as shown, so that a reader can check it: `+0.12`, `-0.12` or `0.00`."""
    exact = Decimal(shown) - Decimal(printed)
    text = f"{exact:f}"
    return f"+{text}" if exact > 0 else _unsigned_zero(text)


def residual(shown: str, printed: str) -> str:
    """Ours over printed less one, both as shown, in per cent: `-0.05 %`."""
    share = 100 * (Decimal(shown) / Decimal(printed) - 1)
    text = _unsigned_zero(f"{share:.2f}")
    return f"+{text} %" if float(text) > 0 else f"{text} %"


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _unsigned_zero(text: str) -> str:
    return text.removeprefix("-") if float(text) == 0 else text
