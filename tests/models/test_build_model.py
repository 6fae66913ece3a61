"""The whole network: shapes, reproducibility, and parameter counts at the papers' sizes (on the meta device)."""

from __future__ import annotations

import pytest
import torch

from densemoe.models import build_model
from densemoe.models.cost import count_macs
from densemoe.params.errors import InputError
from tests.models.small import NYUD, OUTPUTS, PASCAL, baseline, mlore, paper_vit, variant, vit

SIZE = (24, 32)
RANKS = range(16, 129, 8)
P, N = (PASCAL, (512, 512)), (NYUD, (448, 576))


def full(channels=640, ranks=RANKS, specific=64, **options):
    """The released configuration of ViT-B, with differences."""
    return mlore(**{"channels": channels, "ranks": ranks, "k": 9, "specific": specific, **options})


# name -> encoder, decoder, outputs and image size, parameters, their printed millions, multiply-accumulates / 2^30.
# Released code without its unused modules, and the readings of Table 2 that fit the paper.
COUNTS = {
    "PASCAL, ViT-B": ("base", full(), P, 259_131_638, "259.132", 847.03),
    "PASCAL, ViT-L": ("large", full(452, specific=72), P, 407_689_382, "407.690", 769.83),
    "PASCAL, ViT-S": ("small", full(192, range(8, 65, 4), 32), P, 42_176_534, "42.177", 113.77),
    "NYUD, ViT-L": ("large", full(768, range(16, 241, 16), 16), N, 551_624_509, "551.626", 1309.25),
    "LoRE": ("base", full(specific=None, generic="none"), P, 213_210_318, "213.21", None),
    "LoRE + GC": ("base", full(specific=None), P, 242_706_638, "242.71", None),
    "MoE": ("base", full(experts=15, specific=None, generic="none"), P, 649_502_478, "649.50", 2770.85),
    "baseline B": ("base", baseline(640), P, 115_181_878, "115.18", 390.94),
    "baseline A": ("base", baseline(640, "per_task_sum"), P, 114_739_618, "114.74", 390.52),
}


def build(decoder=None, encoder=None, outputs=OUTPUTS, size=SIZE, seed=0):
    torch.manual_seed(seed)
    return build_model(variant(decoder or mlore(), encoder, outputs), outputs, size)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_at_paper_scale(name):
    encoder, decoder, (outputs, size), parameters, printed, macs = COUNTS[name]
    with torch.device("meta"):
        model = build_model(variant(decoder, paper_vit(encoder), outputs), outputs, size).eval()
        image = torch.empty(1, 3, *size)
    assert sum(p.numel() for p in model.parameters()) == parameters
    # the released code counts a row of the position embedding for a class token that it does not have
    with_class_row = parameters + paper_vit(encoder).width
    assert f"{with_class_row / 1e6:.{len(printed.split('.')[1])}f}" == printed
    if macs is not None:
        assert count_macs(model, image).total() / 2**30 == pytest.approx(macs, abs=0.006)


@pytest.mark.parametrize("decoder", [mlore(), baseline(), baseline(projection="per_task_sum")])
def test_predictions_have_the_size_of_the_image(decoder):
    output = build(decoder)(torch.randn(2, 3, *SIZE))
    assert list(output.predictions) == list(OUTPUTS)
    for task, channels in OUTPUTS.items():
        assert output.predictions[task].shape == (2, channels, *SIZE)


def test_predictions_are_resized_bilinearly_from_the_heads():
    model = build(baseline(), encoder=vit(patch=8, width=12)).eval()  # heads at half the resolution
    image = torch.randn(1, 3, *SIZE)
    raw = model.decoder(model.backbone(image)).predictions["semseg"]
    assert raw.shape == (1, 5, 12, 16)
    resized = torch.nn.functional.interpolate(raw, SIZE, mode="bilinear", align_corners=False)
    assert torch.equal(model(image).predictions["semseg"], resized)


def test_single_task():
    for task in OUTPUTS:
        outputs = {task: OUTPUTS[task]}
        output = build(baseline(), outputs=outputs).train()(torch.randn(2, 3, *SIZE))
        assert output.predictions[task].shape == (2, OUTPUTS[task], *SIZE)


def test_balance_and_routing():
    model, image = build(), torch.randn(2, 3, *SIZE)
    output = model.train()(image, record_routing=True)
    assert output.balance.ndim == 0 and output.balance.requires_grad
    assert [(r.scale, r.module) for r in output.routing] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for record in output.routing:
        assert record.gates.shape == (2, 3, 4) and not record.gates.requires_grad
        assert ((record.gates > 0).sum(-1) == 2).all()
    output = model.eval()(image)
    assert output.balance is None and output.routing is None


@pytest.mark.parametrize("decoder", [mlore(), mlore(input="learned"), baseline()])
def test_same_seed_same_network(decoder):
    one, two, other = build(decoder), build(decoder), build(decoder, seed=1)
    assert list(one.state_dict()) == list(two.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_training_step_is_reproducible():
    def gradients():
        model = build(encoder=vit(drop_path=0.2)).train()
        torch.manual_seed(3)
        output = model(torch.randn(2, 3, *SIZE))
        (sum(p.square().mean() for p in output.predictions.values()) + output.balance).backward()
        return [p.grad for p in model.parameters()]

    one, two = gradients(), gradients()
    assert len(one) > 100
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_well_known_parameter_keys():
    """A renamed parameter makes every checkpoint unreadable; it must not happen unnoticed."""
    keys = build().state_dict()
    for key in (
        "backbone.vit.pos_embed",
        "backbone.vit.blocks.0.attn.qkv.weight",
        "decoder.project.0.weight",
        "decoder.scales.0.1.enter.weight",
        "decoder.scales.0.0.router.branches.1.weight",
        "decoder.scales.0.0.router.predict.bias",
        "decoder.scales.0.0.paths.experts.down.weight",
        "decoder.scales.0.0.paths.experts.up.weight",
        "decoder.scales.0.0.paths.specific.up.weight",
        "decoder.scales.0.0.paths.generic.weight",
        "decoder.scales.0.0.paths.norm.running_var",
        "decoder.fusion.weigh.weight",
        "decoder.heads.boundary.predict.bias",
    ):
        assert key in keys
    assert not [k for k in keys if k.endswith("owner")]


def test_a_component_that_is_not_built_is_refused():
    pad_net = variant(mlore())
    pad_net.decoder = type("Options", (), {"kind": "pad_net"})()
    with pytest.raises(InputError, match=r"decoder\.kind 'pad_net' is not built yet; built are baseline, mlore"):
        build_model(pad_net, OUTPUTS, SIZE)
    swin = variant(mlore())
    swin.encoder = type("Options", (), {"kind": "swin"})()
    with pytest.raises(InputError, match=r"encoder\.kind 'swin' is not built yet; built are hrnet, vit"):
        build_model(swin, OUTPUTS, SIZE)


def test_outputs_must_be_the_tasks_of_the_variant():
    with pytest.raises(InputError, match="outputs are"):
        build_model(variant(mlore()), {"semseg": 5}, SIZE)


def test_pretrained_weights_are_not_fetched_unasked(monkeypatch):
    monkeypatch.setattr("timm.create_model", lambda *a, **k: pytest.fail("fetched"))
    named = variant(mlore(), vit(weights="vit_base_patch16_384.augreg_in21k_ft_in1k"))
    build_model(named, OUTPUTS, SIZE, load_weights=False)
