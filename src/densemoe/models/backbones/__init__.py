"""Backbones: (options, image size) -> module with `channels`, `stride`, `grid` and `load_pretrained()`.

`channels` lists the widths of the feature maps that forward returns, `stride` is their common stride in pixels and
`grid` their height and width. Only this folder knows timm.
"""

from densemoe.models.backbones.vit import Vit

BACKBONES = {"vit": Vit.from_options}
