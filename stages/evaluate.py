"""Measure a trained run: python -m stages.evaluate --run RUN --measure plain --protocol 1 --plan PLAN."""

import argparse
import sys
from pathlib import Path

from densemoe.data.packed import Reader
from densemoe.evaluate.document import metrics_document
from densemoe.params.atomic import write_json
from densemoe.params.errors import InputError, allowed
from densemoe.train.entry import Entry, imported_from, read_entry, trained_weights
from densemoe.train.flags import at_least
from stages._command import planned, run
from stages._packed import packed_split

MEASURES = ("plain", "merged")


def main() -> None:
    """Evaluate runs/RUN/model.safetensors on the validation set; write its metrics and its boundary maps."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", required=True, help="name under `runs` in the plan")
    parser.add_argument("--measure", required=True, help="how the model is measured: " + ", ".join(MEASURES))
    parser.add_argument("--protocol", required=True, type=int, help="version of the pixel metrics")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="(%(default)s)")
    parser.add_argument("--threads", default=1, type=int, help="CPU threads; other numbers, other last digits")
    parser.add_argument("--workers", default=0, type=int, help="processes that prepare batches (%(default)s)")
    parser.add_argument("--batch-size", default=6, type=int, help="images at once, as the papers' code (%(default)s)")
    parser.add_argument("--data-root", default=Path("data"), type=Path, help="folder of raw and packed data")
    args = parser.parse_args()
    if args.measure not in MEASURES:
        raise InputError(f"--measure is '{args.measure}'; allowed are {allowed(MEASURES)}.")
    at_least(1, threads=args.threads, batch_size=args.batch_size)
    at_least(0, workers=args.workers)
    entry = read_entry(args.plan, *planned(args.plan, "runs", args.run), args.run)
    reader = packed_split(args.data_root, entry, "val")
    weights = trained_weights(Path("runs"), entry.run)
    document = metrics_document(
        entry.scale,
        entry.run,
        args.measure,
        entry.variant,
        flavour=reader.flavour,
        images=len(reader),
        protocol={"pixel_metrics": args.protocol},
        metrics=metrics(entry, reader, weights, args),
        imported=imported_from(weights),
    )
    write_json(Path("reports", entry.scale, "metrics", entry.run, f"{args.measure}.json"), document)


def metrics(entry: Entry, reader: Reader, weights: Path, args: argparse.Namespace) -> dict[str, float]:
    """Import torch, which takes seconds, only now that the other input is known to be good."""
    from densemoe.data.loaders import ValLoader
    from densemoe.evaluate.measure import check_protocol, measure
    from densemoe.models import build_model
    from densemoe.models.reparameterize import reparameterize
    from densemoe.train.progress import evaluation_progress
    from densemoe.train.runtime import start
    from densemoe.train.weights import load_weights

    check_protocol(args.protocol)
    variant, crop, device = entry.variant, entry.variant.data.crop, start(args.device, args.threads).device
    model = build_model(variant, entry.outputs, crop, load_weights=False)
    load_weights(weights, model, entry.run)
    if args.measure == "merged":
        model = reparameterize(model)
    return measure(
        model.to(device),
        ValLoader(reader, crop=crop, tasks=variant.tasks, batch_size=args.batch_size, workers=args.workers),
        entry.outputs,
        weights.with_name(f"boundary_{args.measure}.zip"),
        device=device,
        progress=evaluation_progress(lambda text: print(text, file=sys.stderr, flush=True)),
    )


if __name__ == "__main__":
    run(main)
