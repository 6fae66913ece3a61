"""The whole network."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from densemoe.models.output import ModelOutput


class MultiTaskModel(nn.Module):
    """Backbone and decoder; predictions are resized to the size of the image.

    Args:
        backbone: image [B, 3, H, W] -> one feature map per scale.
        decoder: feature maps -> ModelOutput at the resolution of the heads.
    """

    def __init__(self, backbone: nn.Module, decoder: nn.Module):
        super().__init__()
        self.backbone = backbone
        self.decoder = decoder

    def forward(self, image: Tensor, record_routing: bool = False) -> ModelOutput:
        """Predict every task of a normalised image [B, 3, H, W]; raw outputs [B, C_t, H, W]."""
        output = self.decoder(self.backbone(image), record_routing)
        size = image.shape[-2:]
        predictions = {
            task: F.interpolate(prediction, size=size, mode="bilinear", align_corners=False)
            for task, prediction in output.predictions.items()
        }
        return ModelOutput(predictions, output.balance, output.routing)
