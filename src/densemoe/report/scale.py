"""Everything that is reported of one scale, from the plan and the metrics files that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densemoe.params.files import read_yaml
from densemoe.params.tolerances import Tolerances, read_tolerances
from densemoe.report.build import build_table
from densemoe.report.index import index_page
from densemoe.report.model import Table
from densemoe.report.results import Results


@dataclass(frozen=True)
class Scale:
    """A compiled plan read whole, its tables with our numbers."""

    index: Mapping[str, Any]
    compiled: list[dict[str, Any]]
    tables: list[Table]
    results: Results
    tolerances: Tolerances
    params: Path

    @classmethod
    def read(cls, plan: Path, reports: Path) -> Scale:
        """From params/plan/<scale>.yaml and the folder that holds one folder of reports per scale."""
        index = read_yaml(plan)
        compiled = [read_yaml(plan.parent / entry["file"]) for entry in index["tables"].values()]
        return cls.of(index, compiled, plan.parent.parent, reports)

    @classmethod
    def of(cls, index: Mapping[str, Any], compiled: list[dict[str, Any]], params: Path, reports: Path) -> Scale:
        """From what the files of a plan hold, the folder params/ and the folder of all reports."""
        results, tolerances = Results.from_index(reports, index), read_tolerances(params)
        tables = [build_table(table, results, tolerances) for table in compiled]
        return cls(index, compiled, tables, results, tolerances, params)

    def claims(self) -> list[dict[str, Any]]:
        """Every claim, evaluated."""
        # here, because claims bring SciPy, which takes a second to import, and most readers of a scale need none
        from densemoe.params.claims import read_claims
        from densemoe.report.claims.report import evaluate_claims

        return evaluate_claims(read_claims(self.params), self.compiled, self.tables, self.tolerances)

    def claims_page(self, claims: list[dict[str, Any]]) -> str:
        """Markdown of claims.md."""
        from densemoe.report.claims.report import claims_page

        return claims_page(claims, self.index["scale"])

    def index_page(self, failed: Mapping[str, str]) -> str:
        """Markdown of the README."""
        return index_page(self.index, self.tables, self.results, failed)
