"""A trained model on disk: safetensors, the same bytes for the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from densemoe.params.atomic import replacing
from densemoe.params.errors import InputError
from densemoe.train.entry import METADATA

AGAIN = "Train the run again"


def save_weights(path: Path, model: nn.Module, run: str, step: int) -> None:
    """Write the model's state, named after its run and the number of steps trained. Raises OSError on a full disk."""
    _save(path, model.state_dict(), {"run": run, "step": step})


def save_imported(path: Path, state: dict[str, Tensor], run: str, imported: dict[str, str]) -> None:
    """Write a state that was trained elsewhere, named after its run and its origin. Raises OSError on a full disk."""
    _save(path, state, {"run": run, "imported": imported})


def _save(path: Path, state: dict[str, Tensor], about: dict[str, Any]) -> None:
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with replacing(path) as file:
        file.write(safetensors.torch.save(tensors, {METADATA: json.dumps(about, sort_keys=True)}))


def load_weights(path: Path, model: nn.Module, run: str) -> None:
    """Load a trained model, every key of it.

    Raises InputError when the file is missing, incomplete, of another run, or does not fit the model.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; train the run first.")
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {}).get(METADATA, "{}"))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (safetensors.SafetensorError, ValueError) as error:
        raise InputError(f"{path} is not a complete safetensors file ({error}). {AGAIN}.") from None
    if metadata.get("run") != run:
        raise InputError(f"{path} holds the weights of run {metadata.get('run')}, not of {run}. {AGAIN}.")
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} does not fit the model of run {run} ({reason}). {AGAIN}.") from None
