"""Pretrained weights, by their timm name."""

from __future__ import annotations

import timm
import torch
from torch import nn

from densemoe.params.errors import InputError


def fetch(name: str, **options: object) -> nn.Module:
    """The pretrained network that timm has under `name`; our random numbers are not touched.

    Args:
        name: timm name with its tag.
        options: passed on to timm, e.g. which features the network returns.

    Raises:
        InputError: timm does not know the name, or the file cannot be fetched.
    """
    if not timm.is_model(name) or not timm.models.is_model_pretrained(name):
        raise InputError(f"encoder.weights '{name}' is not the name of pretrained weights that timm knows.")
    try:
        with torch.random.fork_rng(devices=[]):  # its initialisation must not shift our random numbers
            return timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # timm passes on whatever its download client raises
        raise InputError(
            f"encoder.weights '{name}' could not be fetched ({type(error).__name__}: {error}). Run once with a network "
            "connection, so that timm keeps the file in its cache, or set encoder.weights to null."
        ) from error


def refuse_other_shape(name: str, theirs: dict[str, object], ours: dict[str, object]) -> None:
    """Raise InputError, naming both shapes, unless the pretrained network has the encoder's."""
    if ours != theirs:
        raise InputError(f"encoder.weights '{name}' is a network of {_words(theirs)}; the encoder has {_words(ours)}.")


def _words(shape: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in shape.items())
