"""Stands in for the real stage in engine tests: the same command line and outputs, no scenes."""

import argparse
from pathlib import Path

from stages._fake import announce, entry

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--plan", required=True, type=Path)
args = parser.parse_args()
announce("get_data", args.data)
folder = Path("data/raw") / args.data
folder.mkdir(parents=True)
(folder / "images.txt").write_text(str(entry(args.plan, "data", args.data)["options"]))
