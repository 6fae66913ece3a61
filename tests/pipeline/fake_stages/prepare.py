"""Stands in for the real stage in engine tests."""

import argparse
from pathlib import Path

from stages._fake import announce, write

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--plan", required=True, type=Path)
parser.add_argument("--workers", type=int)
parser.add_argument("--codec")
args = parser.parse_args()
announce("prepare", args.data)
raw = (Path("data/raw") / args.data / "images.txt").read_bytes()
for split in ("train", "val"):
    write(Path("data/packed") / args.data / split / "shard", raw)
