"""The committed pages as a code-hosting site shows them: every relative link leads to a file that git has."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def kept(root):
    """Files that git has or would take."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in names if (root / name).is_file()}


def test_every_link_of_the_reports_resolves(root, kept):
    pages = sorted(name for name in kept if name.startswith("reports/") and name.endswith(".md"))
    assert "reports/smoke/README.md" in pages and len(pages) > 22
    links = 0
    for page in pages:
        for link in LINK.findall((root / page).read_text(encoding="utf-8")):
            target = link.partition("#")[0]
            assert "://" not in link and not target.startswith("/"), (page, link)
            path = (Path(page).parent / target).as_posix() if target else page
            path = Path(root / path).resolve().relative_to(root.resolve()).as_posix()
            assert path in kept, (page, link)
            links += 1
    assert links > 200


def test_every_link_of_the_docs_resolves(root, kept):
    pages = sorted(n for n in kept if n.endswith(".md") and not n.startswith(("reports/", "tests/")))
    assert len(pages) >= 9
    for page in pages:
        for link in LINK.findall((root / page).read_text(encoding="utf-8")):
            if "://" not in link and not link.startswith("#"):
                target = (root / page).parent.joinpath(link.partition("#")[0]).resolve()
                # what a benchmark measures is written by hand, on a quiet machine
                measured = target.parent.name == "benchmarks" and (root / "benchmarks" / f"{target.stem}.py").exists()
                assert target.exists() or measured, (page, link)


def test_the_index_reads_well(root):
    """One title, the notice of the scale before any number, tables that are whole."""
    text = (root / "reports/smoke/README.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert [x for x in lines if x.startswith("# ")] == ["# Results at the smoke scale"]
    assert text.index("not comparable with the papers") < text.index("|")
    widths = [x.replace("\\|", "").count("|") for x in lines if x.startswith("|")]
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.M)
    assert len(blocks) == 2 and len(widths) > 100
    for block in blocks:
        rows = block.replace("\\|", "").splitlines()
        assert len({row.count("|") for row in rows}) == 1 and re.fullmatch(r"[|:-]+", rows[1])
