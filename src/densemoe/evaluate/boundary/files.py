"""Predictions and ground truth on disk, by image id."""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from scipy.io import loadmat

from densemoe.evaluate.boundary.protocol import BoundaryProtocol, protocol_of
from densemoe.params.errors import InputError, allowed

_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class MapFiles:
    """Boundary maps `<id>.png`, 8-bit grey, in a folder or a zip, and a folder of ground truth `<id>.mat` or `.png`.

    PASCAL-Context: .mat files with the key LabelMap. NYUD-v2: 8-bit grey edge PNGs.
    """

    predictions: Path
    ground_truth: Path
    protocol: str

    def predicted_ids(self) -> list[str]:
        """Ids of all predictions, sorted. Raises InputError when there is no such folder or zip, or no PNG in it."""
        if not self.predictions.exists():
            raise InputError(f"{self.predictions}: no such folder or zip of predicted maps.")
        names = _archive(self.predictions, os.getpid()).namelist() if self._zipped else _names(self.predictions)
        ids = sorted(name[:-4] for name in names if name.endswith(".png"))
        if not ids:
            raise InputError(f"{self.predictions}: holds no map named <id>.png.")
        return ids

    def check(self, ids: list[str]) -> None:
        """See that every id has both files. Raises InputError naming the first that lacks one."""
        if not self.ground_truth.is_dir():
            raise InputError(f"{self.ground_truth}: no such folder of ground truth.")
        predicted, suffix = set(self.predicted_ids()), self._protocol.suffix
        true = {name for name in _names(self.ground_truth) if name.endswith(suffix)}
        if not true:
            raise InputError(
                f"{self.ground_truth}: holds no {suffix} file; the protocol {self.protocol} needs <id>{suffix}."
            )
        for where, missing in (
            (self.predictions, [f"{i}.png" for i in ids if i not in predicted]),
            (self.ground_truth, [f"{i}{suffix}" for i in ids if f"{i}{suffix}" not in true]),
        ):
            if missing:
                raise InputError(f"{where}: {missing[0]} is missing ({len(missing)} of {len(ids)} files are).")

    def read(self, image_id: str) -> tuple[np.ndarray, np.ndarray]:
        """(prediction uint8 [H,W], ground-truth labels, integers [H,W]). Raises InputError naming the file."""
        if self._zipped:
            name = f"{self.predictions}: {image_id}.png"
            try:
                data = _archive(self.predictions, os.getpid()).read(f"{image_id}.png")
            except (KeyError, zipfile.BadZipFile, OSError) as error:
                raise InputError(f"{name} cannot be read from the zip ({error}).") from error
        else:
            path = self.predictions / f"{image_id}.png"
            name, data = str(path), _bytes(path)
        truth = self._truth_path(image_id)
        labels = _label_map(truth) if truth.suffix == ".mat" else _grey(_bytes(truth), str(truth))
        prediction = _grey(data, name)
        if prediction.shape != labels.shape:
            sizes = [" x ".join(map(str, a.shape)) for a in (prediction, labels)]
            raise InputError(
                f"{name} has {sizes[0]} pixels (height x width) and {truth} {sizes[1]}; they must be equal."
            )
        return prediction, labels

    def fingerprint(self, image_id: str) -> str:
        """Changes when one of the image's files does, as far as size and time of change, or a zip's checksum, tell."""
        if self._zipped:
            member = _archive(self.predictions, os.getpid()).getinfo(f"{image_id}.png")
            own = f"{member.CRC}:{member.file_size}"
        else:
            own = _stamp(self.predictions / f"{image_id}.png")
        return f"{own}/{_stamp(self._truth_path(image_id))}"

    @property
    def _zipped(self) -> bool:
        return not self.predictions.is_dir()

    @property
    def _protocol(self) -> BoundaryProtocol:
        return protocol_of(self.protocol)

    def _truth_path(self, image_id: str) -> Path:
        return self.ground_truth / f"{image_id}{self._protocol.suffix}"


def read_id_list(path: Path) -> list[str]:
    """Ids, one a line. Raises InputError for a missing or empty file, an id that is no plain name, or one twice."""
    try:
        ids = path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        raise InputError(f"{path}: no such list of ids.") from None
    except (UnicodeDecodeError, IsADirectoryError):
        raise InputError(f"{path}: not a text file; it must list one id a line.") from None
    if not ids:
        raise InputError(f"{path}: lists no id.")
    seen: set[str] = set()
    for i in ids:
        if not _ID.fullmatch(i) or i in seen:
            reason = "stands twice" if i in seen else "is not a plain name (letters, digits, _ and -)"
            raise InputError(f"{path}: id '{i}' {reason}.")
        seen.add(i)
    return ids


def ids_sha256(ids: list[str]) -> str:
    """sha256 of the ids joined by newlines, without a final one."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def id_set(ids: list[str], protocol: str) -> str | None:
    """Name of the list in the protocol's `id_sets` that these ids are, in the given order or sorted; else None."""
    sums = {ids_sha256(ids), ids_sha256(sorted(ids))}
    return next((name for name, (_, known) in protocol_of(protocol).id_sets.items() if known in sums), None)


def require_id_set(ids: list[str], name: str, protocol: str) -> None:
    """Raise InputError unless the ids are the list of that name."""
    sets = protocol_of(protocol).id_sets
    if name not in sets:
        raise InputError(f"The protocol {protocol} knows no list of ids '{name}'; allowed are {allowed(sets)}.")
    if id_set(ids, protocol) != name:
        count, known = sets[name]
        raise InputError(
            f"The {len(ids)} ids (sha256 {ids_sha256(ids)}) are not the {count} ids of '{name}' (sha256 {known})."
        )


@lru_cache(maxsize=2)
def _archive(path: Path, process: int) -> zipfile.ZipFile:
    """Open zip, one per process: a file position must not be shared."""
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path}: not a folder or a complete zip of maps ({error}).") from error


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path} is missing.") from None
    return f"{found.st_size}:{found.st_mtime_ns}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} is missing.") from None


def _grey(data: bytes, name: str) -> np.ndarray:
    try:
        image = Image.open(io.BytesIO(data))
        pixels = np.array(image)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError(f"{name} is not a readable PNG ({error}).") from error
    if image.format != "PNG" or image.mode != "L":
        raise InputError(f"{name} is {image.format} with mode {image.mode}; expected a PNG with one 8-bit channel (L).")
    return pixels


def _label_map(path: Path) -> np.ndarray:
    try:
        labels = loadmat(path, variable_names=["LabelMap"]).get("LabelMap")
    except FileNotFoundError:
        raise InputError(f"{path} is missing.") from None
    except Exception as error:  # scipy raises many kinds for damaged files
        raise InputError(f"{path} is not a readable .mat file ({error}).") from error
    if labels is None or labels.ndim != 2 or labels.dtype.kind not in "ui" or not labels.size:
        found = "no LabelMap" if labels is None else f"a LabelMap of {labels.dtype} {labels.shape}"
        raise InputError(f"{path} holds {found}; expected integers [height, width].")
    return labels
