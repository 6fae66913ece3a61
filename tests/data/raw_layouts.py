"""Small raw data sets in the real layouts, with random content, for tests."""

import numpy as np
from PIL import Image
from scipy.io import savemat

SIDED = [
    f"{side}{part}" for side in "lr" for part in ("ear", "ebrow", "eye", "foot", "hand", "larm", "lleg", "uarm", "uleg")
]
PART_NAMES = sorted(["hair", "head", "mouth", "neck", "nose", "torso", *SIDED])
PASCAL_SIZES = ((30, 40), (40, 30), (37, 40), (40, 40))
NYUD_SIZE = (34, 45)


def struct(*rows):
    """1xN Matlab struct; every row maps field names to values in one order."""
    array = np.empty((1, len(rows)), dtype=[(key, object) for key in rows[0]])
    for j, row in enumerate(rows):
        for key, value in row.items():
            array[key][0, j] = value
    return array


def person(mask, parts, class_index=15):
    """One object of a PASCAL-Part file; `parts` is a list of (name, mask)."""
    rows = [{"part_name": name, "mask": m.astype(np.uint8)} for name, m in parts]
    return {
        "class": "person",
        "class_ind": np.array([[class_index]], np.uint8),
        "mask": mask.astype(np.uint8),
        "parts": struct(*rows) if rows else np.zeros((0, 0)),
    }


def write_parts(path, *objects):
    savemat(path, {"anno": struct({"imname": path.stem, "objects": struct(*objects)})}, do_compression=True)


def blocks(rng, size, values, side=7):
    """Random map of square blocks."""
    small = rng.choice(values, (size[0] // side + 1, size[1] // side + 1))
    return np.repeat(np.repeat(small, side, 0), side, 1)[: size[0], : size[1]]


def write_pascal(root, train=4, val=2):
    """PASCAL-Context layout; returns ids by split. Every third image has a VOC12 file, every second one a person."""
    for folder in ("JPEGImages", "pascal-context/trainval", "semseg/VOC12", "semseg/pascal-context", "human_parts"):
        (root / folder).mkdir(parents=True)
    for folder in ("normals_distill", "sal_distill", "ImageSets/Context"):
        (root / folder).mkdir(parents=True)
    ids = [f"2008_{k:06d}" for k in range(train + val)]
    for k, id_ in enumerate(ids):
        rng = np.random.default_rng([1, k])
        size = PASCAL_SIZES[k % len(PASCAL_SIZES)]
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(root / f"JPEGImages/{id_}.jpg", quality=95)
        label_map = blocks(rng, size, np.arange(460)).astype(np.uint16)
        savemat(root / f"pascal-context/trainval/{id_}.mat", {"LabelMap": label_map}, do_compression=True)
        for folder, values in (("pascal-context", [0, 3, 15, 20]), ("VOC12", [0, 7, 15, 255])):
            if folder == "VOC12" and k % 3:
                continue
            image = Image.fromarray(blocks(rng, size, values).astype(np.uint8)).convert("P")
            image.putdata(blocks(rng, size, values).astype(np.uint8).ravel().tolist())
            image.save(root / f"semseg/{folder}/{id_}.png")
        mask = blocks(rng, size, [0, 1]) > 0
        parts = [(name, mask & (rng.random(size) < 0.2)) for name in PART_NAMES]
        write_parts(root / f"human_parts/{id_}.mat", person(mask, parts if k % 4 == 0 else [], 15 if k % 2 == 0 else 7))
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(root / f"normals_distill/{id_}.png")
        Image.fromarray(rng.integers(0, 256, size, np.uint8)).save(root / f"sal_distill/{id_}.png")
    return write_split_files(root / "ImageSets/Context", ids, train)


def write_nyud(root, train=4, val=2):
    """NYUD-v2 layout; returns ids by split."""
    for folder in ("images", "segmentation", "depth", "normals", "edge", "gt_sets"):
        (root / folder).mkdir(parents=True)
    ids = [f"{k + 1:04d}" for k in range(train + val)]
    for k, id_ in enumerate(ids):
        rng = np.random.default_rng([2, k])
        Image.fromarray(rng.integers(0, 256, (*NYUD_SIZE, 3), np.uint8)).save(root / f"images/{id_}.png")
        segmentation = blocks(rng, NYUD_SIZE, np.arange(41)).astype(np.uint8)
        Image.fromarray(segmentation).save(root / f"segmentation/{id_}.png")
        depth = rng.uniform(0.5, 9, NYUD_SIZE).astype(np.float32)
        depth[rng.random(NYUD_SIZE) < 0.1] = 0
        np.save(root / f"depth/{id_}.npy", depth)
        Image.fromarray(rng.integers(0, 256, (*NYUD_SIZE, 3), np.uint8)).save(root / f"normals/{id_}.png")
        Image.fromarray(rng.choice(np.array([0, 77, 255], np.uint8), NYUD_SIZE)).save(root / f"edge/{id_}.png")
    return write_split_files(root / "gt_sets", ids, train)


def write_split_files(folder, ids, train):
    splits = {"train": ids[:train], "val": ids[train:]}
    for split, names in splits.items():
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")
    return splits


WRITE = {"pascal_context": write_pascal, "nyud_v2": write_nyud}
