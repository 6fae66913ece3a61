"""Make or check one raw data set of a plan: python -m stages.get_data --data NAME --plan params/plan/SCALE.yaml."""

import argparse
from pathlib import Path

from tqdm import tqdm

from densemoe.data.get import get_data
from densemoe.params.files import Params
from stages._command import planned, run


def main() -> None:
    """Scenes are rendered into data/raw/NAME; an archive put into data/archives/NAME is checked and linked there."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", required=True, help="name under `data` in the plan")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--params", default=Path("params"), type=Path, help="folder of base.yaml")
    parser.add_argument("--data-root", default=Path("data"), type=Path, help="folder of raw and packed data")
    args = parser.parse_args()
    _, entry = planned(args.plan, "data", args.data)
    facts = Params(args.params).dataset(entry["dataset"])
    folder = args.data_root / "raw" / args.data
    with tqdm(desc=args.data, unit="image", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        archive = args.data_root / "archives" / args.data
        get_data(entry["dataset"], entry["options"], folder, facts, archive, show)
    print(f"{folder} is complete")


if __name__ == "__main__":
    run(main)
