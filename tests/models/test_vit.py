"""The ViT backbone: its maps, the surgery on pretrained weights, and what it refuses."""

from __future__ import annotations

import pytest
import safetensors.torch
import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional as F

from densemoe.models.backbones.pretrained import local_weights
from densemoe.models.backbones.vit import Vit, adapt_state_dict
from densemoe.params.errors import InputError
from tests.models.small import vit

SIZE = (24, 32)  # a grid of 6x8 at patch 4


def build(size=SIZE, **options):
    torch.manual_seed(0)
    return Vit.from_options(vit(**options), size).eval()


def source(grid=(6, 6), depth=2):
    """A classification ViT of timm's with class token, as its pretrained weights have; a stand-in for a download."""
    torch.manual_seed(1)
    size = (grid[0] * 4, grid[1] * 4)
    model = VisionTransformer(img_size=size, patch_size=4, embed_dim=12, depth=depth, num_heads=2, num_classes=7)
    for value in model.parameters():
        value.data.add_(0.1 * torch.randn_like(value))
    return model.eval()


def test_maps_are_those_after_the_tapped_blocks():
    backbone, image = build(depth=3, taps=(1, 3)), torch.randn(2, 3, *SIZE)
    x = backbone.vit.patch_embed(image) + backbone.vit.pos_embed
    after = [x := block(x) for block in backbone.vit.blocks]
    # the last map alone is normalised
    expected = [after[0], F.layer_norm(after[2], (12,), eps=1e-6)]
    maps = backbone(image)
    assert len(maps) == 2
    for ours, tokens in zip(maps, expected, strict=True):
        assert ours.shape == (2, 12, 6, 8)
        assert torch.allclose(ours.flatten(2).transpose(1, 2), tokens, atol=1e-6)


def test_it_says_what_a_decoder_needs():
    backbone = build()
    assert (backbone.channels, backbone.stride, backbone.grid) == ([12, 12], 4, (6, 8))


def test_no_parameter_is_without_use():
    backbone = build(depth=4, taps=(1, 2))  # blocks 3 and 4 and the final norm are not built
    assert len(backbone.vit.blocks) == 2
    sum(m.square().sum() for m in backbone(torch.randn(1, 3, *SIZE))).backward()
    assert all(p.grad is not None for p in backbone.parameters())
    names = [name for name, _ in backbone.named_parameters()]
    assert not [n for n in names if "cls_token" in n or "head" in n or n.startswith("vit.norm")]
    assert backbone.vit.pos_embed.shape == (1, 48, 12)


@pytest.mark.parametrize("depth, taps", [(4, (1, 2, 3, 4)), (4, (1, 3)), (1, (1,))])
def test_drop_path_grows_linearly_over_the_whole_depth(depth, taps):
    backbone = build(depth=depth, taps=taps, drop_path=0.3)
    rates = [getattr(b.drop_path1, "drop_prob", 0.0) for b in backbone.vit.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3][: taps[-1]])
    assert rates == [getattr(b.drop_path2, "drop_prob", 0.0) for b in backbone.vit.blocks]


def test_norms_and_activation():
    for module in build().modules():
        if isinstance(module, torch.nn.LayerNorm):
            assert module.eps == 1e-6
        if isinstance(module, torch.nn.GELU):
            assert module.approximate == "none"


def adapted(model, backbone):
    return adapt_state_dict(
        model.state_dict(),
        prefix_tokens=1,
        old_grid=model.patch_embed.grid_size,
        grid=backbone.grid,
        blocks=len(backbone.vit.blocks),
        final_norm=not isinstance(backbone.vit.norm, torch.nn.Identity),
    )


def test_surgery_drops_class_token_and_classifier_and_resizes_without_antialiasing():
    model, backbone = source(), build()
    state = adapted(model, backbone)
    backbone.vit.load_state_dict(state)  # strict

    gone = set(model.state_dict()) - set(state)
    assert gone == {"cls_token", "head.weight", "head.bias"}
    rows = model.pos_embed.detach()[:, 1:]  # without the class token's
    image = rows.reshape(1, 6, 6, 12).permute(0, 3, 1, 2)
    bicubic = F.interpolate(image, size=(6, 8), mode="bicubic", align_corners=False, antialias=False)
    assert torch.allclose(backbone.vit.pos_embed, bicubic.flatten(2).transpose(1, 2), atol=1e-6)


def test_surgery_does_not_antialias_where_that_matters():
    """Antialiasing changes the values when the grid shrinks in one direction."""
    model, backbone = source(grid=(12, 6)), build()
    image = model.pos_embed.detach()[:, 1:].reshape(1, 12, 6, 12).permute(0, 3, 1, 2)
    smooth = F.interpolate(image, size=(6, 8), mode="bicubic", align_corners=False, antialias=True)
    plain = F.interpolate(image, size=(6, 8), mode="bicubic", align_corners=False)
    ours = adapted(model, backbone)["pos_embed"].transpose(1, 2).view_as(plain)
    assert torch.allclose(ours, plain, atol=1e-6)
    assert (ours - smooth).abs().max() > 0.01


def test_surgery_leaves_out_blocks_behind_the_last_tap():
    model, backbone = source(depth=4), build(depth=4, taps=(1, 3))
    backbone.vit.load_state_dict(adapted(model, backbone))
    for name, value in backbone.vit.blocks.state_dict().items():
        assert torch.equal(value, model.blocks.state_dict()[name])


@pytest.fixture
def offline(monkeypatch):
    """Put a fabricated network in the place of timm's download."""

    def put(answer):
        monkeypatch.setattr(timm, "is_model", lambda name: True)
        monkeypatch.setattr(timm.models, "is_model_pretrained", lambda name: True)

        def create_model(name, pretrained):
            assert pretrained
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(timm, "create_model", create_model)

    return put


def test_load_pretrained(offline):
    model, backbone = source(), build(weights="some_vit.tag")
    offline(model)
    state = torch.random.get_rng_state()
    backbone.load_pretrained()
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(backbone.vit.blocks[1].mlp.fc1.weight, model.blocks[1].mlp.fc1.weight)
    assert torch.equal(backbone.vit.norm.weight, model.norm.weight)


def test_missing_network_gives_a_sentence(offline):
    offline(OSError("no route to host"))
    with pytest.raises(InputError, match=r"'some_vit.tag' could not be fetched \(OSError: no route to host\)"):
        build(weights="some_vit.tag").load_pretrained()


def test_without_network_the_sentence_says_which_file_goes_where(offline, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    offline(OSError("no route\nto host"))
    with pytest.raises(InputError) as refused:
        build(weights="some_vit.tag").load_pretrained()
    sentence = str(refused.value)
    assert "put the file model.safetensors of timm/some_vit.tag on the Hugging Face hub at " in sentence
    assert str(tmp_path / "hub/checkpoints/some_vit.tag.safetensors") in sentence
    assert "\n" not in sentence


TINY = "vit_tiny_patch16_384.augreg_in21k_ft_in1k"
TINY_SIZES = {"width": 192, "depth": 12, "heads": 3, "patch": 16, "taps": (3, 6, 9, 12)}


def test_a_file_put_there_by_hand_is_taken_instead_of_a_download(monkeypatch, tmp_path):
    """With timm itself; its network of random weights stands in for the downloaded file."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(2)
    file = local_weights(TINY)
    file.parent.mkdir(parents=True)
    source = timm.create_model(TINY, pretrained=False)
    safetensors.torch.save_file(source.state_dict(), file)
    backbone = build((64, 96), weights=TINY, **TINY_SIZES)
    backbone.load_pretrained()
    for name, value in backbone.vit.state_dict().items():
        if name != "pos_embed":
            assert torch.equal(value, source.state_dict()[name]), name
    grid = source.pos_embed.detach()[:, 1:].transpose(1, 2).unflatten(2, (24, 24))
    resized = F.interpolate(grid, (4, 6), mode="bicubic", align_corners=False)
    assert torch.allclose(backbone.vit.pos_embed, resized.flatten(2).transpose(1, 2), atol=1e-6)


def test_a_wrong_file_put_there_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = local_weights(TINY)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"<html>not a checkpoint")
    with pytest.raises(InputError, match=rf"{TINY}\.safetensors does not hold the weights '{TINY}' \("):
        build((64, 96), weights=TINY, **TINY_SIZES).load_pretrained()
    safetensors.torch.save_file({"norm.weight": torch.ones(192)}, file)
    with pytest.raises(InputError, match=r"does not hold the weights .*Missing key"):
        build((64, 96), weights=TINY, **TINY_SIZES).load_pretrained()


def test_the_mean_and_deviation_of_images_are_imagenets():
    """Whatever the pretrained weights were trained with (0.5): the released code normalises so, and training adapts."""
    from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

    from densemoe.data.transforms import MEAN, STD

    assert MEAN == IMAGENET_DEFAULT_MEAN
    assert STD == IMAGENET_DEFAULT_STD


def test_weights_of_another_shape_are_refused(offline):
    offline(source())
    with pytest.raises(
        InputError, match="network of width 12, depth 2, heads 2, patch 4; the encoder has width 12, de"
    ):
        build(weights="some_vit.tag", heads=3).load_pretrained()
    with pytest.raises(InputError, match="the encoder has width 12, depth 3"):
        build(weights="some_vit.tag", depth=3, taps=(1, 3)).load_pretrained()


def test_unknown_weights_are_refused():
    with pytest.raises(InputError, match="not the name of pretrained weights"):
        build(weights="vit_base_patch16_384.no_such_tag").load_pretrained()


def test_the_weights_of_the_papers_are_known_to_timm():
    for size in ("small", "base", "large"):
        name = f"vit_{size}_patch16_384.augreg_in21k_ft_in1k"
        assert timm.is_model(name) and timm.models.is_model_pretrained(name)


def test_image_size_must_fit_the_patches():
    with pytest.raises(InputError, match=r"24x30 is not a multiple of encoder\.patch 4"):
        build(size=(24, 30))
