"""A reports folder of the committed smoke plan with a little of everything, for the tests of the HTML report."""

from __future__ import annotations

import json
from pathlib import Path

from report_plan import Folder

from densemoe.params.files import read_yaml

TABLE = "mlore/table11"
LABELS = ("k=3", "k=6", "k=9", "k=12", "k=15")
MIOU = (12.34, None, 9.5, 30.25, 100.0)
"""Ours of the rows of the table; None: no file."""
HOSTILE = "</script><script>console.error('run by a log')</script>"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><text x="2" y="15">figure</text></svg>'
CURVE = "step,lr,total,semseg\n0,0.1,4,4\n1,0.05,,2\n2,0.01,2,1\n3,0.0,1,3\n"


def runs_of(plan: Path) -> list[str]:
    """Runs of the rows of the table."""
    index = read_yaml(plan)
    (entry,) = [e for e in index["tables"].values() if e["name"] == TABLE]
    rows = read_yaml(plan.parent / entry["file"])["rows"]
    assert tuple(row["label"] for row in rows) == LABELS
    return [row["cells"]["all"]["run"] for row in rows]


def routed_run(plan: Path) -> str:
    """A run outside the table whose routing the plan measures."""
    return next(e["run"] for e in read_yaml(plan)["routing"].values() if e["run"] not in runs_of(plan))


def _routing(index: dict, run: str) -> dict:
    """A routing file that fits the plan: every task activates every expert in a quarter of the images."""
    variant = index["runs"][run]["variant"]
    experts = [f"expert_{n:02d}" for n in range(1, len(variant["decoder"]["experts"]["ranks"]) + 1)]
    none = {f"tasks_{count}": float(count == 0) for count in range(len(variant["tasks"]) + 1)}
    module = {
        "mean_gate": 0.1,
        "activation": {task: dict.fromkeys(experts, 0.25) for task in variant["tasks"]},
        "gate": {},
        "active_in": dict.fromkeys(experts, none),
        "shared_by_all": {},
    }
    head = {"scale": "smoke", "run": run, "measure": "routing", "seed": 0, "images": 4, "protocol": {"routing": 1}}
    return {**head, "dataset": variant["dataset"], "routing": {"scale_1": {"module_2": module}}}


def fill(reports: Path, plan: Path) -> Path:
    """Metrics, curves, provenance, routing, pictures; returns the folder of logs beside the reports."""
    runs, scale, folder = runs_of(plan), reports / "smoke", Folder(reports)
    for run, value in zip(runs, MIOU, strict=True):
        if value is not None:
            folder.put(run, {"semseg": {"miou": value}})
    provenance = {"commit": "c0ffee", "hours": 0.5, "sessions": [{"step": 0, "dirty": False}], "variant": {"seed": 0}}
    routed = routed_run(plan)
    files = {
        f"curves/{runs[0]}.csv": CURVE,
        f"curves/{runs[2]}.csv": "step,lr\nhalf a li",
        f"provenance/{runs[0]}.json": json.dumps(provenance),
        f"routing/{routed}.json": json.dumps(_routing(read_yaml(plan), routed)),
        f"routing/{runs[2]}.json": "[]",
        f"figures/{TABLE}.svg": SVG,
        f"figures/{TABLE}_curves.svg": SVG,
        "figures/cost_and_gain.svg": SVG,
        f"sheets/{runs[0]}.svg": SVG,
    }
    for name, text in files.items():
        (scale / name).parent.mkdir(parents=True, exist_ok=True)
        (scale / name).write_text(text, encoding="utf-8")
    logs = reports.parent / "logs"
    (logs / "train").mkdir(parents=True)
    (logs / "train" / f"{runs[0]}.log").write_text("early\n" + "step\n" * 25 + HOSTILE, encoding="utf-8")
    return logs
