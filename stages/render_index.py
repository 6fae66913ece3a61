"""Render the index of a scale: metrics files and compiled plan -> reports/<scale>/README.md."""

import argparse
import sys
from pathlib import Path

from densemoe.params.atomic import write_text
from densemoe.params.files import read_yaml
from densemoe.params.tolerances import read_tolerances
from densemoe.report.index import render_index
from densemoe.report.results import Results
from stages._command import run


def main() -> None:
    """Parse, render, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="compiled plan, e.g. params/plan/smoke.yaml")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    args = parser.parse_args()
    index = read_yaml(args.plan)
    tables = [read_yaml(args.plan.parent / entry["file"]) for entry in index["tables"].values()]
    results = Results.from_index(args.reports, index)
    tolerances = read_tolerances(args.plan.parent.parent)  # params/plan/<scale>.yaml -> params
    write_text(results.folder / "README.md", render_index(index, tables, results, tolerances))
    for refusal in results.refusals():
        print(f"refused: {refusal}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
