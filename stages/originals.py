"""What can be made from original sources: python -m stages.originals --dataset pascal_context --folder DOWNLOADS."""

import argparse
from pathlib import Path

from densemoe.data.originals import rebuild, survey
from densemoe.params.errors import InputError
from densemoe.params.files import Params
from stages._command import run


def main() -> None:
    """Say for each part of a data set whether the unpacked originals in a folder yield it; with --out, write those."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", required=True, help="name of a file in params/datasets")
    parser.add_argument("--folder", required=True, type=Path, help="where the originals were unpacked, at any depth")
    parser.add_argument("--out", type=Path, help="new folder for the parts that can be rebuilt")
    parser.add_argument("--params", default=Path("params"), type=Path, help="folder of base.yaml")
    args = parser.parse_args()
    if not args.folder.is_dir():
        raise InputError(f"--folder {args.folder} is not a folder.")
    lists, findings = survey(args.dataset, args.folder, Params(args.params).dataset(args.dataset))
    sizes = ", ".join(f"{split} {len(ids)} ids" for split, ids in lists.items()) if lists else "no source"
    print(f"lists of the splits: {sizes}")
    for finding in findings:
        print(finding)
    if args.out is None:
        return
    if lists is None:
        raise InputError("Without the lists of the splits nothing can be rebuilt.")
    missing = rebuild(args.dataset, lists, findings, args.out)
    names = ", ".join(finding.part.target.rpartition("/")[0] for finding in missing)
    print(f"{args.out} is written; not in it: {names}. Without these the data set cannot be prepared.")


if __name__ == "__main__":
    run(main)
