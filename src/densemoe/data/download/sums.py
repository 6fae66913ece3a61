"""Checksums: what the manifest says, else what was recorded when the file was first used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import PositiveInt

from densemoe.data.download.failure import MirrorError
from densemoe.params.archives import Archive, Sha256
from densemoe.params.atomic import write_text
from densemoe.params.errors import InputError
from densemoe.params.files import parse, read_yaml
from densemoe.params.options import Options

_HEAD = """# Sizes and checksums of archives whose makers publish none, recorded when a file was first fetched and found
# complete. Every later one is compared with them: commit this file.
"""


class Recorded(Options):
    """One line of the lock."""

    bytes: PositiveInt
    sha256: Sha256
    source: str


@dataclass(frozen=True)
class Sums:
    """Size and checksums of a file on disk."""

    bytes: int
    sha256: str
    md5: str


def sums_of(path: Path, progress: Callable[[int, int], None] | None = None) -> Sums:
    """Read a file once; `progress` is called with bytes read and bytes in all."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            sha256.update(piece)
            md5.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done, total)
    return Sums(done, sha256.hexdigest(), md5.hexdigest())


class Lock:
    """The recorded sums of one data set's archives, e.g. params/datasets/nyud_v2.lock."""

    def __init__(self, path: Path):
        self.path = path

    def recorded(self, file: str) -> Recorded | None:
        """What is known of a file. Raises InputError when the lock cannot be read."""
        return self._read().get(file)

    def record(self, file: str, sums: Sums, source: str) -> None:
        """Remember a file, unless it is there already."""
        content = self._read()
        if file in content:
            return
        content[file] = Recorded(bytes=sums.bytes, sha256=sums.sha256, source=source)
        text = yaml.safe_dump({name: line.model_dump() for name, line in sorted(content.items())}, sort_keys=False)
        try:
            write_text(self.path, _HEAD + text)
        except PermissionError:
            raise InputError(f"{self.path} cannot be written; it records the checksum of {file}.") from None

    def _read(self) -> dict[str, Recorded]:
        if not self.path.is_file():
            return {}
        data = read_yaml(self.path)
        if not isinstance(data, dict):
            raise InputError(f"{self.path}: must map archive files to what was recorded of them.")
        return {name: parse(Recorded, line, f"{self.path}: {name}") for name, line in data.items()}


def known_bytes(archive: Archive, lock: Lock) -> int | None:
    """Size of an archive where somebody knows it."""
    recorded = lock.recorded(archive.file)
    return archive.bytes or (recorded and recorded.bytes)


def compare(archive: Archive, sums: Sums, lock: Lock, others: Iterable[Archive] = ()) -> None:
    """Refuse a file that is not the one that the manifest or the lock describes, or is one of `others`.

    Raises MirrorError.
    """
    for other in others:
        if other.file != archive.file and other.sha256 == sums.sha256:
            raise MirrorError(f"it is {other.file}, the flavour '{other.flavour}', which is not the one needed here")
    recorded = lock.recorded(archive.file)
    for kind, found, published in (
        ("size", sums.bytes, archive.bytes),
        ("sha256", sums.sha256, archive.sha256),
        ("md5", sums.md5, archive.md5),
    ):
        if published is not None and found != published:
            raise MirrorError(f"its {kind} is {found}, but the published one is {published}")
    if recorded is not None and (sums.bytes, sums.sha256) != (recorded.bytes, recorded.sha256):
        raise MirrorError(
            f"its sha256 is {sums.sha256} ({sums.bytes} bytes), but {lock.path} recorded {recorded.sha256} "
            f"({recorded.bytes} bytes) when it was first fetched from {recorded.source}"
        )
