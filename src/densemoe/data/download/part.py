"""A file on its way: what has arrived, and of what, so that it can go on from there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Origin:
    """What the first answer said of the file; a later one that says otherwise is about another file."""

    address: str
    total: int | None = None
    etag: str | None = None
    modified: str | None = None

    @property
    def validator(self) -> str | None:
        """What `If-Range` takes: a strong ETag, else a date (RFC 9110, section 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def same_file(self, other: Origin) -> bool:
        """Neither size nor ETag nor date differ; what only one of them knows does not count."""
        pairs = ((self.total, other.total), (self.etag, other.etag), (self.modified, other.modified))
        return self.address == other.address and not any(a is not None and b is not None and a != b for a, b in pairs)


class Part:
    """`.FILE.HASH.part` in `folder`, one for every file and mirror, beside a JSON file with its origin."""

    def __init__(self, folder: Path, file: str, address: str):
        digest = hashlib.sha256(address.encode()).hexdigest()[:8]
        self.path = folder / f".{file}.{digest}.part"
        self._about = self.path.with_suffix(".json")
        self.origin = self._read(address)

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def begin(self, origin: Origin) -> None:
        """Start anew, from the first byte."""
        self.discard()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        self.origin = origin
        self._about.write_text(json.dumps(asdict(origin)), encoding="utf-8")

    def discard(self) -> None:
        """Remove what has arrived."""
        self.path.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)
        self.origin = Origin(self.origin.address)

    def complete(self, target: Path) -> None:
        """Give the file its name, in one step."""
        self.path.replace(target)
        self._about.unlink(missing_ok=True)

    def _read(self, address: str) -> Origin:
        origin = Origin(address)
        try:
            found = json.loads(self._about.read_text(encoding="utf-8"))
            return replace(origin, **{key: found[key] for key in ("total", "etag", "modified")})
        except (OSError, ValueError, KeyError, TypeError):
            # bytes of unknown origin are of no use
            self.path.unlink(missing_ok=True)
            return origin


def remove_parts(folder: Path, file: str) -> None:
    """Remove what arrived of `file` from any mirror."""
    for path in folder.glob(f".{file}.*.part"):
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
