"""Weights that were trained elsewhere in the place of a training: the same files, which say where they come from."""

from __future__ import annotations

import json
from pathlib import Path

from torch import Tensor

from densemoe.params.atomic import write_json, write_text
from densemoe.params.errors import InputError
from densemoe.train.curve import Curve
from densemoe.train.entry import Entry, imported_from
from densemoe.train.foreign import Checkpoint
from densemoe.train.provenance import imported_provenance
from densemoe.train.session import Places
from densemoe.train.weights import save_imported


def refuse_trained(places: Places, run: str) -> None:
    """Raise InputError where a training of this run is finished or under way: it is never overwritten."""
    if places.model.exists() and imported_from(places.model) is None:
        raise InputError(
            f"{places.model} holds the weights of run {run} as trained here; delete {places.model.parent} to import."
        )
    if any(places.resume.glob("step-*.pt")):
        raise InputError(f"{places.resume} holds checkpoints of a training of run {run}; delete it to import.")
    if places.provenance.exists() and "imported" not in _json(places.provenance):
        raise InputError(
            f"{places.provenance} says that run {run} was trained, and its results are in the reports; delete it to "
            "import."
        )


def import_run(
    entry: Entry, checkpoint: Checkpoint, state: dict[str, Tensor], left_out: dict[str, list[str]], places: Places
) -> None:
    """Write curve (without rows), provenance and, last, the model.

    Args:
        entry: the run that the weights are taken to be of.
        checkpoint: where they come from.
        state: in our naming, checked against the run's model.
        left_out: keys of the checkpoint that are not in `state`, by reason.
        places: the files of the run; an earlier import is replaced.

    Raises:
        InputError: a training of the run is finished or under way.

    """
    refuse_trained(places, entry.run)
    imported = {"file": checkpoint.file, "sha256": checkpoint.sha256}
    write_text(places.curve, Curve(["total", *entry.outputs], entry.variant.recipe.iterations).text)
    write_json(
        places.provenance,
        imported_provenance(
            run=entry.run, scale=entry.scale, variant=entry.variant, imported=imported, left_out=left_out
        ),
    )
    save_imported(places.model, state, entry.run, imported)


def _json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{path} is not complete, readable JSON; delete it.") from None
