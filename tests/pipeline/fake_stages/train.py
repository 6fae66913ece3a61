"""Stands in for the real stage in engine tests: the weights say what they were trained with."""

import argparse
import json
from pathlib import Path

from stages._fake import announce, entry, write

parser = argparse.ArgumentParser()
parser.add_argument("--run", required=True)
parser.add_argument("--plan", required=True, type=Path)
parser.add_argument("--workers", type=int)
args = parser.parse_args()
announce("train", args.run)
run = entry(args.plan, "runs", args.run)
assert (Path("data/packed") / run["data"] / "train" / "shard").is_file()
scale = args.plan.stem
# above one megabyte, Snakemake compares time stamps only
write(Path("runs") / args.run / "model.safetensors", (args.run.encode() * 40_000)[:1_100_000])
write(Path(f"reports/{scale}/curves/{args.run}.csv"), b"step,total\n1,2.0\n2,1.0\n")
write(Path(f"reports/{scale}/provenance/{args.run}.json"), json.dumps({"run": args.run}).encode())
