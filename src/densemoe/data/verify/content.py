"""What the files of an image hold: sizes, dtypes, value ranges, as preparing demands them."""

from __future__ import annotations

from pathlib import Path

from densemoe.data.prepare.dataset import PREPARE
from densemoe.data.prepare.files import image_size
from densemoe.data.raw import locate
from densemoe.params.errors import InputError
from densemoe.params.files import DatasetFacts

SAMPLE = 24
"""Images of a split that are looked into, spread over its list."""


def check_content(dataset: str, root: Path, ids: list[str], facts: DatasetFacts) -> None:
    """Read all files of a sample of `ids`. Raises InputError that names the file."""
    for id_ in sample(ids):
        check_size(dataset, root, id_, facts)
        PREPARE[dataset](locate(dataset, root, id_))


def sample(ids: list[str]) -> list[str]:
    """First, last and others at even distances."""
    if len(ids) <= SAMPLE:
        return ids
    return [ids[k * (len(ids) - 1) // (SAMPLE - 1)] for k in range(SAMPLE)]


def check_size(dataset: str, root: Path, id_: str, facts: DatasetFacts) -> None:
    """Refuse an image larger than the data set's frame, or of another size where all have one. Raises InputError."""
    image = locate(dataset, root, id_)["image"]
    height, width = image_size(image)
    frame = f"{facts.frame[0]}x{facts.frame[1]}"
    if height > facts.frame[0] or width > facts.frame[1]:
        raise InputError(f"{image} is {height}x{width}; images are at most {frame}, so this is another edition.")
    if facts.one_size and (height, width) != facts.frame:
        raise InputError(f"{image} is {height}x{width}; every image is {frame}, so this is another edition.")
