"""Writes rendered scenes in the real on-disk layout of a data set."""

from collections.abc import Callable
from pathlib import Path

from densemoe.data.flavour import MARKER
from densemoe.data.scenes import layout_nyud, layout_pascal
from densemoe.data.scenes.classes import DATASETS, NYUD, PASCAL
from densemoe.data.scenes.render import check_size


def write_dataset(
    dataset: str,
    root: Path,
    size: tuple[int, int],
    train_images: int,
    val_images: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Render a data set and write it below ``root``, file for file as in the archive that the public code reads.

    One file more says that these are no photographs (``densemoe.data.flavour.MARKER``).

    ``size`` is (height, width) of a landscape image; every fourth PASCAL image is a portrait with the sides exchanged.
    ``progress`` is called as ``progress(images written, images in all)`` after every image. ``root`` is made if
    missing and has to be empty: the caller writes to a temporary place and renames it.
    Raises ValueError for an unknown data set, a too small size, a negative number of images or
    too many for its ids, and FileExistsError if ``root`` holds anything.
    """
    if dataset not in DATASETS:
        raise ValueError(f"Unknown data set {dataset!r}: scenes exist for {', '.join(DATASETS)}.")
    if min(train_images, val_images) < 0:
        raise ValueError(f"Numbers of images must not be negative: {train_images} train, {val_images} val.")
    check_size(size)
    if dataset == NYUD:
        layout_nyud.nyud_id("val", max(train_images, val_images, 1) - 1)
    root = Path(root)
    if root.exists() and any(root.iterdir()):
        raise FileExistsError(f"{root} is not empty: scenes are written into an empty folder only.")
    for folder in (layout_pascal if dataset == PASCAL else layout_nyud).FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / MARKER).write_text("Rendered by densemoe: synthetic scenes, no photographs of any data set.\n")
    total, done = train_images + val_images, 0
    for split, count in (("train", train_images), ("val", val_images)):
        found: dict[str, list[int]] = {}
        for index in range(count):
            if dataset == PASCAL:
                name, classes = layout_pascal.write_pascal_image(root, split, index, size)
            else:
                name, classes = layout_nyud.write_nyud_image(root, split, index, size), []
            found[name] = classes
            done += 1
            if progress is not None:
                progress(done, total)
        if dataset == PASCAL:
            layout_pascal.write_pascal_lists(root, split, found)
        else:
            layout_nyud.write_nyud_list(root, split, list(found))
