"""params/tolerances.yaml: how close to a printed number counts as reproduced, per metric, and why."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from densemoe.params.errors import allowed
from densemoe.params.files import parse, read_yaml
from densemoe.params.metrics import METRICS
from densemoe.params.options import Options


class Tolerance(Options):
    """How far a reproduced number may be from the printed one, and how far seeds alone move it."""

    absolute: float | None = Field(default=None, gt=0)
    """In units of the metric."""
    relative: float | None = Field(default=None, gt=0)
    """As a fraction of the printed number."""
    seed_std: float = Field(default=0.0, ge=0)
    """Standard deviation over seeds, assumed wherever fewer than two seeds were trained; in units of the metric."""
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Tolerance:
        if (self.absolute is None) == (self.relative is None):
            raise ValueError("needs exactly one of absolute and relative")
        return self

    def allows(self, printed: float) -> float:
        """The largest difference from a printed number that counts as reproduced."""
        return self.absolute if self.absolute is not None else (self.relative or 0.0) * abs(printed)


class Tolerances(Options):
    """params/tolerances.yaml."""

    noise_factor: float = Field(gt=0)
    """Differences within this many standard deviations are noise."""
    noise_reason: str = Field(min_length=1)
    metrics: dict[str, Tolerance]

    @model_validator(mode="after")
    def _known(self) -> Tolerances:
        if unknown := set(self.metrics) - set(METRICS):
            raise ValueError(f"metrics names {allowed(unknown)}; allowed are {allowed(METRICS)}")
        return self


def read_tolerances(root: Path) -> Tolerances:
    """The tolerances of a folder params/. Raises InputError with one sentence."""
    path = root / "tolerances.yaml"
    return parse(Tolerances, read_yaml(path), str(path))
