"""Draw cost against gain of every method: reports/<scale>/figures/cost_and_gain.{png,svg,csv}."""

import argparse
import sys
from pathlib import Path

from densemoe.report.scale import Scale
from stages._command import run


def main() -> None:
    """Parse, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="compiled plan, e.g. params/plan/smoke.yaml")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    args = parser.parse_args()
    scale = Scale.read(args.plan, args.reports)
    from densemoe.report.figures import write_figure  # a second of imports, after everything that can be refused
    from densemoe.report.figures.of_table import OVERVIEW, figure_path, overview_figure

    figure = overview_figure(scale.tables, scale.index["scale"])
    write_figure(figure, scale.results.folder / figure_path(OVERVIEW))
    for refusal in scale.results.refusals():
        print(f"refused: {refusal}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
