"""Raw data sets: embedded scenes are rendered, unpacked archives are checked and linked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from densemoe.data.folders import replaced
from densemoe.data.scenes import SCENES_VERSION, write_dataset
from densemoe.data.verify import check_archive
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
        archive: folder of the unpacked archive, which `densemoe.data.download` or a person filled; only looked at, and
            known to no engine.
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
