"""Models: a backbone that turns an image into feature maps, and a decoder that turns them into one map per task."""

from __future__ import annotations

from densemoe.models.backbones import BACKBONES
from densemoe.models.decoders import DECODERS
from densemoe.models.multitask import MultiTaskModel
from densemoe.models.output import ModelOutput, RoutingRecord
from densemoe.params.errors import InputError, allowed
from densemoe.params.variant import Variant

__all__ = ["BACKBONES", "DECODERS", "ModelOutput", "MultiTaskModel", "RoutingRecord", "build_model"]


def build_model(
    variant: Variant, outputs: dict[str, int], image_size: tuple[int, int], *, load_weights: bool = True
) -> MultiTaskModel:
    """Build the network of a variant.

    Args:
        variant: what to build; only `tasks`, `encoder` and `decoder` are read.
        outputs: output channels of each task, in task order.
        image_size: height and width of every image, in pixels; fixed, because position embedding and router depend
            on it.
        load_weights: fetch the encoder's pretrained weights if the variant names some. Off for counting on the meta
            device and before a checkpoint is loaded.

    Raises:
        InputError: a component that is not built yet, outputs that are not the variant's tasks, an image size that
            the patches do not divide, or pretrained weights that do not fit or cannot be fetched.
    """
    if set(outputs) != set(variant.tasks):
        raise InputError(f"The model's outputs are {list(outputs)}, but the variant's tasks are {list(variant.tasks)}.")
    backbone = _kind(BACKBONES, "encoder", variant.encoder.kind)(variant.encoder, image_size)
    decoder = _kind(DECODERS, "decoder", variant.decoder.kind)(
        variant.decoder, backbone.channels, backbone.grids, outputs
    )
    if load_weights:  # after everything is initialised: fetched or not, the decoder draws the same random numbers
        backbone.load_pretrained()
    return MultiTaskModel(backbone, decoder)


def _kind(registry: dict, component: str, kind: str):
    if kind not in registry:
        raise InputError(f"{component}.kind '{kind}' is not built yet; built are {allowed(registry)}.")
    return registry[kind]
