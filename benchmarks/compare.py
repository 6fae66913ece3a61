"""Seconds to compare two commits at the size of the paper scale with three seeds: python -m benchmarks.compare.

Every number of the second commit is another one, so that nothing can be skipped. Each step is timed in a process of its
own that cannot import torch; an interpreter that only imports pandas and SciPy is the yardstick of the machine.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

import pygit2

from benchmarks.report import YARDSTICK, fill, measure, project
from densemoe.params.atomic import write_json, write_text
from densemoe.params.files import read_yaml

REPORT = Path("reports/benchmarks/compare.md")
SEEDS = range(3)
COMPARE = """
import runpy
try:
    runpy.run_module('stages.compare', run_name='__main__', alter_sys=True)
except SystemExit as ended:
    assert ended.code == 1, ended.code  # numbers are worse
"""


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--output", default=REPORT, type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan, files = project(folder, SEEDS)
        index = read_yaml(plan)
        records(folder / "reports/paper/provenance", index)
        costs(folder / "reports/paper/costs", index, random.Random(0))
        commit(folder)
        fill(folder / "reports", index, random.Random(1))
        costs(folder / "reports/paper/costs", index, random.Random(1))
        yardstick = measure(folder, YARDSTICK)
        rows = {"a commit against the working tree": measure(folder, COMPARE, "HEAD")}
        commit(folder)
        rows |= {
            f"two commits, {form}": measure(folder, COMPARE, "HEAD~1", "HEAD", "--format", form)
            for form in ("text", "markdown", "json")
        }
    rows["yardstick: import pandas and SciPy"] = yardstick
    lines = [
        "# Comparing two commits",
        "",
        f"{files} metrics files and {len(index['costs'])} cost files of {len(index['runs'])} runs: every run of the "
        "paper scale over three seeds, numbers made up, each another one in the second commit. No process can import "
        "torch. "
        "`python -m benchmarks.compare`",
        "",
        "| | wall s | CPU s | CPU, yardsticks |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {k} | {wall:.1f} | {cpu:.1f} | {cpu / yardstick[1]:.1f} |" for k, (wall, cpu) in rows.items()),
    ]
    write_text(args.output, "\n".join(lines) + "\n")
    print(args.output.read_text(encoding="utf-8"), end="")


def records(folder: Path, index: dict) -> None:
    """A made-up record of training for every run."""
    for run, entry in index["runs"].items():
        record = {"run": run, "scale": "paper", "commit": "0" * 40, "dirty": False, "variant": entry["variant"]}
        write_json(folder / f"{run}.json", record)


def costs(folder: Path, index: dict, chance: random.Random) -> None:
    """Made-up counts of every network and module of a plan."""
    variants = {run: entry["variant"] for run, entry in (index["modules"] | index["runs"]).items()}
    for key, entry in index["costs"].items():
        params, macs = chance.randrange(10**8, 10**9), chance.randrange(10**11, 10**12)
        content = {"scale": "paper", "run": entry["run"], "of": entry["of"], "protocol": {"cost": entry["protocol"]}}
        content |= {"dataset": variants[entry["run"]]["dataset"], "image": {"height": 512, "width": 512}}
        content |= {"params": dict.fromkeys(("used", "with_second_heads", "with_unused_modules", "encoder"), params)}
        content |= {"macs": dict.fromkeys(("plain", "top_k", "merged"), macs)}
        content |= {"parts": {form: {"all": {"params": params, "macs": macs}} for form in ("plain", "merged")}}
        write_json(folder / f"{key}.json", content)


def commit(folder: Path) -> None:
    """Everything that is there."""
    repository = pygit2.init_repository(folder)
    repository.index.add_all()
    repository.index.write()
    who = pygit2.Signature("benchmark", "benchmark@localhost")
    parents = [] if repository.head_is_unborn else [repository.head.target]
    repository.create_commit("HEAD", who, who, "", repository.index.write_tree(), parents)


if __name__ == "__main__":
    main()
