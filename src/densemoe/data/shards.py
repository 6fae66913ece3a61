"""One shard of a packed split, written by itself: any process may make it, and it is verified before it counts.

shard-NNN.bin   the images' records back to back
shard-NNN.json  while the split is made: what the shard holds; its presence says that the shard is complete
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densemoe.data.codecs import CODECS, flat
from densemoe.data.planes import PLANES, Plane
from densemoe.params.atomic import write_text
from densemoe.params.errors import InputError, allowed

SHARD_BYTES = 2**28
"""Bytes of planes at which a new shard begins, whatever the codec makes of them."""


@dataclass(frozen=True)
class Packable:
    """One image to pack: its planes, the notes made when they were prepared, the file its image came from."""

    id: str
    planes: dict[str, np.ndarray]
    notes: dict[str, Any]
    file: Path | None = None


def cut(sizes: list[tuple[int, int]], dataset: str, shard_bytes: int = SHARD_BYTES) -> list[range]:
    """Which images go into which shard: in order, a new one where the next image does not fit.

    `sizes` are heights and widths. Depends on nothing else, so that it can be known before anything is packed.
    """
    pixel_bytes = sum(plane.pixel_bytes for plane in PLANES[dataset])
    starts, used = [], 0
    for i, (height, width) in enumerate(sizes):
        size = height * width * pixel_bytes
        if not starts or used + size > shard_bytes:
            starts.append(i)
            used = 0
        used += size
    return [range(a, b) for a, b in zip(starts, [*starts[1:], len(sizes)], strict=True)]


def write_shard(
    folder: Path, number: int, dataset: str, images: Iterable[Packable], *, codec: str = "raw", key: str = ""
) -> None:
    """Write shard `number` and read it back.

    `key` names what it is made from: see `is_done`. Raises ValueError when the planes are not those of the data set,
    InputError when what is read back differs.
    """
    path, about = _names(folder, number)
    about.unlink(missing_ok=True)
    partial = folder / f".{path.name}.{os.getpid()}"
    digest, rows, offset = hashlib.sha256(), [], 0
    try:
        with partial.open("wb") as file:
            for image in images:
                data, row = _encoded(dataset, image, codec)
                file.write(data)
                digest.update(data)
                rows.append({**row, "offset": offset})
                offset += len(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    content = {"key": key, "bytes": offset, "sha256": digest.hexdigest(), "images": rows}
    if _sha256(path) != content["sha256"]:
        raise InputError(f"{path} was not stored as it was written; is the disk sound?")
    write_text(about, json.dumps(content))


def is_done(folder: Path, number: int, key: str) -> bool:
    """Shard `number` is there, was made from `key`, and has the bytes that it had then."""
    path, about = _names(folder, number)
    try:
        content = json.loads(about.read_text(encoding="utf-8"))
        return content["key"] == key and path.is_file() and _sha256(path) == content["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def contents(folder: Path, number: int) -> dict[str, Any]:
    """What shard `number` holds: bytes, sha256 and a row per image."""
    return json.loads(_names(folder, number)[1].read_text(encoding="utf-8"))


def file_name(number: int) -> str:
    """Name of a shard."""
    return f"shard-{number:03d}.bin"


def _names(folder: Path, number: int) -> tuple[Path, Path]:
    path = folder / file_name(number)
    return path, path.with_suffix(".json")


def _encoded(dataset: str, image: Packable, codec: str) -> tuple[bytes, dict[str, Any]]:
    specs = PLANES[dataset]
    height, width = image.planes["image"].shape[:2]
    _check_planes(dataset, specs, image, height, width)
    whole = flat(image.planes, specs)
    if codec == "raw":
        data = whole
    else:
        data = CODECS[codec].encode(image.planes, specs, image.file)
        back = CODECS[codec].decode(np.frombuffer(data, np.uint8), specs, height, width)
        if flat(back, specs) != whole:
            raise InputError(f"Image '{image.id}' does not survive the codec {codec}; use the codec raw.")
    row = {"id": image.id, "bytes": len(data), "height": height, "width": width, "crc32": zlib.crc32(whole)}
    return data, {**row, "notes": image.notes}


def _check_planes(dataset: str, specs: tuple[Plane, ...], image: Packable, height: int, width: int) -> None:
    if set(image.planes) != {spec.name for spec in specs}:
        raise ValueError(f"image '{image.id}' has planes {allowed(image.planes)}, not those of {dataset}")
    for spec in specs:
        array = image.planes[spec.name]
        if array.shape != spec.shape(height, width) or array.dtype != np.dtype(spec.dtype):
            raise ValueError(f"image '{image.id}': plane {spec.name} is {array.dtype} {array.shape}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
