"""Raw data sets: embedded scenes are rendered, archives are put there by a person and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from densemoe.data.folders import replaced
from densemoe.data.prepare.files import BROKEN_IMAGE
from densemoe.data.raw import check_files, ids_sha256, layout, locate, read_splits
from densemoe.data.scenes import SCENES_VERSION, write_dataset
from densemoe.params.errors import InputError, allowed
from densemoe.params.files import DatasetFacts

Progress = Callable[[int, int], None]


def get_data(
    dataset: str,
    options: Mapping[str, Any],
    folder: Path | str,
    facts: DatasetFacts,
    archive: Path | str,
    progress: Progress | None = None,
) -> None:
    """Make the raw data set in `folder`: scenes are rendered, an archive is checked and linked.

    Args:
        dataset: name of the data set whose layout it has.
        options: options of its kind, as in `densemoe.params.options` without the crop.
        folder: scenes are written there, whole or not at all; for an archive it becomes a link. It is an output of
            the pipeline, which the engines may delete.
        facts: splits, frame and instructions of the data set.
        archive: folder into which a person unpacked the archive; only looked at, and known to no engine.
        progress: called with images done and images in all while scenes are rendered.

    Raises InputError for an unknown kind, scenes of another version, and an archive that is incomplete or of another
    edition.

    """
    if options["kind"] == "archive":
        check_archive(dataset, Path(archive), facts)
        _link(Path(folder), Path(archive))
    elif options["kind"] == "scenes":
        _render(dataset, options, Path(folder), progress)
    else:
        raise InputError(f"Unknown kind of data '{options['kind']}'; allowed are {allowed(['archive', 'scenes'])}.")


def check_archive(dataset: str, folder: Path, facts: DatasetFacts) -> None:
    """See that an unpacked archive is complete: splits as published, every file of every id, images of the right size.

    Raises InputError with what is wrong and what a person must put where. Changes nothing.
    """
    try:
        if not folder.is_dir():
            raise InputError(f"Folder {folder} is missing.")
        _check_depth(dataset, folder)
        splits = read_splits(dataset, folder)
        for split, ids in splits.items():
            _check_split(folder / layout(dataset).split.format(split=split), ids, facts, split)
        _check_edition(dataset, folder, splits["train"][0], facts)
        for ids in splits.values():
            check_files(dataset, folder, ids)
    except InputError as error:
        raise InputError(f"{error} {facts.place_by_hand} (The folder is {folder}.)") from None


def _link(folder: Path, archive: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        raise InputError(f"{folder} is a folder of its own; move it to {archive} and run this again.")
    folder.unlink(missing_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(os.path.relpath(archive, folder.parent), target_is_directory=True)


def _render(dataset: str, options: Mapping[str, Any], folder: Path, progress: Progress | None) -> None:
    if options["version"] != SCENES_VERSION:
        raise InputError(
            f"Scenes of version {options['version']} (data.version) cannot be rendered; allowed is {SCENES_VERSION}."
        )
    with replaced(folder) as partial:
        write_dataset(
            dataset,
            partial,
            tuple(options["size"]),
            options["train_images"],
            options["val_images"],
            progress=progress,
        )


def _check_depth(dataset: str, folder: Path) -> None:
    split = layout(dataset).split.format(split="train")
    deeper = sorted(folder.glob(f"*/{split}"))
    if deeper and not (folder / split).exists():
        inner = deeper[0].relative_to(folder).parts[0]
        raise InputError(f"{folder} holds the data set one folder too deep, in {inner}; move its content up.")


def _check_split(path: Path, ids: list[str], facts: DatasetFacts, split: str) -> None:
    wanted = facts.splits[split]
    if len(ids) != wanted.images:
        raise InputError(f"{path} lists {len(ids)} ids; the {split} split has {wanted.images}.")
    if wanted.ids_sha256 is not None and (found := ids_sha256(ids)) != wanted.ids_sha256:
        raise InputError(f"{path} lists other ids than the {split} split: sha256 {found}, not {wanted.ids_sha256}.")


def _check_edition(dataset: str, folder: Path, id_: str, facts: DatasetFacts) -> None:
    other = folder / "images" / f"{id_}.jpg"
    if dataset == "nyud_v2" and other.is_file():
        raise InputError(f"{other} is a JPEG; the edition that is needed here has PNG images, so this is another one.")
    image = locate(dataset, folder, id_)["image"]
    try:
        with Image.open(image) as opened:
            width, height = opened.size
    except BROKEN_IMAGE as error:
        raise InputError(f"{image} is not readable as an image: {error}.") from None
    if height > facts.frame[0] or width > facts.frame[1]:
        frame = f"{facts.frame[0]}x{facts.frame[1]}"
        raise InputError(f"{image} is {height}x{width}; images are at most {frame}, so this is another edition.")
