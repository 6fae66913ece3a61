"""Packed data sets: one folder per split with flat shards that are memory-mapped, an index and a description.

    meta.json      format, data set, flavour, split, ids and their sha256, codec, planes, sha256 of every shard, notes
    index.npy      per image: shard, offset, bytes, height, width, crc32 of its planes
    shard-NNN.bin  the images' records back to back; in the codec `raw` their planes, each contiguous

The bytes depend on the raw files only: no date, no machine and no library version is written (but what the codec
`compact` stores, other than what it gives back, may differ with the version of zlib). Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densemoe.data.codecs import CODECS, flat
from densemoe.data.flavour import check_flavour
from densemoe.data.planes import PLANES, Plane
from densemoe.data.raw import ids_sha256
from densemoe.data.shards import contents, file_name
from densemoe.params.errors import InputError, allowed

FORMAT = 2
INDEX = np.dtype(
    [("shard", "<u4"), ("offset", "<u8"), ("bytes", "<u8"), ("height", "<u4"), ("width", "<u4"), ("crc32", "<u4")]
)
AGAIN = "prepare the data set again"


@dataclass(frozen=True)
class Record:
    """One image: its id, its planes (read-only views into the shard) and the notes made when it was prepared."""

    id: str
    planes: dict[str, np.ndarray]
    notes: dict[str, Any]


def finish(folder: Path, dataset: str, split: str, flavour: str, codec: str, shards: int) -> None:
    """Turn the first `shards` complete shards of `folder` into a split: description and index; nothing else stays.

    Raises InputError when the result cannot be read.
    """
    listed = [contents(folder, number) for number in range(shards)]
    rows = [(number, row) for number, shard in enumerate(listed) for row in shard["images"]]
    ids = [row["id"] for _, row in rows]
    keys = sorted({key for _, row in rows for key in row["notes"]})
    meta = {
        "format": FORMAT,
        "dataset": dataset,
        "flavour": flavour,
        "split": split,
        "images": len(ids),
        "ids_sha256": ids_sha256(ids),
        "codec": codec,
        "planes": [{"name": p.name, "dtype": p.dtype, "channels": p.channels} for p in PLANES[dataset]],
        "shards": [
            {"file": file_name(number), "bytes": shard["bytes"], "sha256": shard["sha256"]}
            for number, shard in enumerate(listed)
        ],
        "ids": ids,
        "notes": {key: [row["notes"][key] for _, row in rows] for key in keys},
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    index = [(number, *(row[name] for name in INDEX.names[1:])) for number, row in rows]
    np.save(folder / "index.npy", np.array(index, INDEX))
    wanted = {"meta.json", "index.npy", *(shard["file"] for shard in meta["shards"])}
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    Reader(folder)


class Reader:
    """Random access to a packed split: `reader[i]` is a Record; its crc32 is checked when it is first read.

    Raises InputError when the folder is missing, of another format, incomplete or damaged, or of another flavour than
    `flavour`. May be sent to other processes: the maps are opened again there.
    """

    def __init__(self, folder: Path | str, flavour: str | None = None):
        self.folder = Path(folder)
        self._meta = _read_meta(self.folder)
        self.dataset: str = self._meta["dataset"]
        self.flavour: str = self._meta["flavour"]
        """Which edition of the data set it was made from; `scenes` for the embedded ones."""
        if flavour is not None:
            check_flavour(self.folder, self.dataset, self.flavour, flavour)
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
        shard, offset, size, height, width = (int(row[key]) for key in ("shard", "offset", "bytes", "height", "width"))
        data = self._map(shard)[offset : offset + size]
        try:
            planes = CODECS[self._meta["codec"]].decode(data, self.planes, height, width)
        # a damaged record raises whatever its decoder does
        except Exception:
            raise self._damaged(i, shard, "it cannot be decoded") from None
        if not self._seen[i]:
            wanted, found = int(row["crc32"]), zlib.crc32(flat(planes, self.planes))
            if found != wanted:
                raise self._damaged(i, shard, f"crc32 is {found:08x}, index.npy says {wanted:08x}")
            self._seen[i] = True
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

    def _damaged(self, i: int, shard: int, how: str) -> InputError:
        return InputError(f"{self._paths[shard]}: image '{self.ids[i]}' is damaged: {how}; {AGAIN}.")

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
        ends = index["offset"] + index["bytes"]
        if self._meta["codec"] == "raw":
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
    needed = ("dataset", "flavour", "split", "ids", "ids_sha256", "codec", "planes", "shards", "notes")
    if missing := [key for key in needed if key not in meta]:
        raise InputError(f"{path}: key '{missing[0]}' is missing; {AGAIN}.")
    if meta["dataset"] not in PLANES:
        raise InputError(f"{path}: data set is '{meta['dataset']}'; allowed are {allowed(PLANES)}.")
    if meta["codec"] not in CODECS:
        raise InputError(f"{path}: codec is '{meta['codec']}'; allowed are {allowed(CODECS)}.")
    planes = [{"name": p.name, "dtype": p.dtype, "channels": p.channels} for p in PLANES[meta["dataset"]]]
    if meta["planes"] != planes:
        raise InputError(f"{path}: its planes are not those of {meta['dataset']} in format {FORMAT}; {AGAIN}.")
    if ids_sha256(meta["ids"]) != meta["ids_sha256"]:
        raise InputError(f"{path}: the ids do not match their sha256; {AGAIN}.")
    return meta
