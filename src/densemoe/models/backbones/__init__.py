"""Backbones: (options, image size) -> module with `channels`, `grids` and `load_pretrained()`.

`channels` lists the widths of the feature maps that forward returns and `grids` their heights and widths, finest first.
Only this folder knows timm.
"""

from densemoe.models.backbones.hrnet import Hrnet
from densemoe.models.backbones.vit import Vit

BACKBONES = {"vit": Vit.from_options, "hrnet": Hrnet.from_options}
