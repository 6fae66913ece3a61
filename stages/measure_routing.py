"""Routing statistics of a trained run: python -m stages.measure_routing --run RUN --protocol 1 --plan PLAN."""

import argparse
import sys
from pathlib import Path
from typing import Any

from densemoe.data.packed import Reader
from densemoe.evaluate.document import routing_document
from densemoe.evaluate.routing import RoutingStatistics, check_version
from densemoe.params.atomic import write_json
from densemoe.params.errors import InputError
from densemoe.params.options import routes
from densemoe.train.entry import Entry, read_entry, trained_weights
from densemoe.train.flags import at_least
from stages._command import planned, run
from stages._packed import packed_split


def main() -> None:
    """Count how runs/RUN/model.safetensors routes the validation set; write reports/SCALE/routing/RUN.json."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", required=True, help="name under `runs` in the plan")
    parser.add_argument("--protocol", required=True, type=int, help="version of the statistics")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="(%(default)s)")
    parser.add_argument("--threads", default=1, type=int, help="CPU threads; other numbers, other last digits")
    parser.add_argument("--workers", default=0, type=int, help="processes that prepare batches (%(default)s)")
    parser.add_argument("--batch-size", default=6, type=int, help="images at once (%(default)s)")
    parser.add_argument("--data-root", default=Path("data"), type=Path, help="folder of raw and packed data")
    args = parser.parse_args()
    check_version(args.protocol)
    at_least(1, threads=args.threads, batch_size=args.batch_size)
    at_least(0, workers=args.workers)
    entry = read_entry(args.plan, *planned(args.plan, "runs", args.run), args.run)
    if not routes(entry.variant.decoder):
        raise InputError(f"Run {entry.run} has no router that chooses among experts, so it has no routing statistics.")
    reader = packed_split(args.data_root, entry, "val")
    weights = trained_weights(Path("runs"), entry.run)
    document = routing_document(
        entry.scale,
        entry.run,
        entry.variant,
        flavour=reader.flavour,
        images=len(reader),
        protocol=args.protocol,
        routing=routing(entry, reader, weights, args),
    )
    write_json(Path("reports", entry.scale, "routing", f"{entry.run}.json"), document)


def routing(entry: Entry, reader: Reader, weights: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Import torch, which takes seconds, only now that the other input is known to be good."""
    from densemoe.data.loaders import ValLoader
    from densemoe.evaluate.predict import collect_routing
    from densemoe.models import build_model
    from densemoe.train.progress import evaluation_progress
    from densemoe.train.runtime import start
    from densemoe.train.weights import load_weights

    variant, device = entry.variant, start(args.device, args.threads).device
    crop = variant.data.crop
    model = build_model(variant, entry.outputs, crop, load_weights=False)
    load_weights(weights, model, entry.run)
    statistics = RoutingStatistics(variant.tasks)
    # labels are not needed, but the loader is the one of `evaluate`: the same images in the same frame
    loader = ValLoader(reader, crop=crop, tasks=(), batch_size=args.batch_size, workers=args.workers)
    progress = evaluation_progress(lambda text: print(text, file=sys.stderr, flush=True))
    collect_routing(model.to(device), loader, statistics, device=device, progress=progress)
    return statistics.compute()


if __name__ == "__main__":
    run(main)
