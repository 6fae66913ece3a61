"""Fetch or make one raw data set of a plan: python -m stages.get_data --data NAME --plan params/plan/SCALE.yaml."""

import argparse
from pathlib import Path

from densemoe.data.download import obtain
from densemoe.data.get import get_data
from densemoe.params.files import Params
from stages._bars import Bars
from stages._command import planned, run


def main() -> None:
    """Scenes are rendered into data/raw/NAME; an archive is fetched into data/archives/NAME, checked and linked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", required=True, help="name under `data` in the plan")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--params", default=Path("params"), type=Path, help="folder of base.yaml")
    parser.add_argument("--data-root", default=Path("data"), type=Path, help="folder of raw and packed data")
    parser.add_argument("--source", help="file, folder or address of the archive, instead of the mirrors in params/")
    args = parser.parse_args()
    _, entry = planned(args.plan, "data", args.data)
    dataset, options = entry["dataset"], entry["options"]
    facts = Params(args.params).dataset(dataset)
    folder, archive = (args.data_root / kind / args.data for kind in ("raw", "archives"))
    with Bars(args.data) as bars:
        if options["kind"] == "archive":
            lock = args.params / "datasets" / f"{dataset}.lock"
            obtain(dataset, facts, archive, lock, source=args.source, say=bars.say, meter=bars.bytes)
        get_data(dataset, options, folder, facts, archive, bars.images)
    print(f"{folder} is complete")


if __name__ == "__main__":
    run(main)
