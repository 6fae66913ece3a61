"""HRNet from timm: the four branches of its last stage, at 1/4, 1/8, 1/16 and 1/32 of the image.

Shapes: B batch, D_s width and H_s W_s size of branch s.
"""

from __future__ import annotations

import copy

import timm
from timm.models.hrnet import cfg_cls
from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.backbones.pretrained import fetch, refuse_other_shape
from densemoe.params.options import HrnetEncoder

STRIDES = (4, 8, 16, 32)
# the branches themselves; timm's default widens them with a part of the classifier
_FEATURES = {"features_only": True, "feature_location": "", "out_indices": (1, 2, 3, 4)}


class Hrnet(nn.Module):
    """Four branches of an HRNet.

    The network needs sides that are multiples of 32: other images are padded below and on the right with zeros, the
    mean colour after normalisation, and each map is cropped to the part that the image covers, rounded up.

    Args:
        image_size: height and width in pixels.
        name: timm name of the structure.
        channels: D_s of the four branches.
        upsampling: how a branch is enlarged before it is added to a finer one.
        weights: timm name of pretrained weights that `load_pretrained` fetches, or None.
    """

    def __init__(
        self, image_size: tuple[int, int], *, name: str, channels: tuple[int, ...], upsampling: str, weights: str | None
    ):
        super().__init__()
        self.channels = list(channels)
        self.grids = [tuple(-(-side // stride) for side in image_size) for stride in STRIDES]
        self.weights = weights
        self.hrnet = timm.create_model(name, pretrained=False, **_FEATURES, **_stages(name, channels))
        for module in self.hrnet.modules():
            if isinstance(module, nn.Upsample):
                module.mode = upsampling
                module.align_corners = False if upsampling == "bilinear" else None

    @classmethod
    def from_options(cls, options: HrnetEncoder, image_size: tuple[int, int]) -> Hrnet:
        """Build from typed options."""
        return cls(
            image_size,
            name=options.name,
            channels=options.channels,
            upsampling=options.upsampling,
            weights=options.weights,
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image [B, 3, H, W] -> maps [B, D_s, H_s, W_s], finest first."""
        height, width = image.shape[-2:]
        below, right = -height % STRIDES[-1], -width % STRIDES[-1]
        if below or right:
            image = F.pad(image, (0, right, 0, below))
        maps = self.hrnet(image)
        return [x[:, :, : grid[0], : grid[1]] for x, grid in zip(maps, self.grids, strict=True)]

    def load_pretrained(self) -> None:
        """Fetch the weights that the options name, through timm, and load them strictly; nothing if they name none.

        Raises:
            InputError: timm does not know the name, the network of that name has another shape, or it cannot be
                fetched.
        """
        if self.weights is None:
            return
        source = fetch(self.weights, **_FEATURES)
        refuse_other_shape(self.weights, {"channels": source.feature_info.channels()}, {"channels": self.channels})
        self.hrnet.load_state_dict(source.state_dict())


def _stages(name: str, channels: tuple[int, ...]) -> dict[str, dict]:
    """timm's description of stages 2 to 4, with these widths of the branches."""
    stages = {stage: copy.deepcopy(cfg_cls[name][stage]) for stage in ("stage2", "stage3", "stage4")}
    for stage in stages.values():
        stage["num_channels"] = tuple(channels[: stage["num_branches"]])
    return stages
