"""What each part of a data set's layout is made from.

A part is rebuilt only where its rule is known exactly; a label that is merely similar would give numbers that look
comparable and are not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One kind of file of the layout, and the original it is a plain copy of."""

    target: str
    """Path in the layout; `{id}` and, for lists, `{split}` are filled in."""
    source: str
    """Who publishes the original, for the user."""
    pattern: str | None = None
    """Where the original lies once unpacked, below any folder; None where it cannot be rebuilt."""
    why_not: str = ""
    optional: bool = False
    """Exists for some ids only."""


TEACHER = "it is the output of a network of ASTMT's authors, which only their archives contain"

PARTS: dict[str, tuple[Part, ...]] = {
    "pascal_context": (
        Part("JPEGImages/{id}.jpg", "VOCtrainval_03-May-2010.tar", "VOC2010/JPEGImages/{id}.jpg"),
        Part("pascal-context/trainval/{id}.mat", "PASCAL-Context trainval.tar.gz", "trainval/{id}.mat"),
        Part("human_parts/{id}.mat", "PASCAL-Part trainval.tar.gz", "Annotations_Part/{id}.mat"),
        Part(
            "semseg/VOC12/{id}.png", "VOCtrainval_11-May-2012.tar", "VOC2012/SegmentationClass/{id}.png", optional=True
        ),
        Part(
            "semseg/pascal-context/{id}.png", "PASCAL-Context trainval.tar.gz",
            why_not="the rule from 459 to 21 classes is not known here",
        ),
        Part("normals_distill/{id}.png", "ASTMT", why_not=TEACHER),
        Part("sal_distill/{id}.png", "ASTMT", why_not=TEACHER),
    ),
    "nyud_v2": (
        Part(
            "images/{id}.png", "nyu_depth_v2_labeled.mat",
            why_not="it is the photograph cut to rows 45-469 and columns 40-599, whose file is not read here (HDF5)",
        ),
        Part(
            "depth/{id}.npy", "nyu_depth_v2_labeled.mat",
            why_not="whether the archive holds the raw or the filled-in depth is not known here",
        ),
        Part(
            "segmentation/{id}.png", "nyu_depth_v2_labeled.mat and the 40 classes of Gupta et al. (CVPR 2013)",
            why_not="the table from 894 to 40 classes is not part of it",
        ),
        Part("edge/{id}.png", "ground truth of Gupta et al. (HED's NYU package)", why_not="its form is not known here"),
        Part("normals/{id}.png", "unknown", why_not="how the archive's normals were made is not known here"),
    ),
}  # fmt: skip

LISTS = {"pascal_context": "VOC2010/ImageSets/Main/{split}.txt", "nyud_v2": "splits.mat"}
"""Where the ids of a split come from; whether they are the right ones, their published sha256 tells."""
