"""Show, write or check the compiled plan of a scale: tables -> rows -> runs -> measures, done, missing or pending."""

import argparse
from pathlib import Path

from densemoe.params.errors import InputError
from densemoe.params.estimate import ASSUMED_FLOPS
from densemoe.params.files import Params
from densemoe.params.plan import compile_plan, out_of_step, write_plan
from densemoe.report.explain import explain_run
from densemoe.report.plan_text import changes_text, view_text
from densemoe.report.plan_view import plan_view
from densemoe.report.results import Results
from stages._command import run


def main() -> None:
    """Parse, compile, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="smoke", help="smoke, pilot or paper (%(default)s)")
    parser.add_argument("--params", type=Path, default=Path("params"), help="what is run (%(default)s)")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="where metrics files are (%(default)s)")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument(
        "--tflops", type=float, default=ASSUMED_FLOPS / 1e12, help="of your GPU in training (%(default)g)"
    )
    parser.add_argument("--table", help="only this table, e.g. mlore/table02")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="write params/plan and name what changed")
    action.add_argument("--check", action="store_true", help="exit 1 when params/plan is out of step")
    action.add_argument("--explain", metavar="RUN", help="every value of a run, who set it, and why")
    args = parser.parse_args()
    if not args.tflops > 0:
        raise InputError(f"--tflops is {args.tflops}; allowed is more than 0.")
    plan = compile_plan(params := Params(args.params), args.scale)
    if args.write or args.check:
        paths = write_plan(plan, params.root) if args.write else out_of_step(plan, params.root)
        print(changes_text(paths, written=args.write, scale=args.scale))
        raise SystemExit(1 if args.check and paths else 0)
    explained = explain_run(params, plan, args.explain) if args.explain else None
    view = explained or plan_view(params, plan, Results.from_plan(args.reports, plan), args.table, args.tflops * 1e12)
    print(view_text(view, args.format))


if __name__ == "__main__":
    run(main)
