"""Evaluate the papers' claims on printed and measured numbers -> reports/<scale>/claims.md and .json."""

import argparse
import sys
from pathlib import Path

from densemoe.params.atomic import write_text
from densemoe.report.files import claims_texts
from densemoe.report.scale import Scale
from stages._command import run


def main() -> None:
    """Parse, evaluate, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="compiled plan, e.g. params/plan/smoke.yaml")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    args = parser.parse_args()
    scale = Scale.read(args.plan, args.reports)
    for path, text in claims_texts(scale).items():
        write_text(path, text)
    for refusal in scale.results.refusals():
        print(f"refused: {refusal}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
