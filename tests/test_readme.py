"""The README's commands exist, and what it counts is so."""

from __future__ import annotations

import importlib.util
import re

from tests.params.test_plan import BUILT, RUNS
from tests.params.test_tables import NUMBERS, ROWS


def test_commands_and_links_exist(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^(\w[\w-]*):", (root / "Makefile").read_text(encoding="utf-8"), re.M)
    made = set(re.findall(r"\bmake ([a-z][a-z-]*)\b", text)) - {"for"}
    assert {"reproduce", "test"} <= made <= set(targets)
    modules = set(re.findall(r"python -m ([\w.]+)", text))
    assert len(modules) >= 3
    assert all(importlib.util.find_spec(module) for module in modules)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert len(links) >= 5
    assert all((root / link).exists() for link in links), links
    assert len(text[: text.index("## See before you run")].splitlines()) < 30  # the first screen


def test_counts_are_those_of_the_plan(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    assert f"({ROWS} rows, {NUMBERS} printed numbers)" in text
    assert f"{BUILT} of {RUNS} distinct runs" in text
