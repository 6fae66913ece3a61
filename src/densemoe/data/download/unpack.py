"""Archives unpacked so that nothing lands outside the folder: tar (plain or compressed) and zip."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from densemoe.data.download.failure import MirrorError
from densemoe.data.download.room import check_room
from densemoe.params.errors import InputError

_DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError,
    ValueError,
)  # fmt: skip
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
SPARE = 1 << 26
"""Bytes that stay free while files are unpacked."""
Progress = Callable[[int, int], None]


def unpack(archive: Path, folder: Path, progress: Progress | None = None) -> None:
    """Unpack into the empty `folder`.

    `progress` is called with bytes and bytes in all. Raises MirrorError for a file that is no archive, is damaged, or
    holds anything but files and folders that stay inside: absolute paths, `..`, links out, devices. InputError when
    the disk has no room. What was unpacked until then is left: the caller removes the folder.
    """
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder, progress)
        else:
            _untar(archive, folder, progress)
    except InputError:
        raise
    except _DAMAGED as error:
        raise MirrorError(f"{archive.name} is damaged or no archive of its kind: {error}") from None
    except OSError as error:
        # damage comes as an error without a number, and as a file where a folder should be
        if error.errno in _OF_THE_DISK:
            raise
        raise MirrorError(f"{archive.name} is damaged or no archive of its kind: {error}") from None


def _untar(archive: Path, folder: Path, progress: Progress | None) -> None:
    size = archive.stat().st_size
    files: set[PurePosixPath] = set()
    with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:*", errorlevel=2) as tar:
        for member in tar:
            path = _inside(archive, member.name)
            if member.islnk():
                # tar stores the second name of one file so
                if _inside(archive, member.linkname) not in files:
                    raise _refused(archive, member.name, f"a link to {member.linkname}, which is no file before it")
            elif not (member.isreg() or member.isdir()):
                kind = "a symbolic link" if member.issym() else "a device or pipe"
                raise _refused(archive, member.name, f"{kind}; only files and folders are unpacked")
            if not member.isdir():
                files.add(path)
            check_room(folder, member.size + SPARE, f"unpacking {archive.name}")
            tar.extract(member, folder, filter="data")
            if progress is not None:
                progress(raw.tell(), size)
        # tarfile takes a broken header for the end, and the checksum of gzip stands behind the last byte
        while rest := tar.fileobj.read(1 << 20):
            if rest.strip(b"\0"):
                raise tarfile.ReadError("there is no header where one should be")


def _unzip(archive: Path, folder: Path, progress: Progress | None) -> None:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        for member in members:
            # the name as stored: `filename` is cut at a zero byte
            _inside(archive, member.orig_filename)
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                kind = "a symbolic link" if stat.S_ISLNK(mode) else "a device or pipe"
                raise _refused(archive, member.filename, f"{kind}; only files and folders are unpacked")
        total, done = sum(member.file_size for member in members), 0
        check_room(folder, total + SPARE, f"unpacking {archive.name}")
        for member in members:
            target = folder / member.filename
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.open(member) as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            done += member.file_size
            if progress is not None:
                progress(done, total)


def _inside(archive: Path, name: str) -> PurePosixPath:
    """The path of a member, which must stay inside. Raises MirrorError."""
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or "\0" in name or (len(name) > 1 and name[1] == ":"):
        raise _refused(archive, name, "an absolute path, or one of another system")
    if ".." in path.parts:
        raise _refused(archive, name, "a path that leaves the folder")
    return path


def _refused(archive: Path, name: str, what: str) -> MirrorError:
    return MirrorError(f"{archive.name} is refused: member '{name}' is {what}")
