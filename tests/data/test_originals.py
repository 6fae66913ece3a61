"""Original sources, fabricated in the layout that their archives unpack to."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from densemoe.data.originals import rebuild, survey
from densemoe.data.originals.sources import PARTS
from densemoe.data.raw import LAYOUTS, ids_sha256, read_splits
from densemoe.params.errors import InputError
from densemoe.params.files import DatasetFacts, parse
from tests.data.raw_layouts import WRITE

REPOSITORY = Path(__file__).parents[2]


def facts_of(splits):
    data = {
        "outputs": {"semseg": 21},
        "splits": {s: {"images": len(ids), "ids_sha256": ids_sha256(ids)} for s, ids in splits.items()},
        "frame": [64, 64],
        "place_by_hand": "",
    }
    return parse(DatasetFacts, data, "test")


@pytest.fixture
def pascal(tmp_path):
    """The archive's content taken apart into the originals it was made from."""
    whole, root = tmp_path / "whole", tmp_path / "downloads"
    splits = WRITE["pascal_context"](whole)
    for source, target in (
        ("JPEGImages", "VOCdevkit/VOC2010/JPEGImages"),
        ("pascal-context/trainval", "pascal-context/trainval"),
        ("human_parts", "parts/Annotations_Part"),
        ("semseg/VOC12", "VOCdevkit/VOC2012/SegmentationClass"),
        ("ImageSets/Context", "VOCdevkit/VOC2010/ImageSets/Main"),
    ):
        shutil.copytree(whole / source, root / target)
    return whole, root, splits


def test_every_file_of_the_layouts_is_accounted_for():
    for dataset, known in LAYOUTS.items():
        targets = {path for paths in known.files.values() for path in paths}
        assert {part.target for part in PARTS[dataset]} == targets
        for part in PARTS[dataset]:
            assert bool(part.pattern) != bool(part.why_not)


def test_pascal_parts_are_rebuilt_byte_for_byte(pascal, tmp_path):
    whole, root, splits = pascal
    lists, findings = survey("pascal_context", root, facts_of(splits))
    assert lists == splits
    assert [finding.complete for finding in findings] == [True] * 4 + [False] * 3
    missing = rebuild("pascal_context", lists, findings, tmp_path / "out")
    assert [str(finding).partition(":")[0] for finding in missing] == [
        "semseg/pascal-context", "normals_distill", "sal_distill",
    ]  # fmt: skip
    assert "output of a network" in str(missing[-1])
    written = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.*")]
    assert len(written) == 2 + 3 * 6 + 2
    for path in written:
        if path.suffix != ".txt":
            assert (tmp_path / "out" / path).read_bytes() == (whole / path).read_bytes()
    assert read_splits("pascal_context", tmp_path / "out") == splits


def test_what_is_not_there_is_said(pascal):
    _, root, splits = pascal
    shutil.rmtree(root / "parts")
    (root / "VOCdevkit/VOC2010/JPEGImages" / f"{splits['val'][0]}.jpg").unlink()
    _, findings = survey("pascal_context", root, facts_of(splits))
    assert "JPEGImages: 5 files of 6 ids, from" in str(findings[0])
    assert not findings[0].complete
    assert str(findings[2]) == (
        "human_parts: its source is not there: PASCAL-Part trainval.tar.gz, with Annotations_Part/{id}.mat"
    )


def test_other_lists_are_refused(pascal):
    _, root, splits = pascal
    path = root / "VOCdevkit/VOC2010/ImageSets/Main/val.txt"
    path.write_text("\n".join(reversed(path.read_text().split())))
    with pytest.raises(InputError, match="does not give the val split: 2 ids, sha256"):
        survey("pascal_context", root, facts_of(splits))


def test_nyud_lists_come_from_the_official_split(tmp_path, params):
    splits = {"train": ["0003", "0004", "0010"], "val": ["0001", "0002", "0009"]}
    numbers = {"trainNdxs": np.array([[3], [4], [10]]), "testNdxs": np.array([[1], [2], [9]])}
    (tmp_path / "x").mkdir()
    savemat(tmp_path / "x/splits.mat", numbers)
    lists, findings = survey("nyud_v2", tmp_path, facts_of(splits))
    assert lists == splits
    assert not any(finding.complete for finding in findings)
    with pytest.raises(InputError, match="published are 795 and None"):
        survey("nyud_v2", tmp_path, params.dataset("nyud_v2"))


def test_an_existing_folder_is_not_touched(pascal, tmp_path):
    _, root, splits = pascal
    lists, findings = survey("pascal_context", root, facts_of(splits))
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="out exists; name a new folder"):
        rebuild("pascal_context", lists, findings, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_the_command(tmp_path):
    call = [sys.executable, "-m", "stages.originals", "--dataset", "nyud_v2", "--folder", str(tmp_path)]
    done = subprocess.run(call, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "lists of the splits: no source"
    assert [line.partition(":")[0] for line in lines[1:]] == ["images", "depth", "segmentation", "edge", "normals"]
    refused = subprocess.run([*call, "--out", str(tmp_path / "o")], cwd=REPOSITORY, capture_output=True, text=True)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "o").exists()
