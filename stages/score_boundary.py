"""Boundary score (odsF) of saved maps: python -m stages.score_boundary --predictions DIR --ground-truth DIR ..."""

import argparse
import json
from pathlib import Path

from densemoe.evaluate.boundary.files import MapFiles, id_set, ids_sha256, read_id_list, require_id_set
from densemoe.evaluate.boundary.protocol import COUNTS, PROTOCOLS
from densemoe.evaluate.boundary.report import curve, summary
from densemoe.evaluate.boundary.score import score_set
from stages._command import image_bar, run


def main() -> None:
    """Score a folder or zip of 8-bit maps <id>.png by the papers' protocol; JSON goes to standard output."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--predictions", required=True, type=Path, help="folder or zip of <id>.png, 8-bit grey")
    parser.add_argument("--ground-truth", required=True, type=Path, help="pascal: <id>.mat (LabelMap); nyud: <id>.png")
    parser.add_argument("--protocol", required=True, choices=sorted(PROTOCOLS))
    parser.add_argument("--ids", type=Path, help="list of ids, one a line (default: all predictions)")
    parser.add_argument("--id-set", help="refuse ids other than this known list, e.g. test_new")
    parser.add_argument("--count", choices=[*COUNTS, "both"], default="both", help="how matched pixels are counted")
    parser.add_argument("--only-ods", action="store_true", help="only odsF: few thresholds, the same result")
    parser.add_argument("--curve", action="store_true", help="add the precision-recall curve")
    parser.add_argument("--workers", default=1, type=int, help="processes")
    parser.add_argument("--journal", type=Path, help="keep finished images here; a second run goes on")
    args = parser.parse_args()
    maps = MapFiles(args.predictions, args.ground_truth, args.protocol)
    ids = read_id_list(args.ids) if args.ids else maps.predicted_ids()
    if args.id_set:
        require_id_set(ids, args.id_set, args.protocol)
    maps.check(ids)
    counts = COUNTS if args.count == "both" else (args.count,)
    with image_bar("boundary", len(ids)) as show:
        images = score_set(
            maps,
            ids,
            protocol=args.protocol,
            counts=counts,
            only_ods=args.only_ods,
            workers=args.workers,
            journal=args.journal,
            progress=show,
        )
    result = summary(images, protocol=args.protocol)
    result["ids"] = {"sha256": ids_sha256(ids), "set": id_set(ids, args.protocol)}
    if args.curve:
        result["curve"] = {count: curve(images, count) for count in counts}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    run(main)
