"""Stands in for the real stage in engine tests: counts that depend on the runs' names alone."""

import argparse
import json
from pathlib import Path

import yaml
from stages._fake import announce, write

parser = argparse.ArgumentParser()
parser.add_argument("--scale", required=True)
scale = parser.parse_args().scale
announce("measure_cost", scale)
plan = yaml.load(Path(f"params/plan/{scale}.yaml").read_text(), Loader=yaml.CSafeLoader)
for key, cost in plan["costs"].items():
    count = len(key)
    result = {
        "scale": scale,
        "run": cost["run"],
        "of": cost["of"],
        "dataset": plan["runs"][cost["run"]]["variant"]["dataset"],
        "image": {"height": 64, "width": 64},
        "protocol": {"cost": cost["protocol"]},
        "params": {"used": count},
        "macs": {"plain": count},
        "parts": {"plain": {"encoder": {"params": count, "macs": count}}},
    }
    write(Path(f"reports/{scale}/costs/{key}.json"), json.dumps(result).encode())
