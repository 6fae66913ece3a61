"""Plain vision transformer from timm, without class token.

Shapes: B batch, D width, H W of the token grid.
"""

from __future__ import annotations

from functools import partial

from timm.layers import resample_abs_pos_embed
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from densemoe.models.backbones.pretrained import fetch, refuse_other_shape
from densemoe.params.errors import InputError
from densemoe.params.options import VitEncoder

# Parts of a classification network that a backbone without class token does not have.
_NOT_USED = ("cls_token", "head.", "fc_norm.", "head_drop.")


class Vit(nn.Module):
    """Token maps after some blocks of a vision transformer.

    The maps are not normalised, but the one after the very last block has passed the final LayerNorm. Blocks behind
    the last tap are not built, so that every parameter is used.

    Args:
        image_size: height and width in pixels, multiples of `patch`.
        width, depth, heads, patch: sizes of the transformer.
        taps: 1-based numbers of the blocks whose output is returned, increasing.
        drop_path: stochastic depth of block `depth`; linear from 0 at the first block.
        weights: timm name of pretrained weights that `load_pretrained` fetches, or None.

    Raises:
        InputError: `image_size` is not a multiple of `patch`.
    """

    def __init__(
        self,
        image_size: tuple[int, int],
        *,
        width: int,
        depth: int,
        heads: int,
        patch: int,
        taps: tuple[int, ...],
        drop_path: float,
        weights: str | None,
    ):
        super().__init__()
        if image_size[0] % patch or image_size[1] % patch:
            raise InputError(
                f"The image size {image_size[0]}x{image_size[1]} is not a multiple of encoder.patch {patch}."
            )
        self.channels = [width] * len(taps)
        self.stride = patch
        self.grid = (image_size[0] // patch, image_size[1] // patch)
        self.grids = [self.grid] * len(taps)
        self.taps = taps
        self.weights = weights
        built = taps[-1]
        self.vit = VisionTransformer(
            img_size=image_size,
            patch_size=patch,
            embed_dim=width,
            depth=built,
            num_heads=heads,
            # timm spreads the rate over the blocks that it builds
            drop_path_rate=drop_path * (built - 1) / max(depth - 1, 1),
            class_token=False,
            global_pool="",
            num_classes=0,
            final_norm=built == depth,
            fc_norm=False,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            act_layer=nn.GELU,
        )

    @classmethod
    def from_options(cls, options: VitEncoder, image_size: tuple[int, int]) -> Vit:
        """Build from typed options."""
        return cls(
            image_size,
            width=options.width,
            depth=options.depth,
            heads=options.heads,
            patch=options.patch,
            taps=options.taps,
            drop_path=options.drop_path,
            weights=options.weights,
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image [B, 3, H*patch, W*patch] -> one map [B, D, H, W] per tap."""
        last, maps = self.vit.forward_intermediates(image, indices=[tap - 1 for tap in self.taps], output_fmt="NCHW")
        # `last` [B, H*W, D] is the last tap again, after the final norm (an identity if deeper blocks were left out)
        maps[-1] = last.transpose(1, 2).unflatten(2, self.grid).contiguous()
        return maps

    def load_pretrained(self) -> None:
        """Fetch the weights that the options name, through timm, and load them strictly; nothing if they name none.

        A file put at `pretrained.local_weights(name)` is taken instead of a download.

        Raises:
            InputError: timm does not know the name, the network of that name has another shape, it cannot be fetched,
                or the local file is not that network's.
        """
        if self.weights is None:
            return
        source = fetch(self.weights)
        if not isinstance(source, VisionTransformer):
            raise InputError(
                f"encoder.weights '{self.weights}' is a {type(source).__name__}, not a plain vision transformer."
            )
        ours, theirs = _shape(self.vit), _shape(source)
        if ours["depth"] < theirs["depth"]:  # blocks behind the last tap are dropped
            theirs["depth"] = ours["depth"]
        refuse_other_shape(self.weights, theirs, ours)
        self.vit.load_state_dict(
            adapt_state_dict(
                source.state_dict(),
                prefix_tokens=source.num_prefix_tokens,
                old_grid=source.patch_embed.grid_size,
                grid=self.grid,
                blocks=len(self.vit.blocks),
                final_norm=not isinstance(self.vit.norm, nn.Identity),
            )
        )


def adapt_state_dict(
    state: dict[str, Tensor],
    *,
    prefix_tokens: int,
    old_grid: tuple[int, int],
    grid: tuple[int, int],
    blocks: int,
    final_norm: bool,
) -> dict[str, Tensor]:
    """Turn the weights of a timm classification ViT into those of a backbone without class token.

    Drops class token, classifier, blocks from number `blocks` on and, without `final_norm`, the final norm. The
    position embedding [1, prefix + H*W, D] loses the rows of its prefix tokens and is resized bicubically without
    antialiasing, as in the released MLoRE code; timm's default antialiases, which gives other values.
    """
    adapted = {}
    for name, value in state.items():
        if name.startswith(_NOT_USED) or (name.startswith("norm.") and not final_norm):
            continue
        if name.startswith("blocks.") and int(name.split(".")[1]) >= blocks:
            continue
        if name == "pos_embed":
            value = resample_abs_pos_embed(
                value[:, prefix_tokens:], new_size=list(grid), old_size=list(old_grid), num_prefix_tokens=0,
                antialias=False,
            )  # fmt: skip
        adapted[name] = value
    return adapted


def _shape(vit: VisionTransformer) -> dict[str, int]:
    return {
        "width": vit.embed_dim,
        "depth": len(vit.blocks),
        "heads": vit.blocks[0].attn.num_heads,
        "patch": vit.patch_embed.patch_size[0],
    }
