"""A checkpoint of somebody else's code: read without running anything in it, wrappers and prefixes taken off."""

from __future__ import annotations

import hashlib
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from densemoe.params.errors import InputError

WRAPPERS = ("model", "state_dict")
"""Keys under which training code keeps the weights beside its optimizer."""
PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel, DistributedDataParallel and torch.compile put in front of every key."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights as they are in a file, and which file that was."""

    state: dict[str, Tensor]
    file: str
    """Name without folders."""
    sha256: str


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file of torch.save or a .safetensors file, on the CPU.

    Raises InputError when it is missing, is no such file, holds more than tensors and plain values (such a file could
    run code, so it is not opened), or holds no named tensors.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file; give the downloaded checkpoint.")
    content = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    state = plain_state(content, str(path))
    with path.open("rb") as file:
        return Checkpoint(state, path.name, hashlib.file_digest(file, "sha256").hexdigest())


def plain_state(content: Any, where: str) -> dict[str, Tensor]:
    """Name -> tensor, out of wrappers and without prefixes. Raises InputError, which begins with `where`."""
    while isinstance(content, Mapping) and (inside := next((w for w in WRAPPERS if _wraps(content, w)), None)):
        content = content[inside]
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{where} holds {_what(content)}, not named tensors; allowed is a state dict, also {_UNDER}.")
    for key, value in content.items():
        if not isinstance(value, Tensor):
            raise InputError(
                f"{where} holds {_what(value)} under '{key}', not a tensor; allowed is a state dict, also {_UNDER}."
            )
    state = dict(content)
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


_UNDER = "under the key " + " or ".join(f"'{key}'" for key in WRAPPERS)


def _wraps(content: Mapping[str, Any], key: str) -> bool:
    return isinstance(content.get(key), Mapping)


def _what(value: Any) -> str:
    return "an empty mapping" if isinstance(value, Mapping) and not value else f"a {type(value).__name__}"


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise InputError(f"{path} is not a complete safetensors file ({error}); download it again.") from None


def _pickled(path: Path) -> Any:
    try:
        # a released file holds the optimizer's state too: mapped, it never has to fit into memory
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        if not (found := re.search(r"GLOBAL ([\w.]*\w)", str(error))):
            raise InputError(f"{path} is not a complete checkpoint that torch.save wrote.") from None
        raise InputError(
            f"{path} holds more than tensors and plain values ({found[1]}); such a file can run code, so it is not "
            "opened. Allowed is a state dict written by torch.save."
        ) from None
    except (
        RuntimeError,
        EOFError,
        ValueError,
        LookupError,
    ):  # what torch says of these is no help: internals, ANSI codes
        raise InputError(f"{path} is not a complete checkpoint that torch.save wrote.") from None
