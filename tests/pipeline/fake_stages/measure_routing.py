"""Stands in for the real stage in engine tests: one number that depends on the weights alone."""

import argparse
import json
from hashlib import sha256
from pathlib import Path

from stages._fake import announce, entry, write

parser = argparse.ArgumentParser()
parser.add_argument("--run", required=True)
parser.add_argument("--protocol", required=True, type=int)
parser.add_argument("--plan", required=True, type=Path)
parser.add_argument("--workers", type=int)
args = parser.parse_args()
announce("measure_routing", f"{args.run}__routing")
weights = (Path("runs") / args.run / "model.safetensors").read_bytes()
variant = entry(args.plan, "runs", args.run)["variant"]
scale = args.plan.stem
result = {
    "scale": scale,
    "run": args.run,
    "measure": "routing",
    "dataset": variant["dataset"],
    "seed": variant["seed"],
    "images": 2,
    "protocol": {"routing": args.protocol},
    "routing": {"scale_1": {"module_1": {"mean_gate": int(sha256(weights).hexdigest()[:6], 16) / 1e8}}},
}
write(Path(f"reports/{scale}/routing/{args.run}.json"), json.dumps(result).encode())
