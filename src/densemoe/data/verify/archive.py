"""An unpacked archive: is it complete, as published, and of the right flavour."""

from __future__ import annotations

from pathlib import Path

from densemoe.data.flavour import check_flavour, flavour_of
from densemoe.data.raw import check_files, ids_sha256, layout, read_splits
from densemoe.data.verify.content import check_content, check_size
from densemoe.params.errors import InputError
from densemoe.params.files import DatasetFacts


def check_archive(dataset: str, folder: Path, facts: DatasetFacts) -> None:
    """As `check_raw`, for a folder that a person filled: every error also says what must be put where."""
    try:
        if not folder.is_dir():
            raise InputError(f"Folder {folder} is missing.")
        check_raw(dataset, folder, facts)
    except InputError as error:
        raise InputError(f"{error} {facts.place_by_hand} (The folder is {folder}.)") from None


def check_raw(dataset: str, folder: Path, facts: DatasetFacts) -> None:
    """See that `folder` holds the whole data set: flavour, splits as published, every file of every id.

    Dtypes, value ranges and sizes are checked on a sample of each split; preparing checks them for every image.
    Raises InputError at the first thing that is wrong. Changes nothing.
    """
    _check_depth(dataset, folder)
    check_flavour(folder, dataset, flavour_of(dataset, folder), layout(dataset).flavour)
    splits = read_splits(dataset, folder)
    for split, ids in splits.items():
        _check_split(folder / layout(dataset).split.format(split=split), ids, facts, split)
    check_size(dataset, folder, splits["train"][0], facts)
    for ids in splits.values():
        check_files(dataset, folder, ids)
    for ids in splits.values():
        check_content(dataset, folder, ids, facts)


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
