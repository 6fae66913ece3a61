"""Semantic segmentation: one of 21 (PASCAL-Context) or 40 (NYUD-v2) classes per pixel."""

from __future__ import annotations

from functools import partial

from densemoe.tasks import label_maps
from densemoe.tasks.task import Task

SEMSEG = Task(
    name="semseg",
    ignore=label_maps.IGNORE,
    valid=label_maps.valid,
    loss=label_maps.cross_entropy,
    meter=partial(label_maps.MeanIoU, "semseg.miou"),
    metrics=("semseg.miou",),
)
