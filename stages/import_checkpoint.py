"""Take released MLoRE weights for a run: python -m stages.import_checkpoint --run RUN --file FILE --plan PLAN."""

import argparse
from pathlib import Path

from densemoe.params.errors import InputError
from densemoe.train.entry import Entry, read_entry
from stages._command import planned, run


def main() -> None:
    """Write runs/RUN/model.safetensors from a checkpoint in the naming of the public MLoRE code."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", required=True, help="name under `runs` in the plan; it says k and the order of gates")
    parser.add_argument("--file", required=True, type=Path, help="the checkpoint: torch.save or .safetensors")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    args = parser.parse_args()
    if not args.file.is_file():
        raise InputError(f"--file {args.file} is not a file; give the downloaded checkpoint.")
    entry = read_entry(args.plan, *planned(args.plan, "runs", args.run), args.run)
    if entry.variant.decoder.kind != "mlore" or entry.variant.encoder.kind != "vit":
        raise InputError(
            f"Run {args.run} has encoder.kind {entry.variant.encoder.kind} and decoder.kind "
            f"{entry.variant.decoder.kind}; only vit with mlore has a public checkpoint to import."
        )
    import_checkpoint(entry, args.file)


def import_checkpoint(entry: Entry, path: Path) -> None:
    """Import torch, which takes seconds, only now that the other input is known to be good."""
    import torch

    from densemoe.models import build_model
    from densemoe.models.public_names import from_public
    from densemoe.train.foreign import read_checkpoint
    from densemoe.train.import_run import import_run, refuse_trained
    from densemoe.train.session import Places

    places = Places.under(Path("runs"), Path("reports"), entry)
    refuse_trained(places, entry.run)
    checkpoint, variant = read_checkpoint(path), entry.variant
    with torch.device("meta"):
        model = build_model(variant, entry.outputs, variant.data.crop, load_weights=False)
    ranks = getattr(variant.decoder.experts, "ranks", ())
    try:
        state, left_out = from_public(checkpoint.state, model.state_dict(), variant.tasks, ranks)
    except InputError as error:
        raise InputError(f"{path} does not fit run {entry.run}: {error}") from None
    import_run(entry, checkpoint, state, left_out, places)
    count = sum(map(len, left_out.values()))
    print(
        f"{places.model}: {len(state)} tensors from {path.name}; {count} keys left out, listed in {places.provenance}"
    )


if __name__ == "__main__":
    run(main)
