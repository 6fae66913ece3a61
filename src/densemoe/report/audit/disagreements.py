"""Rows of one paper that are the same model measured the same way, yet print different numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Disagreement:
    """One column of one model; `printed` maps each number to the rows that print it, in the order of the tables."""

    paper: str
    run: str
    title: str
    column: str
    printed: dict[str, tuple[str, ...]]

    @property
    def spread(self) -> float:
        """Largest minus smallest number."""
        values = [float(text) for text in self.printed]
        return max(values) - min(values)


def disagreements(tables: Iterable[Mapping[str, Any]], titles: Mapping[str, str]) -> list[Disagreement]:
    """All of them, the most often printed number first.

    Args:
        tables: compiled tables of the paper scale: rows with the same run are the same model.
        titles: run -> title.
    """
    seen: dict[tuple[str, str, str, str], dict[str, list[str]]] = {}
    for table in tables:
        if "figure" in table["source"]:
            continue  # it plots what the tables print
        for row in table["rows"]:
            for column, text in row["paper"].items():
                group, _, metric = column.rpartition("/")
                cell = row["cells"][group or "all"]
                key = (table["source"]["paper"], cell["run"], cell["measure"], metric)
                # 81.4 and 81.40 are the same number; 13.7 beside 13.66 is not
                seen.setdefault(key, {}).setdefault(text, []).append(f"{table['name']}: {row['label']}")
    found = []
    for (paper, run, _, metric), by_text in seen.items():
        if len({float(text) for text in by_text}) > 1:
            ordered = sorted(by_text.items(), key=lambda item: -len(item[1]))
            printed = {text: tuple(rows) for text, rows in ordered}
            found.append(Disagreement(paper, run, titles[run], metric, printed))
    return found
