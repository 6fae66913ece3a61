"""Cost files of one scale: read, checked against the plan, refused by name; what a cell shows of them, and how counted.

`reports/<scale>/costs/<key>.json` holds scale, run, of (model or module), dataset, image, `"protocol": {"cost": 1}`,
`params` and `macs` by convention, and `parts`. Whole numbers throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from densemoe.params.errors import InputError
from densemoe.params.files import parse
from densemoe.params.options import Options
from densemoe.report.documents import check_said, read_document

FOLDER = "costs"
FITTED = "fitted"
"""The formula of MLoRE Table 1 instead of the counted module."""

_KEYS = ("scale", "run", "of", "dataset", "protocol")
_UNITS = {"2^30": 2**30, "10^9": 10**9}
_FORMS = {
    "plain": "of the network as it is trained and evaluated",
    "top_k": "with only the k chosen experts of every task executed",
    "merged": (
        "of the re-parameterised network: one convolution per task in place of all paths of a module; building its "
        "kernel from the gates is not counted"
    ),
}
_PARAMS = {
    "used": "#Param: what the network uses, not re-parameterised.",
    "with_second_heads": (
        "#Param: what the network uses, and a second set of heads that the released model builds and never uses; the "
        "printed number includes it."
    ),
    "with_unused_modules": (
        "#Param: what the network uses, and a second set of heads and of fusion projections that the released model "
        "builds and never uses; the printed number includes them."
    ),
    "encoder": "#Param: of the encoder alone, as in the printed number.",
}


Count = Annotated[int, Field(ge=0)]


class CostFile(Options):
    """Content of a cost file."""

    scale: str
    run: str
    of: str
    dataset: str
    image: dict[Literal["height", "width"], PositiveInt]
    protocol: dict[str, int]
    params: dict[str, Count]
    """By convention."""
    macs: dict[str, Count]
    """By form; `kernel_mixing` is in none of them."""
    parts: dict[str, dict[str, dict[Literal["params", "macs"], Count]]]
    """Form -> part -> counts, which add up to the sums."""
    fitted: dict[Literal["params", "macs"], Count] | None = None


@dataclass(frozen=True)
class ExpectedCost:
    """What the plan says about one cost file."""

    run: str
    of: str
    dataset: str
    protocol: int


class Costs:
    """All cost files that a plan expects, each read once, when it is first asked for."""

    def __init__(self, reports: Path, scale: str, expected: Mapping[str, ExpectedCost]):
        self.reports, self.scale, self.expected = reports, scale, expected
        self._read: dict[str, CostFile | None] = {}
        self._refused: dict[str, str] = {}

    @classmethod
    def from_index(cls, reports: Path, index: Mapping[str, Any]) -> Costs:
        """Costs that the index of a compiled plan expects."""
        variants = {name: entry["variant"] for name, entry in (index["modules"] | index["runs"]).items()}
        expected = {
            key: ExpectedCost(entry["run"], entry["of"], variants[entry["run"]]["dataset"], entry["protocol"])
            for key, entry in index["costs"].items()
        }
        return cls(reports, index["scale"], expected)

    def file(self, key: str) -> Path:
        """Where a cost file lies, whether it is there or not."""
        return self.reports / self.scale / FOLDER / f"{key}.json"

    def protocols(self) -> list[int]:
        """Versions that the plan names."""
        return sorted({e.protocol for e in self.expected.values()})

    def get(self, key: str) -> CostFile | None:
        """The accepted content of a file; None when it is missing, refused or not planned."""
        if key not in self.expected:
            return None
        if key not in self._read:
            try:
                self._read[key] = self._load(key)
            except InputError as error:
                self._read[key] = None
                self._refused[key] = str(error)
        return self._read[key]

    def refusal(self, key: str) -> str | None:
        """The sentence that says why a file is refused."""
        self.get(key)
        return self._refused.get(key)

    def refusals(self) -> list[str]:
        """Sentences on all refused files that were asked for, in the order of their names."""
        return [self._refused[key] for key in sorted(self._refused)]

    def value(self, cost: Mapping[str, str], metric: str, source: str = "counted") -> float | None:
        """What a cell shows in one column, in its unit; None when there is no such number.

        Args:
            cost: of a compiled cell: key of the file and conventions.
            metric: cost.macs or cost.params_m.
            source: counted, or FITTED.
        """
        document = self.get(cost["key"])
        what = "macs" if metric == "cost.macs" else "params"
        if document is None:
            count = None
        elif source == FITTED:
            count = (document.fitted or {}).get(what)
        else:
            count = getattr(document, what).get(cost[what])
        unit = _UNITS[cost["unit"]] if what == "macs" else 10**6
        return None if count is None else count / unit

    def _load(self, key: str) -> CostFile | None:
        file, expected = self.file(key), self.expected[key]
        name = file.relative_to(self.reports.parent).as_posix()
        data = read_document(file, name, _KEYS)
        if data is None:
            return None
        said_by = {"scale": ("path", self.scale), "run": ("plan", expected.run), "of": ("plan", expected.of)}
        said_by |= {"dataset": ("plan", expected.dataset), "protocol": ("plan", {"cost": expected.protocol})}
        check_said(name, data, said_by)
        document = parse(CostFile, data, name)
        _check_sums(name, document)
        return document


def footnote(cost: Mapping[str, str], metric: str) -> str:
    """How the number that a cell shows in a cost column is counted."""
    if metric == "cost.params_m":
        return _PARAMS[cost["params"]]
    return (
        f"Multiply-adds of one image, in units of {cost['unit']}, {_FORMS[cost['macs']]}. Attention is counted; "
        "normalisation, activations, softmax and resizing are not."
    )


def _check_sums(name: str, document: CostFile) -> None:
    """Raises InputError unless the parts add up to the sums."""
    for sums, key in ((document.params, "used"), (document.macs, "plain")):
        if key not in sums:
            raise InputError(f"{name}: the count '{key}' is missing; delete it and count again.")
    totals = {("plain", "params"): document.params["used"]}
    totals |= {(form, "macs"): document.macs.get(form) for form in ("plain", *document.parts)}
    for (form, what), total in totals.items():
        found = sum(part.get(what, 0) for part in document.parts.get(form, {}).values())
        if found != total:
            raise InputError(f"{name}: the {what} of parts.{form} add up to {found}, not {total}; count it again.")
