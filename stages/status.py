"""Which run is where, from files alone: queued, running with step and time left, failed with its last line, done."""

import argparse
import sys
import time
from pathlib import Path

from densemoe.params.atomic import json_text
from densemoe.params.errors import InputError
from densemoe.params.files import read_yaml
from densemoe.report.status.status import read_status
from densemoe.report.status.text import status_data, status_text
from stages._command import run

CLEAR = "\x1b[2J\x1b[H"


def main() -> None:
    """Print it once, or again and again until nothing is left to do or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="smoke", help="smoke, pilot or paper (%(default)s)")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="print it again every so many seconds")
    parser.add_argument("--all", action="store_true", help="also a line for runs that are queued or done")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    args = parser.parse_args()
    if args.watch is not None and not args.watch > 0:
        raise InputError(f"--watch is {args.watch:g}; allowed is a number of seconds above 0.")
    index = read_yaml(Path("params/plan") / f"{args.scale}.yaml")
    while True:
        status = read_status(index, Path("runs"), Path("reports"), time.time())
        if args.format == "json":
            told = json_text(status_data(status)).rstrip()
        else:
            told = status_text(status, every_run=args.all)
        print(CLEAR + told if args.watch and sys.stdout.isatty() else told, flush=True)
        if args.watch is None or status.counts()["done"] == len(status.runs):
            return
        time.sleep(args.watch)


if __name__ == "__main__":
    try:
        run(main)
    except KeyboardInterrupt:  # the way to end a watch
        raise SystemExit(0) from None
