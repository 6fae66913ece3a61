"""Where reports lie, and writing them: every file whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from densemoe.params.atomic import write_text
from densemoe.report.csv_table import table_csv
from densemoe.report.latex import table_latex
from densemoe.report.model import Table
from densemoe.report.tables import table_page, table_path

FORMS: dict[str, Callable[[Table], str]] = {".md": table_page, ".csv": table_csv, ".tex": table_latex}
"""Suffix -> what renders it."""


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write a table in every form below the folder of its scale; returns the paths. All are rendered before one is."""
    texts = {folder / table_path(table.name, suffix): form(table) for suffix, form in FORMS.items()}
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)
