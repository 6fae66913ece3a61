"""Files on disk: names, formats, and contents equal to the rendered scenes."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat

from densemoe.data.flavour import MARKER, flavour_of
from densemoe.data.scenes import render_scene, write_dataset
from densemoe.data.scenes.classes import CONTEXT_IDS, PART_NAMES, VOC_CLASSES

PASCAL, NYUD = "pascal_context", "nyud_v2"
TRAIN, VAL = 7, 4


@pytest.fixture(scope="module")
def pascal(tmp_path_factory):
    root = tmp_path_factory.mktemp("scenes") / "PASCALContext"
    write_dataset(PASCAL, root, (48, 64), TRAIN, VAL)
    return root


@pytest.fixture(scope="module")
def nyud(tmp_path_factory):
    root = tmp_path_factory.mktemp("scenes") / "NYUDv2"
    write_dataset(NYUD, root, (53, 70), TRAIN, VAL)
    return root


def _ids(path) -> list[str]:
    text = path.read_text()
    assert text.endswith("\n")
    return text.split()


def _pascal_scenes(root):
    for split, count in (("train", TRAIN), ("val", VAL)):
        ids = _ids(root / f"ImageSets/Context/{split}.txt")
        assert len(ids) == count
        for index, name in enumerate(ids):
            size = (64, 48) if index % 4 == 3 else (48, 64)
            yield split, index, name, render_scene(PASCAL, split, index, size)


def _array(path, mode):
    with Image.open(path) as image:
        assert image.mode == mode
        return np.array(image)


def test_pascal_folders_hold_one_file_per_image(pascal):
    ids = _ids(pascal / "ImageSets/Context/train.txt") + _ids(pascal / "ImageSets/Context/val.txt")
    assert len(set(ids)) == TRAIN + VAL
    folders = {
        "JPEGImages": ".jpg",
        "pascal-context/trainval": ".mat",
        "semseg/pascal-context": ".png",
        "human_parts": ".mat",
        "normals_distill": ".png",
        "sal_distill": ".png",
    }
    for folder, suffix in folders.items():
        assert sorted(path.name for path in (pascal / folder).iterdir()) == sorted(name + suffix for name in ids)
    assert len(list((pascal / "semseg/VOC12").iterdir())) == 3 + 2  # one of three of each split


def test_pascal_files_hold_the_rendered_scenes(pascal):
    portraits = seen = 0
    for _, _, name, scene in _pascal_scenes(pascal):
        image = _array(pascal / f"JPEGImages/{name}.jpg", "RGB")
        assert np.abs(image.astype(int) - scene.image).mean() < 15  # JPEG with halved colour resolution
        label_map = loadmat(pascal / f"pascal-context/trainval/{name}.mat")["LabelMap"]
        assert label_map.dtype == np.uint16
        assert np.array_equal(label_map, scene.context)
        assert np.array_equal(_array(pascal / f"semseg/pascal-context/{name}.png", "P"), scene.semseg)
        assert np.array_equal(_array(pascal / f"normals_distill/{name}.png", "RGB"), scene.normals)
        assert np.array_equal(_array(pascal / f"sal_distill/{name}.png", "L"), scene.saliency)
        portraits += image.shape[0] > image.shape[1]
        seen += 1
    assert (seen, portraits) == (TRAIN + VAL, 2)


def test_voc12_files_have_a_void_border(pascal):
    seen = 0
    for _, index, name, scene in _pascal_scenes(pascal):
        path = pascal / f"semseg/VOC12/{name}.png"
        assert path.exists() == (index % 3 == 0)
        if not path.exists():
            continue
        labels = _array(path, "P")
        void = labels == 255
        assert void.any() and np.array_equal(labels[~void], scene.semseg[~void])
        changes = scene.semseg[:, 1:] != scene.semseg[:, :-1]
        assert void[:, 1:][changes].all() and void[:, :-1][changes].all()
        seen += 1
    assert seen == 5


def test_palette_is_that_of_voc(pascal):
    path = next((pascal / "semseg/pascal-context").iterdir())
    with Image.open(path) as image:
        palette = np.array(image.getpalette()).reshape(-1, 3)
    # VOC: background black, aeroplane (128, 0, 0), bicycle (0, 128, 0), person (192, 128, 128), void (224, 224, 192)
    assert palette[[0, 1, 2, 15]].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [192, 128, 128]]
    if len(palette) == 256:
        assert palette[255].tolist() == [224, 224, 192]


def test_parts_are_readable_by_position(pascal):
    """Indexing as the public loaders do it: anno[0][0][1][0][i] -> [1] class, [2] mask, [3] parts."""
    people = objects = 0
    for split, _, name, scene in _pascal_scenes(pascal):
        anno = loadmat(pascal / f"human_parts/{name}.mat")["anno"]
        assert str(anno[0][0][0][0]) == name
        rows = anno[0][0][1][0]
        classes = []
        parts = np.zeros(scene.parts.shape, np.uint8)
        for i in range(len(rows)):
            kind, mask = int(np.squeeze(rows[i][1])), rows[i][2]
            assert rows[i][1].shape == (1, 1) and mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1}
            assert str(rows[i][0][0]) == VOC_CLASSES[kind]
            classes.append(kind)
            objects += 1
            assert (rows[i][3].size > 0) == (kind == 15)
            if kind == 15:
                people += 1
                for j in range(rows[i][3].shape[1]):
                    part, where = str(rows[i][3][0][j][0][0]), rows[i][3][0][j][1].astype(bool)
                    parts[where] = PART_NAMES.index(part) + 1
        assert np.array_equal(parts, scene.parts)
        assert json.loads((pascal / f"ImageSets/Parts/{split}.txt").read_text())[name] == classes
        assert len(classes) >= 1
    assert people >= 3 and objects > 15


def test_nyud_files_hold_the_rendered_scenes(nyud):
    seen = []
    for split, count in (("train", TRAIN), ("val", VAL)):
        ids = _ids(nyud / f"gt_sets/{split}.txt")
        assert len(ids) == count
        for index, name in enumerate(ids):
            assert len(name) == 4 and int(name) >= 1
            scene = render_scene(NYUD, split, index, (53, 70))
            assert np.array_equal(_array(nyud / f"images/{name}.png", "RGB"), scene.image)
            assert np.array_equal(_array(nyud / f"segmentation/{name}.png", "L"), scene.semseg)
            assert np.array_equal(_array(nyud / f"normals/{name}.png", "RGB"), scene.normals)
            assert np.array_equal(_array(nyud / f"edge/{name}.png", "L"), scene.boundary)
            depth = np.load(nyud / f"depth/{name}.npy", allow_pickle=False)
            assert depth.dtype == np.float32 and np.array_equal(depth, scene.depth)
            seen.append(name)
    assert len(set(seen)) == TRAIN + VAL
    for folder in ("images", "segmentation", "depth", "normals", "edge"):
        assert sorted(path.stem for path in (nyud / folder).iterdir()) == sorted(seen)


@pytest.mark.parametrize(
    ("dataset", "size", "files"), [(PASCAL, (48, 64), 5 * 6 + 2 + 4 + 1), (NYUD, (53, 70), 5 * 5 + 2 + 1)]
)
def test_writing_twice_gives_equal_bytes(tmp_path, monkeypatch, dataset, size, files):
    write_dataset(dataset, tmp_path / "a", size, 3, 2)
    monkeypatch.setattr("time.asctime", lambda *_: "Thu Jan  1 00:00:00 1970")
    write_dataset(dataset, tmp_path / "b", size, 3, 2)
    first = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*.*")}
    second = {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*.*")}
    assert len(first) == files
    assert first == second


def test_rendered_data_say_so(pascal, nyud):
    for dataset, folder in ((PASCAL, pascal), (NYUD, nyud)):
        assert (folder / MARKER).read_text().startswith("Rendered by densemoe")
        assert flavour_of(dataset, folder) == "scenes"


def test_mat_headers_carry_no_date(pascal):
    headers = {path.read_bytes()[:116] for path in (pascal / "human_parts").iterdir()}
    assert headers == {b"MATLAB 5.0 MAT-file, written by densemoe".ljust(116)}


def test_ids_do_not_depend_on_the_number_of_images(pascal, tmp_path):
    write_dataset(PASCAL, tmp_path / "few", (48, 64), 2, 1)
    for split, count in (("train", 2), ("val", 1)):
        assert (
            _ids(tmp_path / f"few/ImageSets/Context/{split}.txt")
            == _ids(pascal / f"ImageSets/Context/{split}.txt")[:count]
        )


def test_progress_counts_every_image(tmp_path):
    calls = []
    write_dataset(NYUD, tmp_path / "root", (53, 70), 2, 1, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_bad_requests_write_nothing(tmp_path):
    with pytest.raises(ValueError, match="Unknown data set 'kitti'"):
        write_dataset("kitti", tmp_path / "root", (48, 64), 1, 1)
    with pytest.raises(ValueError, match="must not be negative: -1 train, 2 val"):
        write_dataset(PASCAL, tmp_path / "root", (48, 64), -1, 2)
    with pytest.raises(ValueError, match="at most 4999 images a split"):
        write_dataset(NYUD, tmp_path / "root", (53, 70), 5001, 1)
    with pytest.raises(ValueError, match="too small"):
        write_dataset(NYUD, tmp_path / "root", (8, 70), 1, 1)
    assert not (tmp_path / "root").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not empty"):
        write_dataset(PASCAL, tmp_path / "full", (48, 64), 1, 1)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]


def test_context_ids_of_sky_and_ground_stand_for_no_voc_class():
    assert {CONTEXT_IDS[name] for name in ("sky", "grass", "wall", "floor")} == {360, 187, 440, 158}
