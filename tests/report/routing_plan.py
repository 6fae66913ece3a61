"""Routing statistics by hand: two tasks, three experts, two modules."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

VARIANT = {
    "dataset": "nyud_v2",
    "seed": 0,
    "tasks": ["semseg", "depth"],
    "decoder": {"kind": "mlore", "experts": {"kind": "low_rank", "ranks": [2, 4, 8]}},
}
INDEX = {
    "scale": "smoke",
    "runs": {"run_a": {"title": "A", "variant": VARIANT}, "run_b": {"title": "B", "variant": VARIANT}},
    "routing": {f"{run}__routing": {"run": run, "protocol": 1} for run in ("run_a", "run_b")},
    "measures": {},
    "scores": {},
    "pending": {},
}


def module(first: float) -> dict[str, Any]:
    """Statistics of one module; `first` is how often semseg activates the first expert."""
    shares = {
        "expert_01": {"tasks_0": 0.0, "tasks_1": 0.25, "tasks_2": 0.75},
        "expert_02": {"tasks_0": 0.0, "tasks_1": 0.5, "tasks_2": 0.5},
        "expert_03": {"tasks_0": 0.5, "tasks_1": 0.5, "tasks_2": 0.0},
    }
    return {
        "mean_gate": 0.5,
        "activation": {
            "semseg": {"expert_01": first, "expert_02": 1.0, "expert_03": 1.0 - first},
            "depth": {"expert_01": 1.0, "expert_02": 0.5, "expert_03": 0.5},
        },
        "gate": {"semseg": {"expert_01": 0.4, "expert_02": 0.6}, "depth": {"expert_01": 0.7}},
        "active_in": shares,
        "shared_by_all": {
            "expert_01": {"minimum_gate": 0.3, "below_half": 0.2},
            "expert_02": {"minimum_gate": 0.2, "below_half": 0.8},
        },
    }


def document(run: str = "run_a") -> dict[str, Any]:
    """A routing file that fits the plan."""
    head = {"scale": "smoke", "run": run, "measure": "routing", "dataset": "nyud_v2", "seed": 0, "images": 4}
    tree = {"scale_1": {"module_1": module(0.75), "module_2": module(0.5)}}
    return copy.deepcopy({**head, "protocol": {"routing": 1}, "routing": tree})


def put(reports: Path, content: Any, run: str = "run_a") -> Path:
    """Write a routing file."""
    path = reports / "smoke/routing" / f"{run}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
