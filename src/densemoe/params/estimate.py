"""A rough cost of a run, from its numbers alone, for planning. Real counts come from the model itself.

Multiply-adds of one forward pass: convolutions, linears and attention products; norms and resizing are left out.
Checked against the printed counts of MLoRE's own rows (391 G, 568 G ...) to a few per cent in the tests; other methods
take the count of their encoder and a stated guess for the decoder.
"""

from __future__ import annotations

from densemoe.params.options import BaselineDecoder, LowRankExperts, MloreDecoder, VitEncoder
from densemoe.params.variant import Variant

# Achieved, not peak: fp32 or TF32, small batches, one data-centre GPU. An assumption; measure before planning.
ASSUMED_FLOPS = 1.0e13
# Backward costs twice the forward; one multiply-add is two operations.
_OPERATIONS_PER_MAC = 3 * 2
_OTHER_DECODER_MACS = 300e9  # typical of the printed 497-871 G less a ViT-L, at 512x512
_HRNET_MACS = {"hrnet_w18_small_v2": 8.3e9, "hrnet_w48": 84.7e9}  # at 512x512


def forward_macs(variant: Variant, outputs: dict[str, int]) -> float:
    """Multiply-adds of one training forward pass of one image, experts not merged, all of them executed."""
    height, width = variant.data.crop
    area = height * width / 512**2
    encoder = variant.encoder
    if isinstance(encoder, VitEncoder):
        tokens = (height // encoder.patch) * (width // encoder.patch)
        widths, positions = [encoder.width] * len(encoder.taps), [tokens] * len(encoder.taps)
        total = vit_macs(encoder, tokens)
    else:
        tokens = height * width // 256
        widths, positions = list(encoder.channels), [16 * tokens, 4 * tokens, tokens, tokens // 4]
        total = _HRNET_MACS[encoder.name] * area
    decoder = variant.decoder
    if isinstance(decoder, BaselineDecoder | MloreDecoder):
        tasks = [outputs[t] for t in variant.tasks]
        total += _fusion_and_heads(decoder.channels, widths, positions, tasks, heads_at=16 * tokens)
        if isinstance(decoder, MloreDecoder):
            total += decoder.modules_per_scale * sum(_module(decoder, len(tasks), count) for count in positions)
    else:
        total += _OTHER_DECODER_MACS * area
    return total


def gpu_hours(variant: Variant, outputs: dict[str, int], flops: float = ASSUMED_FLOPS) -> float:
    """Hours of one training at `flops` operations per second achieved, evaluation and data loading excluded."""
    images = variant.recipe.iterations * variant.recipe.batch_size
    return forward_macs(variant, outputs) * _OPERATIONS_PER_MAC * images / flops / 3600


def vit_macs(encoder: VitEncoder, tokens: int) -> float:
    """Patch embedding and blocks (qkv, both attention products, projection, MLP of ratio 4)."""
    w, n = encoder.width, tokens
    return 3 * encoder.patch**2 * w * n + encoder.taps[-1] * (12 * w * w * n + 2 * n * n * w)


def _fusion_and_heads(channels: int, widths: list[int], positions: list[int], tasks: list[int], heads_at: int) -> float:
    scales = len(widths)
    project = channels * sum(width * count for width, count in zip(widths, positions, strict=True))
    fuse = len(tasks) * (scales * channels * channels + 9 * channels * scales) * positions[0]
    heads = sum(9 * channels * channels + channels * out for out in tasks) * heads_at
    return project + fuse + heads


def _module(decoder: MloreDecoder, tasks: int, tokens: int) -> float:
    c, k2 = decoder.channels, decoder.experts.kernel_size**2
    if isinstance(decoder.experts, LowRankExperts):
        experts = (k2 + 1) * c * sum(decoder.experts.ranks)
    else:
        experts = decoder.experts.count * (k2 + 1) * c * c
    generic = {"none": 0, "vanilla": 9 * c * c}.get(decoder.generic.kind)
    if generic is None:
        generic = 10 * c * decoder.generic.rank
    specific = 0 if decoder.specific.kind == "none" else 10 * c * decoder.specific.rank
    basic, position = c * c // 4 + c * c // 16, c  # two 1x1 of the basic branch, one weight per position
    router = {"basic": basic, "position": position, "both": basic + position}[decoder.router.branches]
    return tasks * tokens * (2 * c * c + experts + generic + specific + router)
