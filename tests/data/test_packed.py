"""The packed format: bytes, shards, damage."""

import json
import pickle
import subprocess
import sys
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from densemoe.data.codecs import CODECS
from densemoe.data.folders import replaced, resumed
from densemoe.data.packed import INDEX, Reader, finish
from densemoe.data.planes import PLANES, pack_bits
from densemoe.data.shards import Packable, cut, is_done, write_shard
from densemoe.params.errors import InputError

SIZES = ((6, 8), (8, 6), (5, 7), (9, 9), (1, 2))


def random_planes(dataset, size, seed):
    rng = np.random.default_rng(seed)
    planes = {}
    for plane in PLANES[dataset]:
        shape = plane.shape(*size)
        real = plane.dtype == "<f4"
        planes[plane.name] = rng.random(shape, np.float32) if real else rng.integers(0, 256, shape, np.uint8)
    return planes


def packable(dataset, size, k):
    return Packable(f"{k:04d}", random_planes(dataset, size, k), {"people": k % 2 == 0})


def write(folder, dataset="nyud_v2", shard_bytes=2**30, sizes=SIZES, codec="raw"):
    folder.mkdir()
    shards = cut(list(sizes), dataset, shard_bytes)
    for number, images in enumerate(shards):
        write_shard(folder, number, dataset, [packable(dataset, sizes[k], k) for k in images], codec=codec)
    finish(folder, dataset, "train", "atrc", codec, len(shards))
    return folder


def test_bits_of_a_pixel():
    parts = np.array([[6, 0, 3, 5]])
    edge, salient, valid = (np.array([row]) > 0 for row in ([1, 0, 0, 1], [1, 0, 1, 0], [1, 0, 0, 0]))
    bits = pack_bits(parts=parts, edge=edge, salient=salient, normal_valid=valid)
    assert bits.dtype == np.uint8
    assert bits.tolist() == [[6 + 8 + 16 + 32, 0, 3 + 16, 5 + 8]]


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("dataset", sorted(PLANES))
def test_what_is_read_is_what_was_written(tmp_path, dataset, codec):
    write(tmp_path / "p", dataset, codec=codec, shard_bytes=1152)
    reader = Reader(tmp_path / "p")
    reader.verify()
    assert (len(reader), reader.flavour) == (5, "atrc")
    for k, size in enumerate(SIZES):
        record = reader[k]
        assert record.id == f"{k:04d}"
        assert record.notes == {"people": k % 2 == 0}
        for name, plane in random_planes(dataset, size, k).items():
            np.testing.assert_array_equal(record.planes[name], plane)
            assert record.planes[name].dtype == plane.dtype
            with pytest.raises(ValueError, match="read-only"):
                record.planes[name][:] = 0
    assert reader.largest() == (9, 9)


@pytest.mark.parametrize(("dataset", "pixel"), [("pascal_context", 8), ("nyud_v2", 12)])
def test_bytes_on_disk(tmp_path, dataset, pixel):
    folder = write(tmp_path / "p", dataset)
    assert sorted(p.name for p in folder.iterdir()) == ["index.npy", "meta.json", "shard-000.bin"]
    first = random_planes(dataset, SIZES[0], 0)
    flat = b"".join(first[plane.name].tobytes() for plane in PLANES[dataset])
    content = (folder / "shard-000.bin").read_bytes()
    assert len(content) == pixel * sum(h * w for h, w in SIZES)
    assert content.startswith(flat)
    assert len(flat) == pixel * 48
    index = np.load(folder / "index.npy")
    assert index.dtype == INDEX
    assert index[1].tolist() == (0, 48 * pixel, 48 * pixel, 8, 6, zlib.crc32(content[48 * pixel : 96 * pixel]))


def test_meta_says_nothing_of_the_machine(tmp_path):
    meta = json.loads((write(tmp_path / "p") / "meta.json").read_text())
    keys = ["format", "dataset", "flavour", "split", "images", "ids_sha256", "codec", "planes", "shards", "ids"]
    assert list(meta) == [*keys, "notes"]
    assert meta["notes"] == {"people": [True, False, True, False, True]}
    assert meta["images"] == len(meta["ids"]) == 5
    first, second = write(tmp_path / "a"), write(tmp_path / "b")
    for name in ("meta.json", "index.npy", "shard-000.bin"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_new_shard_begins_when_the_next_image_does_not_fit(tmp_path):
    # 12 bytes a pixel: 576, 576, 420, 972, 24
    folder = write(tmp_path / "p", shard_bytes=1152)
    index = np.load(folder / "index.npy")
    assert index["shard"].tolist() == [0, 0, 1, 2, 2]
    assert index["offset"].tolist() == [0, 576, 0, 0, 972]
    reader = Reader(folder)
    for k, size in enumerate(SIZES):
        np.testing.assert_array_equal(reader[k].planes["depth"], random_planes("nyud_v2", size, k)["depth"])


def test_a_reader_travels_without_its_maps(tmp_path):
    reader = Reader(write(tmp_path / "p", sizes=((300, 300),)))
    wanted = reader[0].planes["image"].copy()
    sent = pickle.dumps(reader)
    assert len(sent) < 5000
    np.testing.assert_array_equal(pickle.loads(sent)[0].planes["image"], wanted)


def test_truncated_shard_is_one_sentence_on_open(tmp_path):
    folder = write(tmp_path / "p", shard_bytes=1152)
    path = folder / "shard-001.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError) as error:
        Reader(folder)
    assert str(error.value) == f"{path} holds 419 bytes, but meta.json says 420; prepare the data set again."


def test_a_flipped_bit_is_found_when_its_image_is_read(tmp_path):
    folder = write(tmp_path / "p")
    path = folder / "shard-000.bin"
    content = bytearray(path.read_bytes())
    content[600] ^= 4
    path.write_bytes(content)
    reader = Reader(folder)
    reader[0]
    with pytest.raises(InputError, match=r"shard-000\.bin: image '0001' is damaged: crc32 is"):
        reader[1]
    with pytest.raises(InputError, match=r"shard-000\.bin is damaged: sha256 is"):
        reader.verify()


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: (f / "meta.json").unlink(), r"meta\.json is missing; prepare the data set first"),
        (lambda f: (f / "meta.json").write_text("{"), "not readable as JSON"),
        (lambda f: (f / "meta.json").write_text("[]"), "format is None; this version reads format 2"),
        (
            lambda f: edit(f / "meta.json", format=1),
            "format is 1; this version reads format 2; prepare",
        ),
        (lambda f: edit(f / "meta.json", codec="zip"), "codec is 'zip'; allowed are compact, raw"),
        (lambda f: edit(f / "meta.json", dataset="coco"), "data set is 'coco'; allowed are nyud_v2, pascal_context"),
        (lambda f: edit(f / "meta.json", dataset="pascal_context"), "its planes are not those of pascal_context"),
        (lambda f: edit(f / "meta.json", ids=["a"]), "the ids do not match their sha256"),
        (lambda f: (f / "shard-000.bin").unlink(), r"shard-000\.bin is missing"),
        (lambda f: (f / "index.npy").unlink(), r"index\.npy is missing"),
        (lambda f: (f / "index.npy").write_bytes(b"x"), r"index\.npy is not readable"),
        (lambda f: np.save(f / "index.npy", np.zeros(4, INDEX)), "one entry for each of the 5 ids"),
        (lambda f: np.save(f / "index.npy", np.full(5, 1, INDEX)), "points beyond the shards"),
    ],
)
def test_damaged_folders(tmp_path, damage, reason):
    folder = write(tmp_path / "p")
    damage(folder)
    with pytest.raises(InputError, match=reason):
        Reader(folder)


def test_wrong_planes_are_a_programming_error(tmp_path):
    planes = random_planes("nyud_v2", (4, 4), 0)
    for wrong, reason in (
        ({**planes, "depth": planes["depth"].astype(np.float64)}, "plane depth is float64"),
        ({**planes, "edge": planes["edge"][:2]}, "plane edge is"),
        ({"image": planes["image"]}, "not those of nyud_v2"),
    ):
        with pytest.raises(ValueError, match=reason):
            write_shard(tmp_path, 0, "nyud_v2", [Packable("1", wrong, {})])
        assert not list(tmp_path.iterdir())


def test_a_compact_record_that_does_not_decode(tmp_path):
    folder = write(tmp_path / "p", codec="compact")
    path = folder / "shard-000.bin"
    content = bytearray(path.read_bytes())
    content[30:60] = bytes(30)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"shard-000\.bin: image '0000' is damaged: .*; prepare the data set again"):
        Reader(folder)[0]


def test_a_codec_that_loses_something_is_not_used(tmp_path):
    """The image's file decodes to other pixels than its plane."""
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "0000.png")
    image = packable("nyud_v2", (6, 8), 0)
    with pytest.raises(InputError, match="Image '0000' does not survive the codec compact"):
        write_shard(
            tmp_path, 0, "nyud_v2", [Packable("0000", image.planes, {}, tmp_path / "0000.png")], codec="compact"
        )
    assert [p.name for p in tmp_path.iterdir()] == ["0000.png"]


def test_shards_are_cut_by_the_sizes_of_the_images_alone():
    assert cut([(6, 8)] * 5, "nyud_v2", 1152) == [range(0, 2), range(2, 4), range(4, 5)]
    assert cut([(9, 9), (1, 1), (9, 9)], "nyud_v2", 10) == [range(0, 1), range(1, 2), range(2, 3)]
    assert cut([(6, 8)] * 5, "pascal_context", 1152) == [range(0, 3), range(3, 5)]


def test_a_shard_counts_only_whole_and_from_the_same_files(tmp_path):
    assert not is_done(tmp_path, 0, "a")
    write_shard(tmp_path, 0, "nyud_v2", [packable("nyud_v2", (6, 8), 0)], key="a")
    assert is_done(tmp_path, 0, "a")
    assert not is_done(tmp_path, 0, "b")
    content = bytearray((tmp_path / "shard-000.bin").read_bytes())
    content[5] ^= 1
    (tmp_path / "shard-000.bin").write_bytes(content)
    assert not is_done(tmp_path, 0, "a")


def test_resumed_keeps_what_an_interrupt_left_and_removes_what_bad_input_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), resumed(tmp_path / "x") as folder:
        (folder / "one").touch()
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == [".x.partial"]
    with resumed(tmp_path / "x") as folder:
        assert [p.name for p in folder.iterdir()] == ["one"]
    with pytest.raises(InputError), resumed(tmp_path / "x") as folder:
        (folder / "two").touch()
        raise InputError("Bad.")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["one"]


def test_replaced_leaves_the_old_folder_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "deep" / "x"
    with replaced(target) as folder:
        (folder / "one").touch()
        assert not target.exists()
    with pytest.raises(RuntimeError), replaced(target) as folder:
        (folder / "two").touch()
        raise RuntimeError
    assert [p.name for p in target.iterdir()] == ["one"]
    with replaced(target) as folder:
        (folder / "two").touch()
    assert [p.name for p in target.iterdir()] == ["two"]
    assert [p.name for p in target.parent.iterdir()] == ["x"]


def test_replaced_takes_up_after_a_kill(tmp_path):
    # killed between the two renames: only the hidden copies are there
    (tmp_path / ".x.old").mkdir()
    (tmp_path / ".x.old" / "one").touch()
    (tmp_path / ".x.partial").mkdir()
    (tmp_path / ".x.partial" / "half").touch()
    with pytest.raises(RuntimeError), replaced(tmp_path / "x") as folder:
        assert not list(folder.iterdir())
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["one"]


def test_torch_stays_away():
    code = (
        "import sys, densemoe.data.get, densemoe.data.packed, densemoe.data.prepare, densemoe.data.transforms, "
        "stages.get_data, stages.prepare; assert not {'torch', 'timm', 'skimage'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(p for p in sys.path if p)})


@pytest.mark.parametrize(
    ("flavour", "kind", "wanted"),
    [("mti_net", "archive", "atrc"), ("atrc", "scenes", "scenes"), ("scenes", "archive", "atrc")],
)
def test_a_run_takes_no_other_flavour_than_its_own(tmp_path, flavour, kind, wanted):
    from stages._packed import packed_split

    (tmp_path / "packed/mine").mkdir(parents=True)
    folder = write(tmp_path / "packed/mine/val")
    edit(folder / "meta.json", flavour=flavour)
    entry = SimpleNamespace(variant=SimpleNamespace(dataset="nyud_v2", data=SimpleNamespace(kind=kind)), data="mine")
    with pytest.raises(InputError, match=f"val holds the flavour '{flavour}' of nyud_v2, but '{wanted}' is"):
        packed_split(tmp_path, entry, "val")
    edit(folder / "meta.json", flavour=wanted)
    assert packed_split(tmp_path, entry, "val").flavour == wanted
