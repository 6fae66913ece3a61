"""Seconds to render everything from over 300 metrics files: python -m benchmarks.report.

A copy of params/ whose paper scale declares six seeds gives over 300 runs; their metrics files are made up. Each step
is timed in a process of its own that cannot import torch; an interpreter that only imports pandas and SciPy is the
yardstick of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from densemoe.params.atomic import write_text
from densemoe.params.files import Params, read_yaml
from densemoe.params.metrics import METRICS
from densemoe.params.plan import compile_plan, write_plan

ROOT = Path(__file__).resolve().parents[1]
REPORT = Path("reports/benchmarks/report.md")
SEEDS = range(6)
NO_TORCH = "import sys; sys.modules.update(torch=None, timm=None, torchvision=None)\n"
YARDSTICK = "import pandas, scipy.optimize, tabulate"


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--output", default=REPORT, type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan, files = project(folder)
        runs = len(read_yaml(plan)["runs"])
        yardstick = measure(folder, YARDSTICK)
        stage = "import runpy; runpy.run_module('stages.{}', run_name='__main__', alter_sys=True)"
        first = measure(folder, stage.format("render_all"), "--plan", str(plan))
        written = len([p for p in (folder / "reports").rglob("*") if p.suffix in (".md", ".tex", ".html")])
        again = measure(folder, stage.format("render_all"), "--plan", str(plan))
        html = measure(folder, stage.format("render_html"), "--plan", str(plan))
        megabytes = (folder / "reports/paper/report.html").stat().st_size / 1e6
        one = measure(folder, stage.format("render_table"), "--table", "paper_mlore_table11", "--plan", str(plan))
        audit = measure(folder, stage.format("audit"), "--params", str(ROOT / "params"))
    rows = {
        f"everything, {written} pages": first,
        "everything again, nothing to write": again,
        f"the HTML report alone, {megabytes:.1f} MB": html,
        "one table": one,
        "the audit of the printed numbers": audit,
        "yardstick: import pandas and SciPy": yardstick,
    }
    lines = [
        "# Rendering the reports",
        "",
        f"{files} metrics files of {runs} runs with a curve each: every run of the paper scale over six seeds, numbers "
        "made up. No process can import torch. `python -m benchmarks.report`",
        "",
        "| | wall s | CPU s | CPU, yardsticks |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {k} | {wall:.1f} | {cpu:.1f} | {cpu / yardstick[1]:.1f} |" for k, (wall, cpu) in rows.items()),
    ]
    write_text(args.output, "\n".join(lines) + "\n")
    print(args.output.read_text(encoding="utf-8"), end="")


def project(folder: Path, seeds: Iterable[int] = SEEDS) -> tuple[Path, int]:
    """Params with several seeds, compiled, and metrics files. Returns the plan and the number of files."""
    shutil.copytree(ROOT / "params", folder / "params", ignore=shutil.ignore_patterns("plan"))
    scale = folder / "params/scales/paper.yaml"
    write_text(scale, scale.read_text(encoding="utf-8") + f"seeds: {list(seeds)}\n")
    write_plan(compile_plan(Params(folder / "params"), "paper"), folder / "params")
    plan = folder / "params/plan/paper.yaml"
    curves(folder / "reports", read_yaml(plan), random.Random(1))
    return plan, fill(folder / "reports", read_yaml(plan), random.Random(0))


def fill(reports: Path, index: dict, chance: random.Random) -> int:
    """Made-up metrics files for every measure and score of a plan; returns how many."""
    count = 0
    for kind, section, protocol in (("metrics", "measures", "pixel_metrics"), ("boundary", "scores", "boundary")):
        for entry in index[section].values():
            variant = index["runs"][entry["run"]]["variant"]
            metrics: dict[str, dict[str, float]] = {}
            for key in METRICS:
                task, _, metric = key.partition(".")
                if task in variant["tasks"] and (task == "boundary") == (kind == "boundary"):
                    metrics.setdefault(task, {})[metric] = chance.uniform(10, 90)
            head = {"scale": index["scale"], "run": entry["run"], "measure": entry["measure"], "images": 5105}
            head |= {"dataset": variant["dataset"], "seed": variant["seed"], "protocol": {protocol: entry["protocol"]}}
            file = reports / index["scale"] / kind / entry["run"] / f"{entry['measure']}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(head | {"metrics": metrics}), encoding="utf-8")
            count += 1
    return count


def curves(reports: Path, index: dict, chance: random.Random) -> None:
    """A made-up curve for every run, as long as those of long trainings."""
    for run, entry in index["runs"].items():
        columns = ["step", "lr", "total", *entry["variant"]["tasks"]]
        rows = [[step, *(f"{chance.uniform(0, 9):.8g}" for _ in columns[1:])] for step in range(39, 40_000, 40)]
        file = reports / index["scale"] / "curves" / f"{run}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(",".join(map(str, row)) for row in [columns, *rows]) + "\n", encoding="utf-8")


def measure(folder: Path, code: str, *words: str) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", NO_TORCH + code, *words]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, cpu


if __name__ == "__main__":
    main()
