"""Boundary probabilities of a validation set on disk: 8-bit PNGs named `<id>.png` in one uncompressed zip.

One file instead of thousands for the engines to track; the same maps give the same bytes with the same libraries.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from densemoe.params.errors import InputError

# The earliest date a zip can hold: archives must not depend on when they were written.
_DATE = (1980, 1, 1, 0, 0, 0)


class BoundaryMapWriter:
    """Context manager that writes a boundary archive; the file appears under its name only after a clean exit.

    Probability = sigmoid of the logit, times 255, truncated to 8 bits, cropped to the original image (as InvPT and
    TaskPrompter save them for the boundary score).
    """

    def __init__(self, path: str | os.PathLike[str]):
        self._path = Path(path)
        self._part = self._path.with_name(self._path.name + ".part")
        self._ids: set[str] = set()

    def __enter__(self) -> BoundaryMapWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("wb")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)
        return self

    def write(self, prediction: Tensor, ids: list[str], boxes: Tensor) -> None:
        """Add a batch.

        Args:
            prediction: logits [B,1,H,W].
            ids: B names, not used before, without a slash.
            boxes: int64 [B,4]: top, left, height, width of the original image inside H x W.

        Raises:
            InputError: an id cannot be a file name or came before, or a box does not lie inside the frame.

        """
        maps = (prediction.float().sigmoid() * 255).to(torch.uint8)[:, 0].cpu().numpy()
        for pixels, image_id, box in zip(maps, ids, boxes.tolist(), strict=True):
            self._add(image_id, _crop(pixels, box, image_id))

    def _add(self, image_id: str, pixels: np.ndarray) -> None:
        if not image_id or Path(image_id).name != image_id:
            raise InputError(f"{self._path}: the image id '{image_id}' cannot be a file name.")
        if image_id in self._ids:
            raise InputError(f"{self._path}: image {image_id} was predicted twice.")
        self._ids.add(image_id)
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "PNG", compress_level=6)
        member = zipfile.ZipInfo(f"{image_id}.png", _DATE)
        member.create_system = 3  # as written on Unix, wherever this runs
        member.external_attr = 0o644 << 16
        self._zip.writestr(member, png.getvalue())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with ExitStack() as cleanup:  # runs all of it, last in first out, even on a full disk
            cleanup.callback(self._part.unlink, missing_ok=True)
            cleanup.callback(self._file.close)
            cleanup.callback(self._abandon)
            if kind is None:
                self._finish()

    def _abandon(self) -> None:
        # closing writes the table of contents, here into a file about to be deleted; the first error is the one to tell
        with suppress(OSError, ValueError):
            self._zip.close()

    def _finish(self) -> None:
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        with zipfile.ZipFile(self._part) as written:
            broken = written.testzip()
            if broken is not None or len(written.namelist()) != len(self._ids):
                raise OSError(f"{self._part}: the archive does not read back as written (first bad map: {broken}).")
        self._part.replace(self._path)


def read_boundary_maps(path: str | os.PathLike[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (image id, uint8 [height,width]) of every map of an archive, in the order they were written.

    Raises InputError for a file that is not a complete archive of 8-bit maps.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: not a complete zip archive of boundary maps ({error}).") from error
    with archive:
        for name in archive.namelist():
            image_id, suffix = name[:-4], name[-4:]
            try:
                image = Image.open(io.BytesIO(archive.read(name)))
                pixels = np.array(image)
            except (zipfile.BadZipFile, UnidentifiedImageError, OSError) as error:
                raise InputError(f"{path}: {name} is not a readable PNG ({error}).") from error
            if suffix != ".png" or image.mode != "L":
                raise InputError(f"{path}: {name} has mode {image.mode}; expected <id>.png with one 8-bit channel (L).")
            yield image_id, pixels


def _crop(pixels: np.ndarray, box: list[int], image_id: str) -> np.ndarray:
    top, left, height, width = box
    bottom, right = top + height, left + width
    if min(top, left) < 0 or min(height, width) < 1 or bottom > pixels.shape[0] or right > pixels.shape[1]:
        raise InputError(
            f"Image {image_id}: the box (top, left, height, width) = {tuple(box)} does not lie inside the predicted "
            f"frame of {pixels.shape[0]} x {pixels.shape[1]} pixels."
        )
    return np.ascontiguousarray(pixels[top:bottom, left:right])
