"""Pretrained weights, by their timm name."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from torch import nn

from densemoe.params.errors import InputError


def local_weights(name: str) -> Path:
    """Where a machine without network looks for the weights of a timm name: torch's own folder for checkpoints."""
    return Path(torch.hub.get_dir(), "checkpoints", f"{name}.safetensors")


def fetch(name: str, **options: object) -> nn.Module:
    """The pretrained network that timm has under `name`; our random numbers are not touched.

    A file at `local_weights(name)` is taken instead of a download.

    Args:
        name: timm name with its tag.
        options: passed on to timm, e.g. which features the network returns.

    Raises:
        InputError: timm does not know the name, the file cannot be fetched, or the local one is not that network's.
    """
    if not timm.is_model(name) or not timm.models.is_model_pretrained(name):
        raise InputError(f"encoder.weights '{name}' is not the name of pretrained weights that timm knows.")
    local = local_weights(name)
    found = local.is_file()
    if found:
        options["pretrained_cfg_overlay"] = {"file": str(local), "custom_load": False}
    try:
        with torch.random.fork_rng(devices=[]):  # its initialisation must not shift our random numbers
            return timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # timm passes on whatever its download client raises
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        if found:
            raise InputError(f"{local} does not hold the weights '{name}' ({reason}).") from error
        raise InputError(
            f"encoder.weights '{name}' could not be fetched ({reason}). Run once with a network connection, so that "
            f"timm keeps the file in its cache; or put the file model.safetensors of timm/{name} on the Hugging Face "
            f"hub at {local}; or set encoder.weights to null."
        ) from error


def refuse_other_shape(name: str, theirs: dict[str, object], ours: dict[str, object]) -> None:
    """Raise InputError, naming both shapes, unless the pretrained network has the encoder's."""
    if ours != theirs:
        raise InputError(f"encoder.weights '{name}' is a network of {_words(theirs)}; the encoder has {_words(ours)}.")


def _words(shape: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in shape.items())
