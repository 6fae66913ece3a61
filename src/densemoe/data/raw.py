"""Layout of the raw data sets on disk: which ids a split has and where the files of an id lie.

The layouts are those of the archives PASCALContext.tar.gz and NYUDv2.tar.gz that ATRC, InvPT and MLoRE use; the
embedded scenes write the same ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from densemoe.params.errors import InputError, allowed

SPLITS = ("train", "val")
_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Layout:
    """Where one data set keeps its files, relative to its folder; `{split}` and `{id}` are filled in."""

    split: str
    files: Mapping[str, tuple[str, ...]]
    """Kind of file -> paths in order of preference; the first that exists is taken."""
    flavour: str
    """Which of the editions that share the data set's name has these files (`densemoe.data.flavour`)."""

    @property
    def boundary_truth(self) -> str:
        """Folder of what the boundary score takes as ground truth: LabelMaps, else the edge maps themselves."""
        path, *_ = self.files.get("label_map") or self.files["boundary"]
        return path.rpartition("/")[0]


LAYOUTS: dict[str, Layout] = {
    "pascal_context": Layout(
        split="ImageSets/Context/{split}.txt",
        files={
            "image": ("JPEGImages/{id}.jpg",),
            "label_map": ("pascal-context/trainval/{id}.mat",),
            # VOC's own labels exist for some images only, and only they have a border of 255
            "semseg": ("semseg/VOC12/{id}.png", "semseg/pascal-context/{id}.png"),
            "human_parts": ("human_parts/{id}.mat",),
            "normals": ("normals_distill/{id}.png",),
            "saliency": ("sal_distill/{id}.png",),
        },
        flavour="astmt",
    ),
    "nyud_v2": Layout(
        split="gt_sets/{split}.txt",
        files={
            "image": ("images/{id}.png",),
            "semseg": ("segmentation/{id}.png",),
            "boundary": ("edge/{id}.png",),
            "normals": ("normals/{id}.png",),
            "depth": ("depth/{id}.npy",),
        },
        flavour="atrc",
    ),
}


def layout(dataset: str) -> Layout:
    """Layout of a data set. Raises InputError for an unknown name."""
    if dataset not in LAYOUTS:
        raise InputError(f"Unknown data set '{dataset}'; allowed are {allowed(LAYOUTS)}.")
    return LAYOUTS[dataset]


def ids_sha256(ids: Iterable[str]) -> str:
    """Fingerprint of a list of ids: sha256 of the ids joined by newlines, without a final one."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def read_ids(dataset: str, root: Path | str, split: str) -> list[str]:
    """Ids of a split, in the order of its file.

    Raises InputError for a missing or empty file, an id that is not a plain name, or one that stands twice.
    """
    path = Path(root) / layout(dataset).split.format(split=split)
    try:
        ids = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise InputError(f"{path} is missing; it lists the ids of the {split} images.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file; it must list one id a line.") from None
    ids = [line.strip() for line in ids if line.strip()]
    if not ids:
        raise InputError(f"{path} lists no id; at least one is needed.")
    seen: set[str] = set()
    for id_ in ids:
        if not _ID.fullmatch(id_):
            raise InputError(f"{path}: id '{id_}' is not a plain name; allowed are letters, digits, _ and -.")
        if id_ in seen:
            raise InputError(f"{path}: id '{id_}' stands twice; ids must be unique.")
        seen.add(id_)
    return ids


def read_splits(dataset: str, root: Path | str) -> dict[str, list[str]]:
    """Ids of both splits. Raises InputError as `read_ids` and when an id is in both."""
    splits = {split: read_ids(dataset, root, split) for split in SPLITS}
    if both := sorted(set(splits["train"]) & set(splits["val"])):
        raise InputError(
            f"{Path(root)}: id '{both[0]}' is in train and in val ({len(both)} such ids); splits must not share images."
        )
    return splits


def locate(dataset: str, root: Path | str, id_: str) -> dict[str, Path]:
    """Files of one image by kind. Raises InputError that names id and folder when one is missing."""
    found = {}
    for kind, patterns in layout(dataset).files.items():
        candidates = [Path(root) / pattern.format(id=id_) for pattern in patterns]
        present = [path for path in candidates if path.is_file()]
        if not present:
            raise _missing(id_, kind, candidates)
        found[kind] = present[0]
    return found


def check_files(dataset: str, root: Path | str, ids: Iterable[str]) -> None:
    """See that every id has every file, with one listing per folder.

    Raises InputError that names the first missing id and the folder.
    """
    root = Path(root)
    listing: dict[Path, set[str]] = {}
    for id_ in ids:
        for kind, patterns in layout(dataset).files.items():
            candidates = [root / pattern.format(id=id_) for pattern in patterns]
            for folder in {path.parent for path in candidates} - listing.keys():
                listing[folder] = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
            if not any(path.name in listing[path.parent] for path in candidates):
                raise _missing(id_, kind, candidates)


def _missing(id_: str, kind: str, candidates: list[Path]) -> InputError:
    folders = " and ".join(str(path.parent) for path in candidates)
    names = " or ".join(sorted({path.name for path in candidates}))
    return InputError(f"Image '{id_}' has no {kind} file: {names} is missing in {folders}.")
