"""What changed between two commits in numbers, options of runs, verdicts and code, per table.

Ends with exit code 1 when a number got worse beyond the tolerance of its metric, else 0.
"""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

from densemoe.params.atomic import json_text
from densemoe.params.errors import InputError, allowed
from densemoe.report.compare.changes import Comparison
from densemoe.report.compare.compare import compare
from densemoe.report.compare.markdown import markdown
from densemoe.report.compare.revisions import Revisions, concerned
from densemoe.report.compare.snapshot import read_snapshot
from densemoe.report.compare.text import text
from stages._command import run


def main() -> None:
    """Compare REV with REV2, or with the working tree, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", metavar="REV", help="commit, branch or tag, e.g. HEAD~1")
    parser.add_argument("after", metavar="REV2", nargs="?", help="likewise (the working tree, committed or not)")
    parser.add_argument("--scale", help="only this scale")
    parser.add_argument("--format", choices=["text", "markdown", "json"], default="text")
    args = parser.parse_args()
    comparison = compare_revisions(Revisions(Path.cwd(), args.before, args.after), args.scale)
    print({"text": text, "markdown": markdown, "json": json}[args.format](comparison), flush=True)
    raise SystemExit(1 if comparison.worse else 0)


def compare_revisions(revisions: Revisions, scale: str | None) -> Comparison:
    """Read only the scales that a changed file concerns."""
    before, after = revisions.scales()
    if scale is not None and scale not in before | after:
        raise InputError(f"no revision has a plan of the scale '{scale}'; allowed are {allowed(before | after)}.")
    scales = concerned(revisions.changed_paths(), {scale} if scale else before | after)
    with tempfile.TemporaryDirectory(prefix="densemoe-compare-") as one, tempfile.TemporaryDirectory() as other:
        snapshots = [
            read_snapshot(folder, name, scales)
            for folder, name in zip(
                (revisions.folder_before(Path(one), scales), revisions.folder_after(Path(other), scales)),
                revisions.names,
                strict=True,
            )
        ]
    return compare(*snapshots, revisions.code())


def json(comparison: Comparison) -> str:
    """Everything as it is in `densemoe.report.compare.changes`, and the counts."""
    return json_text(asdict(comparison) | {"counts": comparison.counts(), "worse": comparison.worse}).rstrip()


if __name__ == "__main__":
    run(main)
