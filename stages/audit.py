"""Audit the papers' printed numbers: declared tables -> reports/audit.md and .json, and the findings on the terminal.

Reads params/ only; nothing that was trained or measured enters.
"""

import argparse
from pathlib import Path

from densemoe.params.atomic import write_json, write_text
from densemoe.params.files import Params
from densemoe.params.plan import compile_plan
from densemoe.report.audit.audit import audit
from densemoe.report.audit.text import audit_page
from stages._command import run


def main() -> None:
    """Parse, audit, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params"), help="folder of the tables (%(default)s)")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder of the reports (%(default)s)")
    args = parser.parse_args()
    plan = compile_plan(Params(args.params), "paper")
    found = audit(plan.tables.values(), {name: planned.title for name, planned in plan.runs.items()})
    text = audit_page(found)
    write_json(args.reports / "audit.json", found)
    write_text(args.reports / "audit.md", text)
    print(text, end="")


if __name__ == "__main__":
    run(main)
