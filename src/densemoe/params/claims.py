"""params/claims/<paper>.yaml: sentences of a paper that its numbers decide, as expressions over rows. Typed, closed.

A kind of claim is a class here with its `kind`, a function in `report/claims/` and a line in the registry there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from densemoe.params.errors import InputError
from densemoe.params.files import parse, read_yaml
from densemoe.params.options import Options

RowRef = Annotated[str, Field(pattern=r"^((mlore|taskexpert)/)?(table|figure)\d\d: .+$")]
"""`table02: + GC`: a row by table and label; with `mlore/` in front where it is the other paper's."""

Columns = tuple[str, ...] | Literal["tasks"]
"""Column keys; `tasks` are all columns of the row's table but gain and costs."""

Amounts = dict[str, float]
"""Column -> number."""

IMPLIED_GAIN = "gain.implied"
"""The gain that the printed metrics give (reports/audit.md), instead of the printed one; of ours simply the gain."""


class _Claim(Options):
    """What every claim says of itself."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    section: str
    says: str = Field(min_length=10)
    """A short paraphrase."""
    reading: str = ""
    """How the words became this expression, where that is not obvious."""


class Better(_Claim):
    """A row is better than other rows, in each column by more than `by`."""

    kind: Literal["better"]
    row: RowRef
    than: tuple[RowRef, ...] = Field(min_length=1)
    columns: Columns
    by: float = Field(default=0.0, ge=0)
    at_least: int | None = Field(default=None, ge=1)
    """In so many columns; all by default."""
    at_most: int | None = Field(default=None, ge=0)
    """In no more than so many columns, for sentences that deny an improvement."""

    @model_validator(mode="after")
    def _one_count(self) -> Better:
        if self.at_least is not None and self.at_most is not None:
            raise ValueError("takes at_least or at_most, not both")
        return self


class Best(_Claim):
    """A row is the best, or shares it, among rows or in its whole table."""

    kind: Literal["best"]
    row: RowRef
    among: tuple[RowRef, ...] | Literal["table"] = "table"
    columns: Columns
    at_least: int | None = Field(default=None, ge=1)
    """In so many columns; all by default."""


class _Amount(_Claim):
    """Numbers that a sentence names."""

    about: Amounts = Field(default_factory=dict)
    within: float = Field(default=0.0, ge=0)
    """How far from `about`: beside rounding, and on ours beside the tolerance of the metric."""
    at_least: Amounts = Field(default_factory=dict)
    at_most: Amounts = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some(self) -> _Amount:
        if not (self.about or self.at_least or self.at_most):
            raise ValueError("needs about, at_least or at_most")
        return self


class Difference(_Amount):
    """A row's number minus another row's."""

    kind: Literal["difference"]
    row: RowRef
    minus: RowRef


class Lead(_Amount):
    """How much a row is better than the best of the others: of its table, or of the rows named."""

    kind: Literal["lead"]
    row: RowRef
    over: tuple[RowRef, ...] | Literal["table"] = "table"


class Ratio(_Amount):
    """A row's number divided by another row's; `within` is a fraction of what is named."""

    kind: Literal["ratio"]
    row: RowRef
    over: RowRef


class Share(_Claim):
    """One column divided by another, in every row named."""

    kind: Literal["share"]
    rows: tuple[RowRef, ...] = Field(min_length=1)
    column: str
    over: str
    at_least: float | None = None
    at_most: float | None = None


class Close(_Claim):
    """A row's numbers are those of another up to a fraction."""

    kind: Literal["close"]
    row: RowRef
    to: RowRef
    columns: Columns
    within: float = Field(gt=0)


class Trend(_Claim):
    """One column changes steadily over rows in this order."""

    kind: Literal["trend"]
    rows: tuple[RowRef, ...] = Field(min_length=2)
    column: str
    minus: str | None = None
    """Another column that is taken off first."""
    goes: Literal["better", "worse", "up", "down"]


Claim = Annotated[Better | Best | Difference | Lead | Ratio | Share | Close | Trend, Field(discriminator="kind")]


class ClaimsFile(Options):
    """All claims of one paper."""

    paper: Literal["mlore", "taskexpert"]
    claims: tuple[Claim, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> ClaimsFile:
        ids = [c.id for c in self.claims]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"claim '{name}' stands twice")
        return self


def read_claims(root: Path) -> list[ClaimsFile]:
    """Every file of params/claims, by name. Raises InputError with one sentence."""
    files = []
    for path in sorted((root / "claims").glob("*.yaml")):
        file = parse(ClaimsFile, read_yaml(path), str(path))
        if file.paper != path.stem:
            raise InputError(f"{path}: says paper '{file.paper}'; rename the file or mend it.")
        files.append(file)
    return files
