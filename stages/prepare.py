"""Pack one data set of a plan: python -m stages.prepare --data NAME --plan params/plan/SCALE.yaml."""

import argparse
from pathlib import Path

from densemoe.data.codecs import CODECS
from densemoe.data.flavour import wanted_flavour
from densemoe.data.prepare import prepare_dataset
from densemoe.params.files import Params
from stages._bars import Bars
from stages._command import planned, run


def main() -> None:
    """Turn data/raw/NAME into data/packed/NAME, which appears whole or not at all."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", required=True, help="name under `data` in the plan")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--params", default=Path("params"), type=Path, help="folder of base.yaml")
    parser.add_argument("--data-root", default=Path("data"), type=Path, help="folder of raw and packed data")
    parser.add_argument("--workers", default=1, type=int, help="processes (%(default)s)")
    parser.add_argument("--codec", default="raw", choices=sorted(CODECS), help="compact for small disks (%(default)s)")
    args = parser.parse_args()
    _, entry = planned(args.plan, "data", args.data)
    facts = Params(args.params).dataset(entry["dataset"])
    raw, packed = (args.data_root / kind / args.data for kind in ("raw", "packed"))
    dataset, options = entry["dataset"], entry["options"]
    with Bars(args.data) as bars:
        prepare_dataset(
            dataset,
            raw,
            packed,
            facts.frame,
            flavour=wanted_flavour(dataset, options["kind"]),
            codec=args.codec,
            progress=bars.images,
            workers=args.workers,
        )
    print(f"{packed} is complete")


if __name__ == "__main__":
    run(main)
