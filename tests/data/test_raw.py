"""Split files and files of an id: what is found and what is refused."""

import hashlib

import pytest

from densemoe.data.raw import LAYOUTS, check_files, ids_sha256, locate, read_ids, read_splits
from densemoe.params.errors import InputError
from tests.data.raw_layouts import WRITE


@pytest.fixture(params=sorted(LAYOUTS))
def raw(request, tmp_path):
    return request.param, tmp_path, WRITE[request.param](tmp_path)


def test_ids_in_order_of_the_file(raw):
    dataset, root, splits = raw
    assert read_splits(dataset, root) == splits
    assert [len(ids) for ids in splits.values()] == [4, 2]


def test_fingerprint_is_the_published_form():
    assert ids_sha256(["0001", "0002"]) == hashlib.sha256(b"0001\n0002").hexdigest()


def split_file(dataset, root, split="train"):
    return root / LAYOUTS[dataset].split.format(split=split)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a\nb\na\n", "id 'a' stands twice"),
        ("a\n../b\n", "id '../b' is not a plain name"),
        ("a\n/etc/b\n", "is not a plain name"),
        ("a\n..\n", "is not a plain name"),
        ("\n\n", "lists no id"),
    ],
)
def test_bad_split_files_are_refused(raw, content, reason):
    dataset, root, _ = raw
    split_file(dataset, root).write_text(content)
    with pytest.raises(InputError, match=reason):
        read_ids(dataset, root, "train")


def test_missing_split_file(raw):
    dataset, root, _ = raw
    split_file(dataset, root, "val").unlink()
    with pytest.raises(InputError, match=r"val\.txt is missing"):
        read_splits(dataset, root)


def test_id_in_both_splits(raw):
    dataset, root, splits = raw
    split_file(dataset, root, "val").write_text("\n".join([*splits["val"], splits["train"][1]]))
    with pytest.raises(InputError, match=rf"id '{splits['train'][1]}' is in train and in val \(1 such ids\)"):
        read_splits(dataset, root)


def test_every_missing_file_is_named_with_its_folder(raw):
    dataset, root, splits = raw
    checked = 0
    # index 1 has no VOC12 file, so each kind has exactly one file
    id_ = splits["train"][1]
    for kind, path in locate(dataset, root, id_).items():
        content = path.read_bytes()
        path.unlink()
        for look in (lambda: locate(dataset, root, id_), lambda: check_files(dataset, root, splits["train"])):
            with pytest.raises(InputError, match=rf"Image '{id_}' has no {kind} file: .*{path.parent.name}"):
                look()
        path.write_bytes(content)
        checked += 1
    assert checked == {"pascal_context": 6, "nyud_v2": 5}[dataset]
    check_files(dataset, root, splits["train"] + splits["val"])


def test_voc12_is_preferred(tmp_path):
    ids = WRITE["pascal_context"](tmp_path)["train"]
    folders = [locate("pascal_context", tmp_path, id_)["semseg"].parent.name for id_ in ids]
    assert folders == ["VOC12", "pascal-context", "pascal-context", "VOC12"]


def test_unknown_data_set(tmp_path):
    with pytest.raises(InputError, match="allowed are nyud_v2, pascal_context"):
        read_ids("cityscapes", tmp_path, "train")
