"""Count parameters and multiply-adds of every network of a plan: python -m stages.measure_cost --scale paper."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from densemoe.params.atomic import write_json
from densemoe.params.counting import VERSION
from densemoe.params.errors import InputError, allowed
from densemoe.params.files import Params, read_yaml
from densemoe.report.cost_text import costs_text
from densemoe.report.results import Results
from densemoe.report.scale import Scale
from densemoe.train.entry import Entry, read_entry
from stages._command import run


def main() -> None:
    """Write reports/SCALE/costs/KEY.json for every key under `costs` in the plan; show them beside the printed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scale", required=True, help="whose compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--only", help="count this one alone: a run, or RUN__module")
    parser.add_argument("--params", default=Path("params"), type=Path, help="folder of base.yaml (%(default)s)")
    parser.add_argument("--reports", default=Path("reports"), type=Path, help="folder of the reports (%(default)s)")
    args = parser.parse_args()
    Params(args.params).layer("scales", args.scale)  # or a sentence with the scales that there are
    plan = args.params / "plan" / f"{args.scale}.yaml"
    index = read_yaml(plan)
    costs = index["costs"]
    if args.only is not None and args.only not in costs:
        raise InputError(f"{plan}: no '{args.only}' under costs; allowed are {allowed(costs)}.")
    entries = {key: _entry(plan, index, key) for key in ([args.only] if args.only else costs)}
    results = Results.from_index(args.reports, index)
    count(entries, {key: entry["of"] for key, entry in costs.items()}, results)
    if not args.only:
        for stale in set(results.costs.file("any").parent.glob("*.json")) - {results.costs.file(key) for key in costs}:
            stale.unlink()
    scale = Scale.read(plan, args.reports)
    print(costs_text(scale))
    for refusal in scale.results.costs.refusals():
        print(f"refused: {refusal}", file=sys.stderr)


def count(entries: dict[str, Entry], of: dict[str, str], results: Results) -> None:
    """Count networks and write their files; torch, which takes long, is imported only now that all input is known."""
    from densemoe.models.cost import model_cost, module_cost

    for key, entry in tqdm(entries.items(), desc="costs", unit="network", disable=None):
        cost = {"model": model_cost, "module": module_cost}[of[key]](entry.variant, entry.outputs)
        height, width = entry.variant.data.crop
        head = {"scale": entry.scale, "run": entry.run, "of": of[key], "dataset": entry.variant.dataset}
        head |= {"image": {"height": height, "width": width}, "protocol": {"cost": VERSION}}
        write_json(results.costs.file(key), head | cost)


def _entry(plan: Path, index: dict[str, Any], key: str) -> Entry:
    name, protocol = index["costs"][key]["run"], index["costs"][key]["protocol"]
    if protocol != VERSION:
        raise InputError(f"{plan}: costs.{key}.protocol is {protocol}, but this code counts by version {VERSION} only.")
    section = "runs" if name in index["runs"] else "modules"
    return read_entry(plan, index, index[section][name], name)


if __name__ == "__main__":
    run(main)
