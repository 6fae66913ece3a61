"""Render one declared table: metrics files -> reports/<scale>/tables/<paper>/<table>.md, .csv and .tex."""

import argparse
import sys
from pathlib import Path

from densemoe.params.atomic import write_text
from densemoe.params.errors import InputError
from densemoe.params.files import read_yaml
from densemoe.params.tolerances import read_tolerances
from densemoe.report.build import build_table
from densemoe.report.files import table_texts
from densemoe.report.results import Results
from stages._command import planned, run


def main() -> None:
    """Parse, render, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, help="key under `tables` of the plan, e.g. smoke_mlore_table02")
    parser.add_argument("--plan", type=Path, required=True, help="compiled plan, e.g. params/plan/smoke.yaml")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    args = parser.parse_args()
    index, entry = planned(args.plan, "tables", args.table)
    table = read_yaml(args.plan.parent / entry["file"])
    if table["scale"] != index["scale"]:
        raise InputError(f"{args.plan}: is of scale {index['scale']}, but {entry['file']} of scale {table['scale']}.")
    results = Results.from_index(args.reports, index)
    # params/plan/<scale>.yaml -> params
    built = build_table(table, results, read_tolerances(args.plan.parent.parent))
    for path, text in table_texts(built, results.folder).items():
        write_text(path, text)
    for refusal in results.refusals():
        print(f"refused: {refusal}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
