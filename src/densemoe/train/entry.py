"""One run of the compiled plan, typed and checked. Imports no torch, so that bad input is refused at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors

from densemoe.params.errors import InputError
from densemoe.params.files import Params, parse
from densemoe.params.naming import data_name, run_name
from densemoe.params.variant import Variant

# One metadata key, because safetensors writes several in random order and the bytes would differ from run to run.
METADATA = "training"


@dataclass(frozen=True)
class Entry:
    """What the plan says about a run."""

    scale: str
    run: str
    data: str
    """Name of the prepared data."""
    variant: Variant
    outputs: dict[str, int]
    """Task -> output channels, in the variant's task order."""


def trained_weights(runs: Path, run: str) -> Path:
    """Where the weights of a trained run are. Raises InputError when they are not there."""
    path = runs / run / "model.safetensors"
    if not path.is_file():
        raise InputError(f"{path} does not exist; train the run first.")
    return path


def imported_from(weights: Path) -> dict[str, str] | None:
    """`file` and `sha256` of the checkpoint that these weights were imported from; None if trained here or not there.

    Raises InputError when the file is damaged.
    """
    if not weights.is_file():
        return None
    try:
        with safetensors.safe_open(weights, "np") as file:
            return json.loads((file.metadata() or {}).get(METADATA, "{}")).get("imported")
    except (safetensors.SafetensorError, ValueError) as error:
        raise InputError(f"{weights} is not a complete safetensors file ({error}). Train the run again.") from None


def read_entry(plan: Path, index: dict[str, Any], entry: dict[str, Any], run: str) -> Entry:
    """Type the entry `runs.<run>` of a plan file that lies in params/plan.

    Raises InputError when the variant is not valid, has another name than `run`, or has tasks that its data set lacks.
    """
    where = f"{plan}: runs.{run}"
    variant = parse(Variant, entry["variant"], where)
    if (name := run_name(variant)) != run:
        raise InputError(f"{where}: its variant is named {name}; compile the plan again instead of editing it.")
    if (data := data_name(variant.dataset, variant.data)) != entry["data"]:
        raise InputError(f"{where}: its data are '{entry['data']}', but the variant needs '{data}'; compile it again.")
    channels = Params(plan.parent.parent).dataset(variant.dataset).outputs
    if missing := [task for task in variant.tasks if task not in channels]:
        raise InputError(f"{where}: {variant.dataset} has no task {missing[0]}; allowed are {', '.join(channels)}.")
    return Entry(index["scale"], run, data, variant, {task: channels[task] for task in variant.tasks})
