"""Which of the editions that share a data set's name a folder holds.

Three archives go by the name of NYUD-v2. They differ in crop, in the source of the normals and in file formats, so a
number is worth nothing without the edition it was measured on.
"""

from __future__ import annotations

from pathlib import Path

from densemoe.data.raw import layout
from densemoe.params.errors import InputError, allowed

SCENES = "scenes"
"""Flavour of the embedded scenes."""
MARKER = "SCENES.txt"
"""Stands in every rendered data set, also when it was packed into an archive and unpacked again."""

SUFFIXES: dict[str, dict[str, dict[str, str]]] = {
    "nyud_v2": {
        # ATRC's NYUDv2.tar.gz, used by InvPT, TaskPrompter, MLoRE: images cut to 425x560
        "atrc": {"images": ".png", "segmentation": ".png", "edge": ".png", "normals": ".png", "depth": ".npy"},
        # MTI-Net's NYUD_MT.tgz: 480x640
        "mti_net": {"images": ".jpg", "segmentation": ".png", "edge": ".npy", "normals": ".npy", "depth": ".npy"},
        # ASTMT's NYUD_MT.tgz
        "astmt": {"images": ".jpg", "segmentation": ".mat", "edge": ".png", "normals": ".jpg", "depth": ".mat"},
    },
    "pascal_context": {
        # ASTMT's PASCAL_MT.tgz; ATRC's PASCALContext.tar.gz has the same content
        "astmt": {
            "JPEGImages": ".jpg", "pascal-context/trainval": ".mat", "human_parts": ".mat", "normals_distill": ".png",
            "sal_distill": ".png",
        },
    },
}  # fmt: skip
"""Data set -> flavour -> folder -> suffix of its files."""


def flavour_of(dataset: str, root: Path) -> str:
    """Name of the flavour that the folder `root` holds, by the suffixes of its files.

    Raises InputError for a folder that is of none. A folder that lacks some files is of the flavour that the rest
    shows.
    """
    if (root / MARKER).is_file():
        return SCENES
    known = SUFFIXES[dataset]
    used = layout(dataset).flavour
    found = {folder: _suffixes(root / folder) for folder in known[used]}
    fitting = [
        name
        for name, suffixes in known.items()
        if all(not found[folder] or suffix in found[folder] for folder, suffix in suffixes.items())
    ]
    if not fitting:
        seen = ", ".join(f"{folder} {'/'.join(sorted(found[folder]))}" for folder in found if found[folder])
        raise InputError(f"{root} is of no flavour of {dataset} known here: {seen}; known are {allowed(known)}.")
    return used if used in fitting else fitting[0]


def wanted_flavour(dataset: str, kind: str) -> str:
    """The flavour that data of this kind (`archive`, `scenes`) must be of."""
    return SCENES if kind == SCENES else layout(dataset).flavour


def check_flavour(where: Path | str, dataset: str, found: str, wanted: str) -> None:
    """Refuse data of another flavour than the numbers are meant for. Raises InputError."""
    if found != wanted:
        raise InputError(
            f"{where} holds the flavour '{found}' of {dataset}, but '{wanted}' is needed here; numbers of different "
            "flavours are not comparable."
        )


def checked_flavour(raw: Path, dataset: str, kind: str) -> str:
    """The flavour of a raw data set, if data of this kind may be of it. Raises InputError."""
    found = flavour_of(dataset, raw)
    check_flavour(raw, dataset, found, wanted_flavour(dataset, kind))
    return found


def _suffixes(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
