"""One image -> planes, by definition and on faulty files; whole data sets end to end."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat
from skimage.morphology import thin

from densemoe.data.codecs import CODECS
from densemoe.data.packed import Reader
from densemoe.data.planes import EDGE_BIT, NORMAL_BIT, PARTS_MASK, SALIENT_BIT
from densemoe.data.prepare import PREPARE, prepare_dataset
from densemoe.data.prepare.boundary_labels import class_borders
from densemoe.data.prepare.pascal_context import NORMALS_VALID, PART_OF, read_parts
from densemoe.data.raw import layout, locate
from densemoe.params.errors import InputError
from tests.data.raw_layouts import PART_NAMES, WRITE, person, write_parts

FRAME = (64, 64)


def test_tables():
    assert len(NORMALS_VALID) == len(set(NORMALS_VALID)) == 170
    # ids of person, car, cat, dog and chair, whose normals count; of aeroplane, bird, cow, horse, sheep, which do not
    assert {284, 59, 65, 113, 72} <= set(NORMALS_VALID)
    assert not {2, 25, 98, 207, 347} & set(NORMALS_VALID)
    assert sorted(PART_OF) == sorted(PART_NAMES)
    assert np.bincount(list(PART_OF.values())).tolist() == [0, 10, 2, 2, 4, 2, 4]


def test_pascal_planes_by_definition(tmp_path):
    ids = [i for part in WRITE["pascal_context"](tmp_path).values() for i in part]
    for id_ in ids:
        files = locate("pascal_context", tmp_path, id_)
        planes, notes = PREPARE["pascal_context"](files)
        labels = loadmat(files["label_map"])["LabelMap"]
        bits = planes["bits"]
        np.testing.assert_array_equal(planes["image"], np.array(Image.open(files["image"]).convert("RGB")))
        np.testing.assert_array_equal(planes["semseg"], np.array(Image.open(files["semseg"])))
        np.testing.assert_array_equal((bits & EDGE_BIT) != 0, thin(class_borders(labels)))
        grey = np.array(Image.open(files["saliency"])).astype(np.float32) / 255
        np.testing.assert_array_equal((bits & SALIENT_BIT) != 0, grey > 0.5)
        valid = np.isin(labels, NORMALS_VALID)
        assert 0 < valid.mean() < 1
        np.testing.assert_array_equal((bits & NORMAL_BIT) != 0, valid)
        stored = np.array(Image.open(files["normals"]))
        np.testing.assert_array_equal(planes["normals"][valid], stored[valid])
        assert not planes["normals"][~valid].any()
        assert notes["semseg_source"] == files["semseg"].parent.name
        k = ids.index(id_)
        assert notes["people"] is (k % 2 == 0)
        assert ((bits & PARTS_MASK) > 0).any() == (k % 4 == 0)
    assert len(ids) == 6


def test_parts_later_overwrite_and_other_objects_are_skipped(tmp_path):
    shape = (4, 6)
    full, left, column = np.ones(shape, bool), np.zeros(shape, bool), np.zeros(shape, bool)
    left[:, :3] = True
    column[:, 2] = True
    path = tmp_path / "2008_000001.mat"
    write_parts(
        path,
        person(full, [("lhand", full)], class_index=8),
        person(full, []),
        person(full, [("torso", left), ("hair", column)]),
        person(full, [("rfoot", ~left)]),
    )
    parts, people = read_parts(path, shape)
    assert people
    assert parts.tolist() == [[2, 2, 1, 6, 6, 6]] * 4


def test_people_without_parts_give_zeros(tmp_path):
    path = tmp_path / "2008_000001.mat"
    write_parts(path, person(np.ones((4, 6)), []))
    parts, people = read_parts(path, (4, 6))
    assert people
    assert parts.shape == (4, 6)
    assert not parts.any()


def test_a_person_of_no_area_is_none(tmp_path):
    path = tmp_path / "2008_000001.mat"
    write_parts(path, person(np.zeros((4, 6)), [("head", np.ones((4, 6)))]))
    parts, people = read_parts(path, (4, 6))
    assert not people
    assert not parts.any()


def test_nyud_planes_by_definition(tmp_path):
    ids = [i for part in WRITE["nyud_v2"](tmp_path).values() for i in part]
    for id_ in ids:
        files = locate("nyud_v2", tmp_path, id_)
        planes, notes = PREPARE["nyud_v2"](files)
        raw = np.array(Image.open(files["semseg"])).astype(int)
        np.testing.assert_array_equal(planes["semseg"], np.where(raw == 0, 255, raw - 1))
        np.testing.assert_array_equal(planes["edge"], np.array(Image.open(files["boundary"])))
        np.testing.assert_array_equal(planes["depth"], np.load(files["depth"]))
        np.testing.assert_array_equal(planes["normals"], np.array(Image.open(files["normals"])))
        np.testing.assert_array_equal(planes["image"], np.array(Image.open(files["image"])))
        assert planes["depth"].dtype == np.float32
        assert notes == {}
    assert len(ids) == 6


def _png(path, array):
    Image.fromarray(np.asarray(array, np.uint8)).save(path)


FAULTS = {
    "pascal_context": [
        ("image", lambda p: p.write_bytes(p.read_bytes()[:200]), "not readable as an image"),
        ("semseg", lambda p: _png(p, np.full((37, 40), 21)), "holds class 21; allowed are 0 to 20 and 255"),
        ("semseg", lambda p: _png(p, np.zeros((37, 40, 3))), "pixel mode RGB"),
        ("saliency", lambda p: _png(p, np.zeros((36, 40))), "is 36x40, but image '2008_000002' is 37x40"),
        ("normals", lambda p: _png(p, np.zeros((37, 41, 3))), "is 37x41"),
        ("label_map", lambda p: savemat(p, {"Labels": np.zeros((37, 40))}), "no variable 'LabelMap'; it holds Labels"),
        ("label_map", lambda p: savemat(p, {"LabelMap": np.full((37, 40), 460, np.uint16)}), "holds class 460"),
        ("label_map", lambda p: savemat(p, {"LabelMap": np.zeros((37, 40))}), "LabelMap is float64"),
        ("label_map", lambda p: p.write_bytes(b"no matlab"), "not readable as a Matlab file"),
        ("human_parts", lambda p: savemat(p, {"anno": np.zeros((1, 1))}), "not a PASCAL-Part annotation"),
        (
            "human_parts",
            lambda p: write_parts(p, person(np.ones((37, 40)), [("tail", np.ones((37, 40)))])),
            "unknown body part 'tail'",
        ),
        ("human_parts", lambda p: write_parts(p, person(np.ones((9, 9)), [("head", np.ones((9, 9)))])), "is 9x9"),
    ],
    "nyud_v2": [
        ("semseg", lambda p: _png(p, np.full((34, 45), 41)), "holds class 41; allowed are 0 to 40"),
        ("boundary", lambda p: _png(p, np.zeros((34, 44))), "is 34x44"),
        ("depth", lambda p: np.save(p, np.ones((34, 45), np.uint16)), "is uint16 of 2 axes"),
        ("depth", lambda p: np.save(p, np.full((34, 45), -1.0, np.float32)), "negative or not finite"),
        ("depth", lambda p: np.save(p, np.full((34, 45), np.nan, np.float32)), "negative or not finite"),
        ("depth", lambda p: p.write_bytes(p.read_bytes()[:300]), "not readable as an array"),
        ("depth", lambda p: p.write_bytes(p.read_bytes().replace(b"}", b"(")), "not readable as an array"),
        ("normals", lambda p: p.write_bytes(p.read_bytes().replace(b"IDAT", b"IDAX")), "not readable as an image"),
        ("image", lambda p: _png(p, np.zeros((64, 45, 3))), "is 34x45, but image '0003' is 64x45"),
    ],
}


@pytest.mark.parametrize(("dataset", "fault"), [(d, f) for d, faults in FAULTS.items() for f in faults])
def test_faulty_files_are_refused_and_nothing_is_left(tmp_path, dataset, fault):
    kind, damage, reason = fault
    ids = WRITE[dataset](tmp_path / "raw")["train"]
    path = locate(dataset, tmp_path / "raw", ids[2])[kind]
    damage(path)
    with pytest.raises(InputError, match=reason) as error:
        prepare_dataset(dataset, tmp_path / "raw", tmp_path / "packed", FRAME)
    assert ids[2] in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


def fingerprint(folder):
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.*")}


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("dataset", sorted(WRITE))
def test_whole_data_set(tmp_path, dataset, codec):
    splits = WRITE[dataset](tmp_path / "raw")
    steps = []
    options = {"codec": codec, "progress": lambda *step: steps.append(step)}
    prepare_dataset(dataset, tmp_path / "raw", tmp_path / "packed", FRAME, **options)
    assert steps == [(n, 6) for n in range(1, 7)]
    for split, ids in splits.items():
        reader = Reader(tmp_path / "packed" / split)
        assert (reader.ids, reader.dataset, reader.split) == (ids, dataset, split)
        assert reader.flavour == layout(dataset).flavour
        for i, id_ in enumerate(ids):
            planes, notes = PREPARE[dataset](locate(dataset, tmp_path / "raw", id_))
            record = reader[i]
            assert (record.id, record.notes) == (id_, notes)
            assert record.planes.keys() == planes.keys()
            for name, plane in planes.items():
                np.testing.assert_array_equal(record.planes[name], plane)
    meta = json.loads((tmp_path / "packed/train/meta.json").read_text())
    if dataset == "pascal_context":
        assert meta["notes"]["semseg_source"] == ["VOC12", "pascal-context", "pascal-context", "VOC12"]
    # a second time over the first, from elsewhere: the same bytes
    before = fingerprint(tmp_path / "packed")
    assert len(before) == 6
    (tmp_path / "raw").rename(tmp_path / "elsewhere")
    prepare_dataset(dataset, tmp_path / "elsewhere", tmp_path / "packed", FRAME, codec=codec)
    assert fingerprint(tmp_path / "packed") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["elsewhere", "packed"]


@pytest.mark.slow
def test_processes_change_no_byte(tmp_path):
    WRITE["pascal_context"](tmp_path / "raw")
    steps = {}
    for workers in (1, 2, 3):
        steps[workers] = []
        prepare_dataset(
            "pascal_context", tmp_path / "raw", tmp_path / f"packed{workers}", FRAME,
            workers=workers, shard_bytes=30_000, progress=lambda *step, w=workers: steps[w].append(step),
        )  # fmt: skip
    first = fingerprint(tmp_path / "packed1")
    assert sum(name.endswith(".bin") for name in first) >= 3
    assert fingerprint(tmp_path / "packed2") == fingerprint(tmp_path / "packed3") == first
    assert [found[-1] for found in steps.values()] == [(6, 6)] * 3


class Stop(BaseException):
    """Ends a preparation as an interrupt does."""


def counted(monkeypatch, stop_after=None):
    """Ids that are really prepared, in order; ends with Stop after so many."""
    seen = []
    original = PREPARE["nyud_v2"]

    def count(files):
        if len(seen) == stop_after:
            raise Stop
        seen.append(files["image"].stem)
        return original(files)

    monkeypatch.setitem(PREPARE, "nyud_v2", count)
    return seen


ONE_EACH = 34 * 45 * 12
"""Bytes of one image: every shard holds one."""


def test_a_killed_preparation_keeps_the_shards_that_were_complete(tmp_path, monkeypatch):
    ids = [id_ for part in WRITE["nyud_v2"](tmp_path / "raw").values() for id_ in part]
    arguments = ("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME)
    prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "whole", FRAME, shard_bytes=ONE_EACH)
    with monkeypatch.context() as patch, pytest.raises(Stop):
        assert counted(patch, stop_after=3) == []
        prepare_dataset(*arguments, shard_bytes=ONE_EACH)
    assert not (tmp_path / "packed").exists()
    # of the three: one was damaged since, another's raw file was edited
    partial = tmp_path / ".packed.partial/train"
    assert sorted(p.name for p in partial.glob("*.bin")) == [f"shard-00{k}.bin" for k in range(3)]
    (partial / "shard-001.bin").write_bytes(b"x")
    (partial / ".shard-003.bin.99").write_bytes(b"half a shard of a killed process")
    touched = tmp_path / f"raw/edge/{ids[2]}.png"
    edge = np.array(Image.open(touched))
    _png(touched, 255 - edge)
    steps = []
    with monkeypatch.context() as patch:
        seen = counted(patch)
        prepare_dataset(*arguments, shard_bytes=ONE_EACH, progress=lambda *step: steps.append(step))
    assert seen == ids[1:]
    assert steps == [(n, 6) for n in range(1, 7)]
    changed = {k for k, v in fingerprint(tmp_path / "whole").items() if fingerprint(tmp_path / "packed")[k] != v}
    assert changed == {"train/shard-002.bin", "train/index.npy", "train/meta.json"}
    np.testing.assert_array_equal(Reader(tmp_path / "packed/train")[2].planes["edge"], 255 - edge)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["packed", "raw", "whole"]


def test_another_way_of_packing_starts_anew(tmp_path, monkeypatch):
    ids = [id_ for part in WRITE["nyud_v2"](tmp_path / "raw").values() for id_ in part]
    arguments = ("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME)
    with monkeypatch.context() as patch, pytest.raises(Stop):
        counted(patch, stop_after=5)
        prepare_dataset(*arguments, shard_bytes=ONE_EACH)
    seen = counted(monkeypatch)
    prepare_dataset(*arguments, codec="compact")
    assert seen == ids
    assert sorted(p.name for p in (tmp_path / "packed/train").iterdir()) == ["index.npy", "meta.json", "shard-000.bin"]


@pytest.mark.slow
def test_a_real_kill(tmp_path):
    """SIGKILL to the command while processes write: they end too, and the next command goes on."""
    WRITE["nyud_v2"](tmp_path / "raw", train=60, val=4)
    code = (
        "import sys; from densemoe.data.prepare import prepare_dataset\n"
        "if __name__ == '__main__':\n"
        f"    prepare_dataset('nyud_v2', sys.argv[1], sys.argv[2], (64, 64), workers=2, shard_bytes={ONE_EACH})\n"
    )
    (tmp_path / "run.py").write_text(code)
    call = [sys.executable, "run.py", "raw", "packed"]
    environment = {"PYTHONPATH": ":".join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(call, cwd=tmp_path, env=environment)
    partial = tmp_path / ".packed.partial/train"
    while process.poll() is None and len(list(partial.glob("*.json"))) < 3:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -9
    kept = {p.name: p.stat().st_mtime_ns for p in partial.glob("shard-*.bin") if p.with_suffix(".json").exists()}
    assert len(kept) >= 3
    subprocess.run(call, cwd=tmp_path, env=environment, check=True)
    packed = tmp_path / "packed/train"
    assert {name: (packed / name).stat().st_mtime_ns for name in kept} == kept
    prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "whole", FRAME, shard_bytes=ONE_EACH)
    assert fingerprint(tmp_path / "packed") == fingerprint(tmp_path / "whole")
    assert len(fingerprint(tmp_path / "whole")) == 64 + 4


def test_a_killed_process_is_one_sentence(tmp_path, monkeypatch):
    from densemoe.data.prepare import dataset as module

    def killed(*_):
        raise BrokenProcessPool

    WRITE["nyud_v2"](tmp_path / "raw")
    monkeypatch.setattr(module, "completed", killed)
    with pytest.raises(InputError, match=r"was killed, perhaps for want of memory; complete shards are kept"):
        prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME, workers=2)


def test_a_full_disk_leaves_nothing_and_keeps_the_old(tmp_path, monkeypatch):
    WRITE["nyud_v2"](tmp_path / "raw")
    prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME)
    before = fingerprint(tmp_path / "packed")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME)
    assert fingerprint(tmp_path / "packed") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["packed", "raw"]


def test_a_wrong_flavour_or_codec(tmp_path):
    WRITE["nyud_v2"](tmp_path / "raw")
    arguments = ("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME)
    with pytest.raises(InputError, match="raw holds the flavour 'atrc' of nyud_v2, but 'scenes' is needed here"):
        prepare_dataset(*arguments, flavour="scenes")
    with pytest.raises(InputError, match="Unknown codec 'zip'; allowed are compact, raw"):
        prepare_dataset(*arguments, codec="zip")
    assert [p.name for p in tmp_path.iterdir()] == ["raw"]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_older_result_survives_a_failure(tmp_path, workers):
    ids = WRITE["nyud_v2"](tmp_path / "raw")["val"]
    prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME)
    before = fingerprint(tmp_path / "packed")
    _png(tmp_path / f"raw/edge/{ids[1]}.png", np.zeros((3, 3)))
    with pytest.raises(InputError, match=f"edge/{ids[1]}.png is 3x3"):
        prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "packed", FRAME, workers=workers)
    assert fingerprint(tmp_path / "packed") == before


def test_a_larger_edition_is_refused(tmp_path):
    WRITE["nyud_v2"](tmp_path / "raw")
    with pytest.raises(InputError, match="is 34x45; images of nyud_v2 are at most 30x45, so this is another edition"):
        prepare_dataset("nyud_v2", tmp_path / "raw", tmp_path / "packed", (30, 45))


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="none is missing"):
        prepare_dataset("nyud_v2", tmp_path / "none", tmp_path / "packed", FRAME)
