"""Render everything of a scale as one HTML file: reports and compiled plan -> reports/<scale>/report.html."""

import argparse
import sys
from pathlib import Path

from densemoe.params.atomic import write_text
from densemoe.report.files import html_texts
from densemoe.report.scale import Scale
from stages._command import run


def main() -> None:
    """Parse, render, write, print where it is and how large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="compiled plan, e.g. params/plan/smoke.yaml")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    parser.add_argument("--logs", type=Path, default=Path("runs/logs"), help="folder of the logs (%(default)s)")
    args = parser.parse_args()
    scale = Scale.read(args.plan, args.reports)
    for path, text in html_texts(scale, args.logs).items():
        write_text(path, text)
        print(f"{path.as_posix()}: {path.stat().st_size / 1e6:.1f} MB")
    for refusal in scale.results.refusals():
        print(f"refused: {refusal}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
