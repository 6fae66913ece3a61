"""Packed data sets: one folder per split with flat shards that are memory-mapped, an index and a description.

    meta.json      format, data set, split, ids and their sha256, planes, bytes and sha256 of every shard, notes
    index.npy      per image: shard, offset, height, width, crc32
    shard-NNN.bin  the images' planes back to back, each contiguous

The bytes depend on the raw files only: no date, no machine and no library version is written. Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densemoe.data.planes import PLANES, Plane
from densemoe.data.raw import ids_sha256
from densemoe.params.errors import InputError, allowed

FORMAT = 1
SHARD_BYTES = 2**30
INDEX = np.dtype([("shard", "<u4"), ("offset", "<u8"), ("height", "<u4"), ("width", "<u4"), ("crc32", "<u4")])
AGAIN = "prepare the data set again"


@dataclass(frozen=True)
class Record:
    """One image: its id, its planes (read-only views into the shard) and the notes made when it was prepared."""

    id: str
    planes: dict[str, np.ndarray]
    notes: dict[str, Any]


class Writer:
    """Writes one split into an empty folder; `finish` completes it and reads everything back."""

    def __init__(self, folder: Path | str, dataset: str, split: str, shard_bytes: int = SHARD_BYTES):
        self.folder = Path(folder)
        self._dataset, self._split, self._shard_bytes = dataset, split, shard_bytes
        self._planes = PLANES[dataset]
        self._ids: list[str] = []
        self._notes: list[dict[str, Any]] = []
        self._index: list[tuple[int, int, int, int, int]] = []
        self._shards: list[dict[str, Any]] = []
        self._file = None
        self._hash = hashlib.sha256()
        self._offset = 0

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def add(self, id_: str, planes: dict[str, np.ndarray], notes: dict[str, Any]) -> None:
        """Append one image. Raises ValueError when the planes are not those of the data set."""
        height, width = planes["image"].shape[:2]
        if set(planes) != {plane.name for plane in self._planes}:
            raise ValueError(f"image '{id_}' has planes {allowed(planes)}, not those of {self._dataset}")
        parts = []
        for plane in self._planes:
            array = planes[plane.name]
            if array.shape != plane.shape(height, width) or array.dtype != np.dtype(plane.dtype):
                raise ValueError(f"image '{id_}': plane {plane.name} is {array.dtype} {array.shape}")
            parts.append(np.ascontiguousarray(array, plane.dtype).tobytes())
        data = b"".join(parts)
        if self._file is not None and self._offset + len(data) > self._shard_bytes:
            self._close()
        if self._file is None:
            self._open()
        self._file.write(data)
        self._hash.update(data)
        self._index.append((len(self._shards), self._offset, height, width, zlib.crc32(data)))
        self._offset += len(data)
        self._ids.append(id_)
        self._notes.append(notes)

    def finish(self) -> None:
        """Write index and description, then read everything back. Raises InputError when it differs."""
        self._close()
        keys = sorted({key for notes in self._notes for key in notes})
        meta = {
            "format": FORMAT,
            "dataset": self._dataset,
            "split": self._split,
            "images": len(self._ids),
            "ids_sha256": ids_sha256(self._ids),
            "planes": [{"name": p.name, "dtype": p.dtype, "channels": p.channels} for p in self._planes],
            "shards": self._shards,
            "ids": self._ids,
            "notes": {key: [notes[key] for notes in self._notes] for key in keys},
        }
        (self.folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        np.save(self.folder / "index.npy", np.array(self._index, INDEX))
        Reader(self.folder).verify()

    def _open(self) -> None:
        name = f"shard-{len(self._shards):03d}.bin"
        self._file = (self.folder / name).open("wb")
        self._hash, self._offset = hashlib.sha256(), 0

    def _close(self) -> None:
        if self._file is None:
            return
        self._file.close()
        name = Path(self._file.name).name
        self._shards.append({"file": name, "bytes": self._offset, "sha256": self._hash.hexdigest()})
        self._file = None


class Reader:
    """Random access to a packed split: `reader[i]` is a Record; its crc32 is checked when it is first read.

    Raises InputError when the folder is missing, of another format, incomplete or damaged. May be sent to other
    processes: the maps are opened again there.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self._meta = _read_meta(self.folder)
        self.dataset: str = self._meta["dataset"]
        self.split: str = self._meta["split"]
        self.ids: list[str] = self._meta["ids"]
        self.planes: tuple[Plane, ...] = PLANES[self.dataset]
        self._index = self._read_index()
        self._paths = [self._checked_shard(shard) for shard in self._meta["shards"]]
        self._maps: dict[int, np.ndarray] = {}
        self._seen = np.zeros(len(self.ids), bool)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: int) -> Record:
        row = self._index[i]
        shard, offset, height, width = (int(row[key]) for key in ("shard", "offset", "height", "width"))
        pixels = height * width
        data = self._map(shard)[offset : offset + pixels * self._pixel_bytes]
        if not self._seen[i]:
            self._check(i, data, int(row["crc32"]), self._paths[shard])
        planes = {}
        start = 0
        for plane in self.planes:
            end = start + pixels * plane.pixel_bytes
            planes[plane.name] = data[start:end].view(plane.dtype).reshape(plane.shape(height, width))
            start = end
        return Record(self.ids[i], planes, self.notes(i))

    def notes(self, i: int) -> dict[str, Any]:
        """Notes made when image `i` was prepared, e.g. `semseg_source` and `people`."""
        return {key: values[i] for key, values in self._meta["notes"].items()}

    def largest(self) -> tuple[int, int]:
        """Greatest height and greatest width of the split (perhaps of different images)."""
        return int(self._index["height"].max()), int(self._index["width"].max())

    def verify(self) -> None:
        """Check sha256 of every shard and crc32 of every image. Raises InputError at the first difference."""
        for shard, path in zip(self._meta["shards"], self._paths, strict=True):
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != shard["sha256"]:
                raise InputError(f"{path} is damaged: sha256 is {found}, meta.json says {shard['sha256']}; {AGAIN}.")
        self._seen[:] = False
        for i in range(len(self)):
            self[i]

    def __getstate__(self) -> dict[str, Any]:
        # a map would be copied byte for byte
        return {**self.__dict__, "_maps": {}}

    @property
    def _pixel_bytes(self) -> int:
        return sum(plane.pixel_bytes for plane in self.planes)

    def _map(self, shard: int) -> np.ndarray:
        if shard not in self._maps:
            self._maps[shard] = np.memmap(self._paths[shard], np.uint8, mode="r").view(np.ndarray)
        return self._maps[shard]

    def _check(self, i: int, data: np.ndarray, wanted: int, path: Path) -> None:
        found = zlib.crc32(data)
        if found != wanted:
            raise InputError(
                f"{path}: image '{self.ids[i]}' is damaged: crc32 is {found:08x}, index.npy says {wanted:08x}; {AGAIN}."
            )
        self._seen[i] = True

    def _read_index(self) -> np.ndarray:
        path = self.folder / "index.npy"
        try:
            index = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{path} is missing; {AGAIN}.") from None
        # a damaged header raises whatever its parser does
        except Exception:
            raise InputError(f"{path} is not readable as an array; {AGAIN}.") from None
        if index.dtype != INDEX or index.shape != (len(self.ids),):
            raise InputError(
                f"{path} does not hold one entry for each of the {len(self.ids)} ids in meta.json; {AGAIN}."
            )
        ends = index["offset"] + index["height"].astype(np.uint64) * index["width"] * self._pixel_bytes
        sizes = np.array([shard["bytes"] for shard in self._meta["shards"]], np.uint64)
        if (index["shard"] >= len(sizes)).any() or (ends > sizes[index["shard"]]).any():
            raise InputError(f"{path} points beyond the shards that meta.json lists; {AGAIN}.")
        return index

    def _checked_shard(self, shard: dict[str, Any]) -> Path:
        path = self.folder / shard["file"]
        if not path.is_file():
            raise InputError(f"{path} is missing; {AGAIN}.")
        found = path.stat().st_size
        if found != shard["bytes"]:
            raise InputError(f"{path} holds {found} bytes, but meta.json says {shard['bytes']}; {AGAIN}.")
        return path


def _read_meta(folder: Path) -> dict[str, Any]:
    path = folder / "meta.json"
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing; prepare the data set first.") from None
    except ValueError:
        raise InputError(f"{path} is not readable as JSON; {AGAIN}.") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        found = meta.get("format") if isinstance(meta, dict) else None
        raise InputError(f"{path}: format is {found}; this version reads format {FORMAT}; {AGAIN}.")
    needed = ("dataset", "split", "ids", "ids_sha256", "planes", "shards", "notes")
    if missing := [key for key in needed if key not in meta]:
        raise InputError(f"{path}: key '{missing[0]}' is missing; {AGAIN}.")
    if meta["dataset"] not in PLANES:
        raise InputError(f"{path}: data set is '{meta['dataset']}'; allowed are {allowed(PLANES)}.")
    planes = [{"name": p.name, "dtype": p.dtype, "channels": p.channels} for p in PLANES[meta["dataset"]]]
    if meta["planes"] != planes:
        raise InputError(f"{path}: its planes are not those of {meta['dataset']} in format {FORMAT}; {AGAIN}.")
    if ids_sha256(meta["ids"]) != meta["ids_sha256"]:
        raise InputError(f"{path}: the ids do not match their sha256; {AGAIN}.")
    return meta
