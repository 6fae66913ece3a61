"""Which outputs Snakemake itself made: its records under .snakemake/, one file per output, named after its path."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from pathlib import Path


def _lies_under(root: Path, kind: str, path: str) -> bool:
    # longer names would be split into folders; NAME_MAX is 255 and the longest of ours about 150
    return (root / ".snakemake" / kind / urlsafe_b64encode(path.encode()).decode()).exists()


def is_recorded(root: Path, path: str) -> bool:
    """Whether Snakemake finished a job that made this output (or was told by `adopt` that it is current)."""
    return _lies_under(root, "metadata", path)


def is_started(root: Path, path: str) -> bool:
    """Whether a job that makes this output was started and never ended: Snakemake runs it again."""
    return _lies_under(root, "incomplete", path)


def is_foreign(root: Path, path: str) -> bool:
    """Whether the output exists, but Snakemake did not make it: it came with git, `dvc pull` or `dvc repro`."""
    return (root / path).exists() and not is_recorded(root, path) and not is_started(root, path)
