"""Boundary score of a run: python -m stages.score_run --run RUN --measure plain --protocol 1 --plan PLAN."""

import argparse
from pathlib import Path

from densemoe.data.flavour import checked_flavour
from densemoe.data.raw import layout, read_ids
from densemoe.evaluate.boundary.files import MapFiles, require_id_set
from densemoe.evaluate.boundary.protocol import COUNTS, MAX_CARDINALITY, PROTOCOLS, SEISM_COMPAT, VERSION
from densemoe.evaluate.boundary.report import curve, summary
from densemoe.evaluate.boundary.score import score_set
from densemoe.evaluate.document import metrics_document
from densemoe.params.atomic import write_json
from densemoe.params.errors import InputError
from densemoe.train.entry import imported_from, read_entry
from stages._command import image_bar, planned, run


def main() -> None:
    """Score runs/RUN/boundary_MEASURE.zip against the raw data set; write reports/SCALE/boundary/RUN/MEASURE.json."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", required=True, help="name under `runs` in the plan")
    parser.add_argument("--measure", required=True, help="name of the measure whose maps were saved")
    parser.add_argument("--protocol", required=True, type=int, help="version of the boundary score")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--workers", default=1, type=int, help="processes (%(default)s)")
    parser.add_argument("--data-root", default=Path("data"), type=Path, help="folder of raw and packed data")
    parser.add_argument("--curve", type=Path, help="write the curve of all thresholds here too (takes longer)")
    args = parser.parse_args()
    if args.protocol != VERSION:
        raise InputError(f"--protocol is {args.protocol}, but this code scores boundaries by version {VERSION} only.")
    entry = read_entry(args.plan, *planned(args.plan, "runs", args.run), args.run)
    dataset, raw = entry.variant.dataset, args.data_root / "raw" / entry.data
    flavour = checked_flavour(raw, dataset, entry.variant.data.kind)
    protocol = next(p for p in PROTOCOLS.values() if p.dataset == dataset)
    archive = Path("runs", entry.run, f"boundary_{args.measure}.zip")
    maps = MapFiles(archive, raw / layout(dataset).boundary_truth, protocol.name)
    ids = maps.predicted_ids()
    if entry.variant.data.kind == "archive" and dataset == "pascal_context":
        # the papers score a part of the validation set; the archive lacks its list, which the SEISM repository has as
        # src/gt_wrappers/gt_sets/PASCALContext/test_new.txt
        ids = read_ids(dataset, raw, "test_new")
        require_id_set(ids, "test_new", protocol.name)
    maps.check(ids)
    journal = archive.with_suffix(".journal")
    with image_bar("boundary", len(ids)) as show:
        images = score_set(
            maps,
            ids,
            protocol=protocol.name,
            counts=COUNTS,
            only_ods=args.curve is None,
            workers=args.workers,
            journal=journal,
            progress=show,
        )
    scores = summary(images, protocol=protocol.name)
    f = {count: 100 * scores[count]["ods"]["f"] for count in (MAX_CARDINALITY, SEISM_COMPAT)}
    document = metrics_document(
        entry.scale,
        entry.run,
        args.measure,
        entry.variant,
        flavour=flavour,
        images=len(ids),
        protocol={"boundary": VERSION},
        metrics={"boundary.ods_f": f[MAX_CARDINALITY], "boundary.ods_f_seism": f[SEISM_COMPAT]},
        imported=imported_from(archive.with_name("model.safetensors")),
    )
    write_json(Path("reports", entry.scale, "boundary", entry.run, f"{args.measure}.json"), document)
    if args.curve:
        which = {"scale": entry.scale, "run": entry.run, "measure": args.measure}
        write_json(args.curve, {**which, **scores, "curve": {count: curve(images, count) for count in COUNTS}})
    journal.unlink(missing_ok=True)


if __name__ == "__main__":
    run(main)
