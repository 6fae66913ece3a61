"""Form, checked by the machine: linters, spelling, and habits that the style argues against."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HABITS = {
    r"\.cuda\(": "the device comes from train/runtime.py",
    r"import \*": "name what is imported",
    r"load_state_dict\(.*strict=False": "loads are strict; surgery is a named function",
    r"NotImplemented": "nothing unfinished is called done",
    r"weights_only=False": "a checkpoint is data, not code",
    r"\b(TODO|FIXME|XXX)\b": "finish it or say so in an issue",
    r"(?<![\w.])/(home|root|work|farm|Users)/": "no absolute path of a machine",
}


def tracked(root: Path) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [root / n for n in names if (root / n).is_file()]


@pytest.mark.parametrize(
    "command", ["ruff check .", "ruff format --check .", "snakefmt --check Snakefile workflow", "codespell"]
)
def test_linter(root, command):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the linters of this environment
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, shell=True, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_habits(root):
    files = [
        p
        for p in tracked(root)
        if p.suffix in (".py", ".smk", ".md", ".yaml", ".toml", ".lock") or p.name in ("Snakefile", "Makefile")
    ]
    assert len(files) > 100
    for path in files:
        if path.name == "test_form.py":
            continue
        text = path.read_text(encoding="utf-8")
        for pattern, reason in HABITS.items():
            assert not (found := re.search(pattern, text)), f"{path}: '{found.group()}': {reason}"


def test_the_lock_names_no_host(root):
    lines = (root / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    assert all("==" in line and "://" not in line for line in lines)


def test_no_file_is_large(root):
    """Weights, shards and archives do not belong into git."""
    large = [p for p in tracked(root) if p.stat().st_size > 1 << 20]
    assert large == []


def test_stages_are_thin(root):
    stages = sorted(p for p in (root / "stages").glob("*.py") if not p.name.startswith("_"))
    assert len(stages) >= 8
    for path in stages:
        code = [x for x in path.read_text(encoding="utf-8").splitlines() if x.strip() and not x.strip().startswith("#")]
        assert len(code) <= 70, f"{path} has {len(code)} lines; move the work into src/"


def test_schemas_are_in_step(root, params):
    from densemoe.params.schemas import schema_texts

    texts = schema_texts(params)
    assert len(texts) == 6
    for name, text in texts.items():
        assert (root / "workflow/schemas" / name).read_text(encoding="utf-8") == text, (
            "run python -m stages.write_schemas"
        )
