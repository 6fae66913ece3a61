"""The boundary archive: values, cropping, determinism, and what happens when writing or reading fails."""

import errno
import hashlib
import os
import time
import zipfile

import numpy as np
import pytest
import torch

from densemoe.evaluate.boundary_maps import BoundaryMapWriter, read_boundary_maps
from densemoe.params.errors import InputError


def logit(p: float) -> float:
    return torch.logit(torch.tensor(p, dtype=torch.float64)).item()


def write(path, seed: int = 0, ids: tuple[str, ...] = ("2008_000008", "2008_000015")) -> torch.Tensor:
    prediction = 3 * torch.randn(len(ids), 1, 8, 10, generator=torch.Generator().manual_seed(seed))
    boxes = torch.tensor([[0, 2, 8, 5], [1, 0, 6, 10]])[: len(ids)]
    with BoundaryMapWriter(path) as writer:
        writer.write(prediction, list(ids), boxes)
    return prediction


def test_values_are_truncated_not_rounded(tmp_path):
    # 255 * (0, .1, .5, .999, 1) = 0, 25.5, 127.5, 254.745, 255
    row = torch.tensor([-200.0, logit(0.1), logit(0.5), logit(0.999), 200.0]).view(1, 1, 1, 5)
    with BoundaryMapWriter(tmp_path / "b.zip") as writer:
        writer.write(row, ["a"], torch.tensor([[0, 0, 1, 5]]))
    ((name, pixels),) = read_boundary_maps(tmp_path / "b.zip")
    assert name == "a"
    assert pixels.dtype == np.uint8
    assert pixels.tolist() == [[0, 25, 127, 254, 255]]


def test_maps_are_cropped_to_the_original_image(tmp_path):
    prediction = write(tmp_path / "b.zip")
    whole = (prediction.sigmoid() * 255).to(torch.uint8)[:, 0].numpy()
    maps = list(read_boundary_maps(tmp_path / "b.zip"))
    assert [name for name, _ in maps] == ["2008_000008", "2008_000015"]
    assert np.array_equal(maps[0][1], whole[0, :, 2:7])
    assert np.array_equal(maps[1][1], whole[1, 1:7])


def test_half_precision_logits_are_squashed_in_float32(tmp_path):
    prediction = torch.tensor([1.7]).bfloat16().view(1, 1, 1, 1)
    with BoundaryMapWriter(tmp_path / "b.zip") as writer:
        writer.write(prediction, ["a"], torch.tensor([[0, 0, 1, 1]]))
    ((_, pixels),) = read_boundary_maps(tmp_path / "b.zip")
    assert pixels.item() == int(255 * torch.sigmoid(prediction.double()).item())


def test_the_archive_is_an_uncompressed_zip_of_pngs(tmp_path):
    write(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        members = archive.infolist()
        assert [m.filename for m in members] == ["2008_000008.png", "2008_000015.png"]
        assert {m.compress_type for m in members} == {zipfile.ZIP_STORED}
        assert {m.date_time for m in members} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read(members[0])[:8] == b"\x89PNG\r\n\x1a\n"


def test_equal_maps_give_equal_bytes_at_any_time(tmp_path, monkeypatch):
    write(tmp_path / "one.zip")
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(2_000_000_000))
    write(tmp_path / "two.zip")
    write(tmp_path / "other.zip", seed=1)
    digests = [hashlib.sha256((tmp_path / f"{n}.zip").read_bytes()).hexdigest() for n in ("one", "two", "other")]
    assert digests[0] == digests[1] != digests[2]


def test_an_error_keeps_the_former_archive_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "b.zip"
    write(path)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="stop"), BoundaryMapWriter(path) as writer:
        writer.write(torch.zeros(1, 1, 2, 2), ["a"], torch.tensor([[0, 0, 2, 2]]))
        raise RuntimeError("stop")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["b.zip"]


@pytest.mark.parametrize("call", ["fsync", "testzip"])
def test_a_full_or_lying_disk_keeps_the_former_archive(tmp_path, monkeypatch, call):
    path = tmp_path / "b.zip"
    write(path)
    before = path.read_bytes()
    if call == "fsync":

        def full(_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda self: "2008_000008.png")
    with pytest.raises(OSError, match=r"No space left|does not read back"):
        write(path, seed=1)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["b.zip"]


def test_nothing_appears_under_the_name_while_writing(tmp_path):
    path = tmp_path / "deep" / "b.zip"
    with BoundaryMapWriter(path) as writer:
        writer.write(torch.zeros(1, 1, 2, 2), ["a"], torch.tensor([[0, 0, 2, 2]]))
        assert not path.exists()
    assert len(list(read_boundary_maps(path))) == 1


def test_an_image_predicted_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="image 2008_000008 was predicted twice"):
        write(tmp_path / "b.zip", ids=("2008_000008", "2008_000008"))


@pytest.mark.parametrize("image_id", ["", "a/b", "../a"])
def test_an_id_that_is_no_file_name_is_refused(tmp_path, image_id):
    with pytest.raises(InputError, match="cannot be a file name"):
        write(tmp_path / "b.zip", ids=(image_id,))


@pytest.mark.parametrize("box", [[0, 0, 9, 10], [-1, 0, 8, 10], [0, 6, 8, 5], [0, 0, 0, 10]])
def test_a_box_outside_of_the_frame_is_refused(tmp_path, box):
    with (
        pytest.raises(InputError, match=r"Image a: the box .* frame of 8 x 10 pixels"),
        BoundaryMapWriter(tmp_path / "b.zip") as writer,
    ):
        writer.write(torch.zeros(1, 1, 8, 10), ["a"], torch.tensor([box]))


def test_a_truncated_archive_is_refused(tmp_path):
    path = tmp_path / "b.zip"
    write(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"b\.zip: not a complete zip archive"):
        list(read_boundary_maps(path))


def test_a_damaged_map_is_named(tmp_path):
    path = tmp_path / "b.zip"
    write(path)
    data = bytearray(path.read_bytes())
    data[80] ^= 0xFF  # inside the first PNG
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"2008_000008\.png is not a readable PNG"):
        list(read_boundary_maps(path))


def test_a_map_of_another_kind_is_named(tmp_path):
    from PIL import Image

    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "a.png")
    with pytest.raises(InputError, match=r"a\.png has mode RGB; expected"):
        list(read_boundary_maps(tmp_path / "b.zip"))
