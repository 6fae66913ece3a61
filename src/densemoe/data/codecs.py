"""How the planes of one image are stored: `raw` for speed, `compact` for small disks. Both give back the same arrays.

raw      the planes back to back: memory-mapped, nothing is computed when they are read; 8 or 12 bytes a pixel
compact  the image as the file it came from (JPEG or PNG), other colour planes as PNG, the rest deflated;
         some milliseconds to read
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from densemoe.data.planes import Plane

Planes = dict[str, np.ndarray]
_LENGTH = np.dtype("<u4")
LEVEL = 6


@dataclass(frozen=True)
class Codec:
    """`encode(planes, specs, image file)` -> bytes; `decode(bytes, specs, height, width)` -> planes, read-only."""

    encode: Callable[[Planes, tuple[Plane, ...], Path | None], bytes]
    decode: Callable[[np.ndarray, tuple[Plane, ...], int, int], Planes]


def flat(planes: Planes, specs: tuple[Plane, ...]) -> bytes:
    """The planes back to back, each contiguous: what `raw` stores, and what checksums of an image are made of."""
    return b"".join(np.ascontiguousarray(planes[spec.name], spec.dtype).tobytes() for spec in specs)


def _raw(planes: Planes, specs: tuple[Plane, ...], _: Path | None) -> bytes:
    return flat(planes, specs)


def _views(data: np.ndarray, specs: tuple[Plane, ...], height: int, width: int) -> Planes:
    planes, start = {}, 0
    for spec in specs:
        end = start + height * width * spec.pixel_bytes
        planes[spec.name] = data[start:end].view(spec.dtype).reshape(spec.shape(height, width))
        start = end
    return planes


def _compact(planes: Planes, specs: tuple[Plane, ...], image: Path | None) -> bytes:
    parts = []
    for spec in specs:
        if spec.name == "image":
            parts.append(_png(planes[spec.name]) if image is None else image.read_bytes())
        elif spec.channels == 3:
            # the channels are taken as they come: no order is meant
            parts.append(cv2.imencode(".png", planes[spec.name], [cv2.IMWRITE_PNG_COMPRESSION, LEVEL])[1].tobytes())
        else:
            parts.append(zlib.compress(np.ascontiguousarray(planes[spec.name], spec.dtype).tobytes(), LEVEL))
    return np.array([len(part) for part in parts], _LENGTH).tobytes() + b"".join(parts)


def _png(plane: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, "png")
    return buffer.getvalue()


def _expanded(data: np.ndarray, specs: tuple[Plane, ...], height: int, width: int) -> Planes:
    lengths = data[: _LENGTH.itemsize * len(specs)].view(_LENGTH)
    planes, start = {}, _LENGTH.itemsize * len(specs)
    for spec, length in zip(specs, lengths, strict=True):
        part = data[start : start + int(length)]
        start += int(length)
        if spec.name == "image":
            with Image.open(io.BytesIO(part)) as image:
                plane = np.array(image.convert("RGB"))
        elif spec.channels == 3:
            plane = cv2.imdecode(part, cv2.IMREAD_UNCHANGED)
        else:
            plane = np.frombuffer(zlib.decompress(part), spec.dtype)
        plane = plane.reshape(spec.shape(height, width))
        plane.flags.writeable = False
        planes[spec.name] = plane
    return planes


CODECS = {"raw": Codec(_raw, _views), "compact": Codec(_compact, _expanded)}
