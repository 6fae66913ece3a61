"""Fetching from one good mirror, whole or in pieces: the archive's content arrives, byte for byte."""

import hashlib

import pytest
import yaml

from densemoe.data.download import web
from densemoe.data.download.part import Part
from densemoe.params.errors import InputError
from tests.data.download.conftest import content, zip_of
from tests.data.download.server import Resource, Server


def arrived(case):
    """The data set is there, whole, beside its archive and nothing else; the lock names what was fetched."""
    assert content(case.folder) == content(case.layout)
    assert len(content(case.folder)) >= 25
    assert case.names() == sorted([case.file, case.dataset])
    found = (case.folder.parent / case.file).read_bytes()
    locked = yaml.safe_load(case.lock.read_text())[case.file]
    assert (locked["bytes"], locked["sha256"]) == (len(found), hashlib.sha256(found).hexdigest())
    return found


def test_fetch(case):
    case.server.pages["/a.tar.gz"] = Resource(case.body)
    case.obtain("/a.tar.gz")
    assert arrived(case) == case.body
    assert case.server.seen == [("/a.tar.gz", None)]
    assert "\n".join(case.said).count("Licence: research only.\nPlease cite: Somebody 2000") == 1
    # a second time nothing is asked, nothing is said
    case.said.clear()
    case.obtain("/a.tar.gz")
    assert len(case.server.seen) == 1
    assert case.said == []


def test_zip(case):
    case.server.pages["/a"] = Resource(zip_of(case.layout))
    case.obtain("/a")
    arrived(case)


def test_an_archive_without_top_folder_and_a_plain_tar(nyud, tmp_path):
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(nyud.layout, ".")
    nyud.server.pages["/a"] = Resource(buffer.getvalue())
    nyud.obtain("/a")
    arrived(nyud)


@pytest.mark.parametrize("etag", [None, '"one"', 'W/"weak"'])
def test_a_cut_is_resumed_at_once(nyud, etag):
    half = len(nyud.body) // 2
    nyud.server.pages["/a"] = Resource(nyud.body, etag=etag, cuts=[half, 1000])
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body
    assert nyud.server.seen == [("/a", None), ("/a", f"bytes={half}-"), ("/a", f"bytes={half + 1000}-")]


def cut_off(case, received, **options):
    """A fetch that ends after `received` bytes, because the host is gone; what came is kept."""
    case.server.pages["/a"] = Resource(case.body, cuts=[received] + [0] * 40, **options)
    with pytest.raises(InputError, match=f"the connection was cut; {received} bytes are kept"):
        case.obtain("/a")
    assert not case.folder.exists()
    assert not case.lock.exists()
    assert len(case.names()) == 2
    case.server.seen.clear()


def test_a_cut_is_resumed_by_the_next_command(case):
    cut_off(case, 5000, etag='"one"')
    case.server.pages["/a"] = Resource(case.body, etag='"one"')
    case.obtain("/a")
    assert arrived(case) == case.body
    assert case.server.seen == [("/a", "bytes=5000-")]


def test_a_host_that_ignores_ranges(nyud):
    cut_off(nyud, 5000)
    nyud.server.pages["/a"] = Resource(nyud.body, ranges=False)
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body


@pytest.mark.parametrize(
    ("etag", "if_range", "requests"),
    [
        ('"two"', True, 1),
        # hosts that do not heed If-Range are found out by the ETag, or the size, of the answer
        ('"two"', False, 2),
        ('"one"', False, 2),
    ],
)
def test_another_file_by_now_is_fetched_from_its_beginning(nyud, etag, if_range, requests):
    cut_off(nyud, 5000, etag='"one"')
    other = zip_of(nyud.layout)
    nyud.server.pages["/a"] = Resource(other, etag=etag, if_range=if_range)
    nyud.obtain("/a")
    assert arrived(nyud) == other
    assert nyud.server.seen[0] == ("/a", "bytes=5000-")
    assert len(nyud.server.seen) == requests


def test_nothing_left_to_send(nyud):
    """All bytes had arrived before the cut: the host answers 416, the file is whole."""
    cut_off(nyud, 5000)
    (path,) = nyud.folder.parent.glob(".*.part")
    path.write_bytes(nyud.body)
    nyud.server.pages["/a"] = Resource(nyud.body)
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body
    assert nyud.server.seen == [("/a", f"bytes={len(nyud.body)}-")]


def test_more_than_the_host_has(nyud):
    """What is there is longer than the host's file: it is of another one."""
    cut_off(nyud, 5000)
    (path,) = nyud.folder.parent.glob(".*.part")
    path.write_bytes(nyud.body + b"more")
    nyud.server.pages["/a"] = Resource(nyud.body)
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body
    assert nyud.server.seen == [("/a", f"bytes={len(nyud.body) + 4}-"), ("/a", None)]


def test_bytes_of_unknown_origin_are_not_built_upon(nyud):
    nyud.folder.parent.mkdir()
    part = Part(nyud.folder.parent, nyud.file, nyud.server.url("/a"))
    part.path.write_bytes(b"garbage")
    nyud.server.pages["/a"] = Resource(nyud.body)
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body
    assert nyud.server.seen == [("/a", None)]


def test_a_host_that_names_no_length(nyud):
    nyud.server.pages["/a"] = Resource(nyud.body, length=False)
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body


def test_progress_tells_bytes(nyud, monkeypatch):
    from densemoe.data.download import obtain

    monkeypatch.setattr(web, "CHUNK", 4096)
    nyud.server.pages["/a"] = Resource(nyud.body)
    steps = []
    obtain(nyud.dataset, nyud.facts("/a"), nyud.folder, nyud.lock, meter=lambda *step: steps.append(step))
    fetched = [step for step in steps if step[0] == "fetch"]
    assert len(fetched) > 3
    assert fetched[-1] == ("fetch", len(nyud.body), len(nyud.body))
    assert [done for _, done, _ in fetched] == sorted(done for _, done, _ in fetched)
    assert {step for step, _, _ in steps} == {"fetch", "checksum", "unpack"}


def test_redirects_are_followed(nyud):
    nyud.server.pages |= {"/a": Resource(redirect="/b"), "/b": Resource(nyud.body)}
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body


def test_the_first_mirror_that_serves(nyud):
    with Server() as gone:
        dead = gone.url("/a")
    nyud.server.pages["/b"] = Resource(nyud.body)
    nyud.obtain({"kind": "http", "url": dead}, "/missing", "/b")
    assert arrived(nyud) == nyud.body
    assert any("the host refuses the connection" in line for line in nyud.said)
    assert any("the host answers 404" in line for line in nyud.said)


def test_an_interrupted_unpacking_fetches_nothing_again(nyud, monkeypatch):
    """Killed while it was unpacked: the archive is there, the next command goes on from it."""
    from densemoe.data.download import install

    def killed(*_):
        raise KeyboardInterrupt

    nyud.server.pages["/a"] = Resource(nyud.body)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(install, "check_raw", killed)
        nyud.obtain("/a")
    assert nyud.names() == [nyud.file]
    nyud.obtain("/a")
    assert arrived(nyud) == nyud.body
    assert len(nyud.server.seen) == 1
