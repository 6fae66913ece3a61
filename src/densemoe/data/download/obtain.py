"""The unpacked archive of a data set, from wherever it can be had: by hand, or the first mirror that serves."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from densemoe.data.download.failure import MirrorError
from densemoe.data.download.install import install, link
from densemoe.data.download.mirrors import WebMirror, request_behind, request_of
from densemoe.data.download.part import Part, remove_parts
from densemoe.data.download.room import UNPACKED, check_room, gigabytes
from densemoe.data.download.sums import Lock, Sums, compare, known_bytes, sums_of
from densemoe.data.download.web import PageInstead, new_session, receive
from densemoe.data.raw import layout
from densemoe.params.archives import Archive, HttpMirror, LocalMirror, Mirror, SharePointMirror
from densemoe.params.errors import InputError
from densemoe.params.files import DatasetFacts, parse

Meter = Callable[[str, int, int], None]
"""Called with what is going on (`fetch`, `checksum`, `unpack`), bytes done and bytes in all."""


@dataclass(frozen=True)
class Place:
    """What is wanted and where it goes."""

    dataset: str
    facts: DatasetFacts
    folder: Path
    """The unpacked data set; archives lie beside it."""
    lock: Lock
    meter: Meter

    def step(self, name: str) -> Callable[[int, int], None]:
        """Progress of one step."""
        return lambda done, total: self.meter(name, done, total)


def obtain(
    dataset: str,
    facts: DatasetFacts,
    folder: Path,
    lock: Path,
    *,
    source: str | None = None,
    say: Callable[[str], None] = lambda text: None,
    meter: Meter = lambda step, done, total: None,
) -> None:
    """See that `folder` holds the unpacked data set: whatever is there stays, else it is fetched, whole or not at all.

    Args:
        dataset: name of the data set.
        facts: its archives and how they are checked.
        folder: data/archives/<data>; archive files are looked for, and put, beside it.
        lock: file that records checksums nobody publishes.
        source: a file, folder or address to take instead of the mirrors.
        say: called with lines for the user: terms of use, mirrors tried.
        meter: called with progress.

    Raises InputError with every mirror's error and what to do by hand.

    """
    if os.path.lexists(folder):
        return
    place = Place(dataset, facts, folder, Lock(lock), meter)
    archives = [archive for archive in facts.archives if archive.flavour == layout(dataset).flavour]
    present = [archive for archive in archives if (folder.parent / archive.file).is_file()]
    if source is None and not archives:
        return
    say(_terms(facts))
    if source is None and present:
        _by_hand(place, present[0], say)
        return
    failures = []
    for archive, mirror in _given(archives, source) if source else _all(archives):
        say(f"{archive.file} from {mirror.address}")
        try:
            _take(place, archive, mirror)
            return
        except MirrorError as error:
            failures.append(f"{mirror.address}: {error}")
            say(f"  {error}")
    raise InputError(_nothing(place, archives, failures))


def _by_hand(place: Place, archive: Archive, say: Callable[[str], None]) -> None:
    file = place.folder.parent / archive.file
    say(f"{file} is there already")
    try:
        _use(place, archive, file)
    except MirrorError as error:
        raise InputError(f"{file} cannot be used: {error}. Move it away to have it fetched, or replace it.") from None


def _all(archives: list[Archive]) -> Iterator[tuple[Archive, Mirror]]:
    return ((archive, mirror) for archive in archives for mirror in archive.mirrors)


def _given(archives: list[Archive], source: str) -> list[tuple[Archive, Mirror]]:
    """The one source that the user names; an archive of a known name is compared with what is known of it."""
    name = re.sub(r"[^\w.-]", "_", source.partition("?")[0].rstrip("/").rpartition("/")[2]).lstrip(".") or "archive"
    mirror: Mirror
    if not source.startswith(("http://", "https://")):
        mirror = LocalMirror(kind="local", path=source)
    elif "sharepoint.com/" in source:
        mirror = parse(SharePointMirror, {"kind": "sharepoint", "url": source}, "--source")
    else:
        mirror = parse(HttpMirror, {"kind": "http", "url": source}, "--source")
    unknown = Archive.model_construct(file=name, flavour="", mirrors=(), bytes=None, sha256=None, md5=None)
    return [(next((archive for archive in archives if archive.file == name), unknown), mirror)]


def _take(place: Place, archive: Archive, mirror: Mirror) -> None:
    if not isinstance(mirror, LocalMirror):
        _fetch(place, archive, mirror)
        return
    path = Path(mirror.path).expanduser()
    if path.is_dir():
        link(place.dataset, path, place.folder, place.facts)
    elif path.is_file():
        _use(place, archive, path)
    else:
        raise MirrorError("there is no such file or folder")


def _fetch(place: Place, archive: Archive, mirror: WebMirror) -> None:
    parent = place.folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    part = Part(parent, archive.file, mirror.address)

    def room(total: int, there: int) -> None:
        needed = max(0, total - there) + int(total * UNPACKED)
        check_room(parent, needed, f"fetching and unpacking {archive.file} ({gigabytes(total)})")

    if size := known_bytes(archive, place.lock):
        room(size, part.size)
    with new_session() as session:
        ask = request_of(mirror, session)
        # Google Drive puts one page before a large file; there is none behind that
        for last in (False, True):
            try:
                receive(ask, part, room=room, progress=place.step("fetch"))
                break
            except PageInstead as page:
                ask = request_behind(mirror, session, page)
                if last:
                    raise
    file = parent / archive.file
    try:
        sums = sums_of(part.path, place.step("checksum"))
        compare(archive, sums, place.lock, place.facts.archives)
    except MirrorError:
        part.discard()
        raise
    part.complete(file)
    try:
        install(place.dataset, file, place.folder, place.facts, place.step("unpack"))
    except MirrorError:
        file.unlink()
        raise
    _record(place, archive, sums, mirror.address)


def _use(place: Place, archive: Archive, file: Path) -> None:
    """Unpack a file that lies on this machine; it is not touched."""
    sums = sums_of(file, place.step("checksum"))
    compare(archive, sums, place.lock, place.facts.archives)
    install(place.dataset, file, place.folder, place.facts, place.step("unpack"))
    # not its path, which says nothing to others and may say too much
    _record(place, archive, sums, "a local file")


def _record(place: Place, archive: Archive, sums: Sums, source: str) -> None:
    """Remember the checksum of an archive that nobody publishes one for, now that its content was found complete."""
    remove_parts(place.folder.parent, archive.file)
    if archive in place.facts.archives and archive.sha256 is None:
        place.lock.record(archive.file, sums, source)


def _terms(facts: DatasetFacts) -> str:
    return "\n".join(filter(None, [facts.licence, *(f"Please cite: {work}" for work in facts.citation)]))


def _nothing(place: Place, archives: list[Archive], failures: list[str]) -> str:
    names = " or ".join(archive.file for archive in archives) or "the archive"
    lines = "\n".join(f"  {failure}" for failure in failures)
    return (
        f"{place.dataset} could not be fetched:\n{lines}\n{place.facts.place_by_hand} (The folder is {place.folder}.) "
        f"Or put {names} itself into {place.folder.parent}."
    )
