"""What is wrong with a mirror or its file is one clear sentence; nothing is left, nothing good is overwritten."""

import errno
import hashlib
import io
import re
import shutil
import stat
import tarfile
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from densemoe.data.download import mirrors, room, unpack
from densemoe.params.errors import InputError
from tests.data.download.conftest import content, tar_of, zip_of
from tests.data.download.server import Resource, Server


def refused(case, reason, *paths, left=(), **known):
    """The fetch ends with `reason` and the instructions; no archive, no folder, no part, no lock appears."""
    with pytest.raises(InputError) as error:
        case.obtain(*(paths or ("/a",)), **known)
    text = str(error.value)
    assert re.search(reason, text), text
    assert text.endswith(
        f"Unpack THE archive there. (The folder is {case.folder}.) Or put {case.file} itself into {case.folder.parent}."
    )
    assert case.names() == sorted(left)
    assert not case.lock.exists()
    return text


WRONG = {"sha256": "0" * 64, "md5": "0" * 32, "bytes": 12345}


@pytest.mark.parametrize("kind", sorted(WRONG))
def test_wrong_checksum(nyud, kind):
    nyud.server.pages["/a"] = Resource(nyud.body)
    name = "size" if kind == "bytes" else kind
    text = refused(nyud, rf"its {name} is \w+, but the published one is {WRONG[kind]}\n", **{kind: WRONG[kind]})
    assert nyud.server.url("/a") in text


def test_right_checksums_leave_no_lock(nyud):
    nyud.server.pages["/a"] = Resource(nyud.body)
    known = {"sha256": hashlib.sha256(nyud.body).hexdigest(), "md5": hashlib.md5(nyud.body).hexdigest()}
    nyud.obtain("/a", bytes=len(nyud.body), **known)
    assert nyud.folder.is_dir()
    assert not nyud.lock.exists()


def test_another_file_than_the_first_time(nyud):
    nyud.server.pages["/a"] = Resource(nyud.body)
    nyud.obtain("/a")
    before = nyud.lock.read_bytes()
    shutil.rmtree(nyud.folder)
    (nyud.folder.parent / nyud.file).unlink()
    nyud.server.pages["/a"] = Resource(zip_of(nyud.layout))
    with pytest.raises(InputError, match=r"nyud_v2\.lock recorded \w{64} \(\d+ bytes\) when it was first fetched from"):
        nyud.obtain("/a")
    assert nyud.names() == []
    # a mirror that has the recorded file still serves
    nyud.server.pages["/b"] = Resource(nyud.body)
    nyud.obtain("/a", "/b")
    assert content(nyud.folder) == content(nyud.layout)
    assert nyud.lock.read_bytes() == before


PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>who are you?</body></html>"


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_html_instead_of_a_file(case, kind):
    case.server.pages["/a"] = Resource(PAGE, type=kind)
    refused(case, r"a web page came instead of the file \('Sign in'\)")


def test_an_archive_by_the_type_of_a_page_is_taken(nyud):
    nyud.server.pages["/a"] = Resource(nyud.body, type="text/html")
    nyud.obtain("/a")
    assert content(nyud.folder) == content(nyud.layout)


FORM = b"""<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<form id="download-form" action="/confirmed" method="get"><input type="submit" value="Download anyway"/>
<input type="hidden" name="id" value="ID"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="u-1"></form></body></html>"""
QUOTA = b"""<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>
<p>Sorry, you can't view this file at this time. Too many users have viewed or downloaded it.</p></body></html>"""
DRIVE = {"kind": "google_drive", "id": "ID"}


@pytest.fixture
def drive(nyud, monkeypatch):
    monkeypatch.setattr(mirrors, "DRIVE", nyud.server.url("/drive"))
    return nyud


def test_google_drive(drive):
    drive.server.pages["/drive"] = Resource(drive.body)
    drive.obtain(DRIVE)
    assert content(drive.folder) == content(drive.layout)
    assert drive.server.seen == [("/drive?id=ID&export=download&confirm=t", None)]


def test_google_drive_asks_for_confirmation(drive):
    half = len(drive.body) // 2
    drive.server.pages |= {
        "/drive": Resource(FORM, type="text/html"),
        "/confirmed": Resource(drive.body, cuts=[half]),
    }
    drive.obtain(DRIVE)
    assert content(drive.folder) == content(drive.layout)
    assert drive.server.seen[1:] == [
        ("/confirmed?id=ID&confirm=t&uuid=u-1", None),
        ("/confirmed?id=ID&confirm=t&uuid=u-1", f"bytes={half}-"),
    ]


@pytest.mark.parametrize("first", [QUOTA, FORM])
def test_google_drive_quota(drive, first):
    drive.server.pages |= {"/drive": Resource(first, type="text/html"), "/confirmed": Resource(QUOTA, type="text/html")}
    refused(drive, "Google Drive ID: Google Drive's daily quota for this file is used up", DRIVE)


def test_google_drive_shows_something_else(drive):
    drive.server.pages["/drive"] = Resource(PAGE, type="text/html")
    refused(drive, r"Google Drive shows a page instead of the file \('Sign in'\)", DRIVE)


def test_sharepoint(nyud):
    nyud.server.pages["/share"] = Resource(nyud.body)
    nyud.obtain({"kind": "sharepoint", "url": nyud.server.url("/share?e=abc")})
    assert content(nyud.folder) == content(nyud.layout)
    assert nyud.server.seen == [("/share?e=abc&download=1", None)]


def test_a_sharepoint_share_that_has_ended(nyud):
    nyud.server.pages["/share"] = Resource(PAGE, type="text/html")
    refused(nyud, "the share has ended or asks for a log-in", {"kind": "sharepoint", "url": nyud.server.url("/share")})


def _named(name, **options):
    def edit(tar):
        member = tarfile.TarInfo(name)
        body = b"bad" if options.get("type", tarfile.REGTYPE) == tarfile.REGTYPE else b""
        member.size = len(body)
        for key, value in options.items():
            setattr(member, key, value)
        tar.addfile(member, io.BytesIO(body))

    return edit


UNSAFE = {
    "parent": (_named("../evil"), r"'\.\./evil' is a path that leaves the folder"),
    "inner parent": (_named("NYUDv2/images/../../../evil"), "is a path that leaves the folder"),
    "absolute": (_named("/tmp/evil-densemoe"), r"'/tmp/evil-densemoe' is an absolute path"),
    "other system": (_named("C:\\evil"), "is an absolute path, or one of another system"),
    "link out": (_named("NYUDv2/l", type=tarfile.SYMTYPE, linkname="../../.."), "is a symbolic link"),
    "link within": (_named("NYUDv2/l", type=tarfile.SYMTYPE, linkname="images"), "is a symbolic link"),
    "hard link out": (_named("NYUDv2/l", type=tarfile.LNKTYPE, linkname="../x"), "is a path that leaves the folder"),
    "hard link to nothing": (_named("NYUDv2/l", type=tarfile.LNKTYPE, linkname="NYUDv2/x"), "no file before it"),
    "device": (_named("NYUDv2/d", type=tarfile.CHRTYPE), "is a device or pipe"),
    "pipe": (_named("NYUDv2/d", type=tarfile.FIFOTYPE), "is a device or pipe"),
}  # fmt: skip


@pytest.mark.parametrize("unsafe", sorted(UNSAFE))
def test_unsafe_members(nyud, tmp_path, unsafe):
    edit, reason = UNSAFE[unsafe]
    nyud.server.pages["/a"] = Resource(tar_of(nyud.layout, edit))
    refused(nyud, f"NYUDv2.tar.gz is refused: member .*{reason}")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["archives"]


def _zipped(name, mode=stat.S_IFREG | 0o644):
    def edit(file):
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        file.writestr(info, "/etc/passwd")

    return edit


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (_zipped("../evil"), "leaves the folder"),
        (_zipped("/evil"), "absolute path"),
        (_zipped("NYUDv2\\..\\evil"), "of another system"),
        (_zipped("NYUDv2/l", stat.S_IFLNK | 0o777), "a symbolic link"),
        (_zipped("NYUDv2/l", stat.S_IFIFO | 0o777), "a device or pipe"),
    ],
)
def test_unsafe_zip_members(nyud, tmp_path, edit, reason):
    nyud.server.pages["/a"] = Resource(zip_of(nyud.layout, edit))
    refused(nyud, f"is refused: member '.*' is .*{reason}")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["archives"]


def test_a_second_name_of_one_file_is_unpacked(nyud):
    """Tar stores a file of two names once, and a hard link."""
    edit = _named("NYUDv2/again.png", type=tarfile.LNKTYPE, linkname="NYUDv2/images/0001.png")
    nyud.server.pages["/a"] = Resource(tar_of(nyud.layout, edit))
    nyud.obtain("/a")
    assert (nyud.folder / "again.png").read_bytes() == (nyud.folder / "images/0001.png").read_bytes()


@pytest.mark.parametrize("kind", ["truncated", "flipped", "no archive", "empty"])
def test_damaged_archives(case, kind):
    half = len(case.body) // 2
    bodies = {
        "truncated": case.body[:half],
        "flipped": case.body[:half] + bytes(b ^ 255 for b in case.body[half : half + 64]) + case.body[half + 64 :],
        "no archive": b"just text",
        "empty": b"",
    }
    case.server.pages["/a"] = Resource(bodies[kind])
    refused(case, f"{case.file} is damaged or no archive of its kind")


def test_missing_id(case):
    folder = case.copy()
    kind, suffix = {"nyud_v2": ("depth", "npy"), "pascal_context": ("sal_distill", "png")}[case.dataset]
    lost = sorted((folder / kind).iterdir())[-1]
    lost.unlink()
    case.server.pages["/a"] = Resource(tar_of(folder))
    refused(case, rf"Image '{lost.stem}' has no \w+ file: {lost.stem}\.{suffix} is missing in {case.file}/{kind}")


def test_missing_lists_and_other_data(case):
    folder = case.copy()
    shutil.rmtree(folder / {"nyud_v2": "gt_sets", "pascal_context": "ImageSets"}[case.dataset])
    case.server.pages["/a"] = Resource(tar_of(folder))
    refused(case, rf"the archive has no .*train\.txt: it is not {case.dataset} in the layout that is needed")


def as_mti_net(folder):
    for path in sorted((folder / "images").iterdir()):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    for kind in ("edge", "normals"):
        for path in sorted((folder / kind).iterdir()):
            np.save(path.with_suffix(".npy"), np.array(Image.open(path)) / 255)
            path.unlink()


def as_astmt(folder):
    for kind, suffix in (("images", ".jpg"), ("normals", ".jpg"), ("segmentation", ".mat"), ("depth", ".mat")):
        for path in sorted((folder / kind).iterdir()):
            path.rename(path.with_suffix(suffix))


@pytest.mark.parametrize(("make", "name"), [(as_mti_net, "mti_net"), (as_astmt, "astmt")])
def test_wrong_flavour(nyud, make, name):
    folder = nyud.copy()
    make(folder)
    nyud.server.pages["/a"] = Resource(tar_of(folder))
    refused(nyud, f"NYUDv2.tar.gz holds the flavour '{name}' of nyud_v2, but 'atrc' is needed here; numbers of")


def test_embedded_scenes_do_not_pass_for_a_real_archive(nyud):
    folder = nyud.copy()
    (folder / "SCENES.txt").write_text("rendered")
    nyud.server.pages["/a"] = Resource(tar_of(folder))
    refused(nyud, "holds the flavour 'scenes' of nyud_v2, but 'atrc' is needed here")


def test_the_size_of_another_edition(nyud):
    folder = nyud.copy()
    for path in (folder / "images").iterdir():
        Image.open(path).resize((640, 480)).save(path)
    nyud.server.pages["/a"] = Resource(tar_of(folder))
    refused(nyud, "images/0001.png is 480x640; images are at most 64x64, so this is another edition")


def disk(free):
    return lambda path: SimpleNamespace(total=10**12, used=0, free=free)


def test_no_room_is_said_before_a_byte_is_fetched(nyud, monkeypatch):
    nyud.server.pages["/a"] = Resource(nyud.body)
    monkeypatch.setattr(room.shutil, "disk_usage", disk(10_000))
    reason = r"The disk of .*archives has 10 kB left, but fetching and unpacking NYUDv2\.tar\.gz \(.* kB\) takes about"
    for known, requests in (({}, 1), ({"bytes": len(nyud.body)}, 1)):  # a known size: not even asked for
        with pytest.raises(InputError, match=reason):
            nyud.obtain("/a", **known)
        assert nyud.names() == []
        assert len(nyud.server.seen) == requests


def test_the_disk_is_full_while_fetching(nyud, monkeypatch):
    nyud.server.pages["/a"] = Resource(nyud.body)
    monkeypatch.setattr("densemoe.data.download.web._beginning", full)
    with pytest.raises(OSError) as error:
        nyud.obtain("/a")
    assert error.value.errno == errno.ENOSPC
    assert nyud.names() == []


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_disk_is_full_while_unpacking(nyud, monkeypatch):
    nyud.server.pages["/a"] = Resource(nyud.body)
    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extract", full)
        with pytest.raises(OSError, match="No space left"):
            nyud.obtain("/a")
    # the archive is whole and checked; only the unpacking is left to do
    assert nyud.names() == [nyud.file]
    nyud.obtain("/a")
    assert content(nyud.folder) == content(nyud.layout)
    assert len(nyud.server.seen) == 1


def test_an_archive_that_unpacks_to_more_than_there_is(nyud, monkeypatch):
    nyud.server.pages["/a"] = Resource(nyud.body)
    monkeypatch.setattr(unpack, "SPARE", 10**15)
    with pytest.raises(InputError, match=r"but unpacking NYUDv2\.tar\.gz takes about 1e\+06 GB; free some room"):
        nyud.obtain("/a")
    assert nyud.names() == [nyud.file]


def test_every_mirror_dead(case):
    with Server() as gone:
        dead = {"kind": "http", "url": gone.url("/a")}
    nowhere = {"kind": "local", "path": str(case.root / "none.tar.gz")}
    case.server.pages |= {"/page": Resource(PAGE), "/busy": Resource(status=503)}
    text = refused(case, "could not be fetched", dead, "/page", "/busy", "/missing", nowhere)
    lines = text.splitlines()
    assert lines[0] == f"{case.dataset} could not be fetched:"
    assert [line.rpartition(": ")[2] for line in lines[1:-1]] == [
        "the host refuses the connection",
        "a web page came instead of the file ('Sign in')",
        "the host answers 503 Service Unavailable",
        "the host answers 404 Not Found",
        "there is no such file or folder",
    ]
    assert [line.strip().startswith(("http://127.0.0.1:", str(case.root))) for line in lines[1:-1]] == [True] * 5
