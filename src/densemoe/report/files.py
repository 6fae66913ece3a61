"""Where reports lie, and writing them: every file whole or not at all, and none that would not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from densemoe.params.atomic import json_text, write_text
from densemoe.report.csv_table import table_csv
from densemoe.report.html.document import report_html
from densemoe.report.latex import table_latex
from densemoe.report.model import Table
from densemoe.report.scale import Scale
from densemoe.report.tables import table_page, table_path

FORMS: dict[str, Callable[[Table], str]] = {".md": table_page, ".csv": table_csv, ".tex": table_latex}
"""Suffix -> what renders it."""


def table_texts(table: Table, folder: Path) -> dict[Path, str]:
    """Every form of a table, by path below the folder of its scale."""
    return {folder / table_path(table.name, suffix): form(table) for suffix, form in FORMS.items()}


def claims_texts(scale: Scale) -> dict[Path, str]:
    """claims.md and claims.json."""
    claims, folder = scale.claims(), scale.results.folder
    data = {"scale": scale.index["scale"], "claims": claims}
    return {folder / "claims.md": scale.claims_page(claims), folder / "claims.json": json_text(data)}


def index_texts(scale: Scale, failed: Mapping[str, str] | None = None) -> dict[Path, str]:
    """README.md; `failed` maps runs to why their last attempt failed."""
    return {scale.results.folder / "README.md": scale.index_page(failed or {})}


def html_texts(scale: Scale, logs: Path, failed: Mapping[str, str] | None = None) -> dict[Path, str]:
    """report.html; `logs` is the folder of the stages' logs."""
    return {scale.results.folder / "report.html": report_html(scale, logs, failed)}


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write files that are not there yet or differ."""
    for path, text in texts.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


def write_all(scale: Scale, logs: Path, failed: Mapping[str, str] | None = None) -> list[Path]:
    """Write tables, claims, index and HTML report of a scale; all is rendered before anything is written."""
    texts: dict[Path, str] = {}
    for table in scale.tables:
        texts |= table_texts(table, scale.results.folder)
    texts |= claims_texts(scale) | index_texts(scale, failed) | html_texts(scale, logs, failed)
    write_texts(texts)
    return list(texts)
