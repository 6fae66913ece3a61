"""Render tables, claims, index and HTML report of a scale from the metrics files that are there, in one process.

What is missing is shown as missing; files that would not change are left alone. Prints the paths of all reports.
"""

import argparse
import json
import sys
from pathlib import Path

from densemoe.report.files import write_all
from densemoe.report.scale import Scale
from stages._command import run


def main() -> None:
    """Parse, render, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="compiled plan, e.g. params/plan/smoke.yaml")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    parser.add_argument("--logs", type=Path, default=Path("runs/logs"), help="folder of the logs (%(default)s)")
    parser.add_argument("--failed", type=Path, help="JSON file for the index: run -> why it failed")
    args = parser.parse_args()
    scale = Scale.read(args.plan, args.reports)
    failed = json.loads(args.failed.read_text(encoding="utf-8")) if args.failed else {}
    for path in write_all(scale, args.logs, failed):
        print(path.as_posix())
    for refusal in scale.results.refusals():
        print(f"refused: {refusal}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
