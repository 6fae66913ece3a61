"""Human part segmentation: background and six body parts; images without people are ignored as a whole."""

from __future__ import annotations

from functools import partial

from densemoe.tasks import label_maps
from densemoe.tasks.task import Task

HUMAN_PARTS = Task(
    name="human_parts",
    ignore=label_maps.IGNORE,
    valid=label_maps.valid,
    loss=label_maps.cross_entropy,
    meter=partial(label_maps.MeanIoU, "human_parts.miou"),
    metrics=("human_parts.miou",),
)
