"""Stands in for the real stage in engine tests: a number that depends on the maps alone."""

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
announce("score_run", f"{args.run}__{args.measure}")
maps = (Path("runs") / args.run / f"boundary_{args.measure}.zip").read_bytes()
variant = entry(args.plan, "runs", args.run)["variant"]
scale = args.plan.stem
result = {
    "scale": scale,
    "run": args.run,
    "measure": args.measure,
    "dataset": variant["dataset"],
    "seed": variant["seed"],
    "images": 2,
    "protocol": {"boundary": args.protocol},
    "metrics": {"boundary": {"ods_f": int(sha256(maps).hexdigest()[:6], 16) / 1e6}},
}
write(Path(f"reports/{scale}/boundary/{args.run}/{args.measure}.json"), json.dumps(result).encode())
