"""Draw the figures of one table, its plot and its training curves: reports/<scale>/figures/<paper>/<table>*.png."""

import argparse
import sys
from pathlib import Path

from densemoe.params.errors import InputError
from densemoe.params.files import read_yaml
from densemoe.params.tolerances import read_tolerances
from densemoe.report.build import build_table
from densemoe.report.markdown import CURVES
from densemoe.report.results import Results
from densemoe.report.routing import RoutingResults
from stages._command import planned, run


def main() -> None:
    """Parse, draw, write PNG, SVG and the data behind them as CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="key under `tables` of the plan, e.g. smoke_mlore_figure03")
    parser.add_argument("--plan", type=Path, required=True, help="compiled plan, e.g. params/plan/smoke.yaml")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    args = parser.parse_args()
    index, entry = planned(args.plan, "tables", args.table)
    compiled = read_yaml(args.plan.parent / entry["file"])
    if compiled["scale"] != index["scale"]:
        raise InputError(
            f"{args.plan}: is of scale {index['scale']}, but {entry['file']} of scale {compiled['scale']}."
        )
    from densemoe.report.figures import write_figure  # a second of imports, after everything that can be refused
    from densemoe.report.figures.of_curves import Curves
    from densemoe.report.figures.of_table import curves_figure, figure_path, table_figure

    results = Results.from_index(args.reports, index)
    routing, curves = RoutingResults(args.reports, index), Curves(args.reports, index["scale"])
    # params/plan/<scale>.yaml -> params
    table = build_table(compiled, results, read_tolerances(args.plan.parent.parent))
    path = results.folder / figure_path(table.name)
    write_figure(table_figure(table, compiled, index, results, routing), path)
    write_figure(curves_figure(table, index, curves, results), path.with_name(path.name + CURVES))
    for refusal in [*results.refusals(), *routing.refusals(), *curves.refusals()]:
        print(f"refused: {refusal}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
