"""Stands in for the real stage in engine tests: numbers that depend on the run's name alone."""

import argparse
import json
from hashlib import sha256
from pathlib import Path

from stages._fake import announce, entry, write

parser = argparse.ArgumentParser()
parser.add_argument("--run", required=True)
parser.add_argument("--measure", required=True)
parser.add_argument("--protocol", required=True, type=int)
parser.add_argument("--plan", required=True, type=Path)
parser.add_argument("--workers", type=int)
args = parser.parse_args()
announce("evaluate", f"{args.run}__{args.measure}")
weights = (Path("runs") / args.run / "model.safetensors").read_bytes()
variant = entry(args.plan, "runs", args.run)["variant"]
scale = args.plan.stem
number = int(sha256(weights).hexdigest()[:6], 16) / 1e6
keys = {"semseg": "miou", "human_parts": "miou", "saliency": "max_f", "normals": "mean_deg", "depth": "rmse"}
result = {
    "scale": scale,
    "run": args.run,
    "measure": args.measure,
    "dataset": variant["dataset"],
    "seed": variant["seed"],
    "images": 2,
    "protocol": {"pixel_metrics": args.protocol},
    "metrics": {task: {keys[task]: number} for task in variant["tasks"] if task in keys},
}
write(Path("runs") / args.run / f"boundary_{args.measure}.zip", weights[:100])
write(Path(f"reports/{scale}/metrics/{args.run}/{args.measure}.json"), json.dumps(result).encode())
