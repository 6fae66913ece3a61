"""What a person put there is used, never overwritten; and the sources a person names."""

import shutil

import pytest
import yaml

from densemoe.params.errors import InputError
from tests.data.download.conftest import content, tar_of
from tests.data.download.server import Resource


def put(case, body):
    case.folder.parent.mkdir()
    path = case.folder.parent / case.file
    path.write_bytes(body)
    return path


def test_a_file_put_there_is_unpacked(case):
    path = put(case, case.body)
    case.obtain("/a")
    assert content(case.folder) == content(case.layout)
    assert path.read_bytes() == case.body
    assert case.server.seen == []
    assert yaml.safe_load(case.lock.read_text())[case.file]["source"] == "a local file"


@pytest.mark.parametrize("kind", ["damaged", "incomplete", "other"])
def test_a_bad_file_put_there_is_kept_and_named(nyud, kind):
    folder = nyud.copy()
    (folder / "edge/0001.png").unlink()
    body = {"damaged": nyud.body[:-2000], "incomplete": tar_of(folder), "other": nyud.body}[kind]
    known = {"sha256": "0" * 64} if kind == "other" else {}
    path = put(nyud, body)
    nyud.server.pages["/a"] = Resource(nyud.body)
    with pytest.raises(
        InputError, match=rf"{path} cannot be used: .*\. Move it away to have it fetched, or replace it\."
    ):
        nyud.obtain("/a", **known)
    assert path.read_bytes() == body
    assert nyud.names() == [nyud.file]
    assert nyud.server.seen == []
    assert not nyud.lock.exists()


def test_a_folder_put_there_is_left_alone(nyud):
    shutil.copytree(nyud.layout, nyud.folder)
    (nyud.folder / "edge/0001.png").unlink()
    before = content(nyud.folder)
    nyud.server.pages["/a"] = Resource(nyud.body)
    nyud.obtain("/a")
    assert content(nyud.folder) == before
    assert nyud.server.seen == []


def test_a_local_file_is_unpacked_where_it_lies(nyud, tmp_path):
    elsewhere = tmp_path / "elsewhere.tar.gz"
    elsewhere.write_bytes(nyud.body)
    nyud.obtain({"kind": "local", "path": str(elsewhere)})
    assert content(nyud.folder) == content(nyud.layout)
    assert elsewhere.read_bytes() == nyud.body
    assert nyud.names() == [nyud.dataset]


def test_a_local_folder_is_linked(case):
    case.obtain({"kind": "local", "path": str(case.layout)})
    assert case.folder.is_symlink()
    assert content(case.folder / ".") == content(case.layout)
    assert not case.lock.exists()


def test_an_incomplete_local_folder(nyud):
    folder = nyud.copy()
    (folder / "edge/0001.png").unlink()
    with pytest.raises(InputError, match=r"Image '0001' has no boundary file: 0001\.png is missing"):
        nyud.obtain({"kind": "local", "path": str(folder)})
    assert nyud.names() == []


def test_a_named_source_comes_before_the_mirrors(nyud, tmp_path):
    nyud.server.pages["/x/NYUDv2.tar.gz"] = Resource(nyud.body)
    nyud.obtain("/never", source=nyud.server.url("/x/NYUDv2.tar.gz"))
    assert nyud.server.seen == [("/x/NYUDv2.tar.gz", None)]
    assert nyud.lock.is_file()
    assert content(nyud.folder) == content(nyud.layout)


def test_a_named_file_of_another_name_is_not_recorded(nyud, tmp_path):
    path = tmp_path / "mine.tgz"
    path.write_bytes(nyud.body)
    nyud.obtain("/never", source=str(path))
    assert content(nyud.folder) == content(nyud.layout)
    assert not nyud.lock.exists()


@pytest.mark.parametrize("path", ["/..", "/%2e%2e?x=../../y", "/a%20b/"])
def test_an_address_names_no_other_place(nyud, tmp_path, path):
    with pytest.raises(InputError, match="could not be fetched"):
        nyud.obtain(source=nyud.server.url(path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["archives"]
    assert nyud.names() == []


def test_a_named_source_that_is_not_there(nyud, tmp_path):
    with pytest.raises(InputError, match=r"none\.tgz: there is no such file or folder"):
        nyud.obtain("/a", source=str(tmp_path / "none.tgz"))
    assert nyud.server.seen == []


def test_a_lock_that_cannot_be_read(nyud):
    nyud.lock.parent.mkdir()
    nyud.lock.write_text("NYUDv2.tar.gz: {bytes: many}\n")
    nyud.server.pages["/a"] = Resource(nyud.body)
    with pytest.raises(InputError, match=r"nyud_v2\.lock: NYUDv2\.tar\.gz: key 'bytes' is 'many'"):
        nyud.obtain("/a")
    assert nyud.server.seen == []
