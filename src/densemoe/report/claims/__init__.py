"""Claims of the papers, evaluated on numbers. `KINDS` maps the kind of a claim to what evaluates it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from densemoe.report.claims.amounts import difference, lead, ratio
from densemoe.report.claims.best import best
from densemoe.report.claims.better import better
from densemoe.report.claims.close import close
from densemoe.report.claims.judge import Bench, Outcome
from densemoe.report.claims.share import share
from densemoe.report.claims.trend import trend

KINDS: dict[str, Callable[[Any, Bench], Outcome]] = {
    "better": better,
    "best": best,
    "difference": difference,
    "lead": lead,
    "ratio": ratio,
    "share": share,
    "close": close,
    "trend": trend,
}
