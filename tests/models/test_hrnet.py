"""The HRNet backbone, and the decoders on its pyramid of unequal resolutions."""

from __future__ import annotations

import pytest
import timm
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from densemoe.models import DECODERS, build_model
from densemoe.models.backbones.hrnet import Hrnet
from densemoe.models.reparameterize import reparameterize
from densemoe.params.errors import InputError
from densemoe.params.estimate import forward_macs
from densemoe.params.resolve import Step, resolve
from tests.models.small import OUTPUTS, PASCAL, baseline, hrnet, mlore, variant
from tests.parity import reference

SIZE = (64, 96)
FEATURES = {"features_only": True, "feature_location": "", "out_indices": (1, 2, 3, 4)}
PAPER = {"channels": (18, 36, 72, 144)}


def build(size=SIZE, **options):
    torch.manual_seed(0)
    return Hrnet.from_options(hrnet(**options), size).eval()


# ------------------------------------------------------------------------------------------------------------ backbone
def test_it_is_timms_network_but_for_the_upsampling():
    torch.manual_seed(0)
    theirs = timm.create_model("hrnet_w18_small_v2", pretrained=False, **FEATURES).eval()
    nearest, bilinear = build(upsampling="nearest", **PAPER), build(**PAPER)
    image = torch.randn(1, 3, *SIZE)
    for backbone in (nearest, bilinear):
        backbone.hrnet.load_state_dict(theirs.state_dict())
        assert backbone.channels == [18, 36, 72, 144]
        assert backbone.grids == [(16, 24), (8, 12), (4, 6), (2, 3)]
        assert [tuple(x.shape[1:]) for x in backbone(image)] == [
            (c, *grid) for c, grid in zip(backbone.channels, backbone.grids, strict=True)
        ]
    expected = theirs(image)
    assert all(torch.equal(a, b) for a, b in zip(nearest(image), expected, strict=True))
    assert not any(torch.allclose(a, b, atol=1e-3) for a, b in zip(bilinear(image), expected, strict=True))


def test_bilinear_exchange_by_hand():
    """The last exchange of branches: strided convolutions downwards, 1x1 and bilinear resizing upwards, sum, ReLU."""
    last = build().double().hrnet.stage4[-1]
    seen = {}
    for i, branch in enumerate(last.branches):
        branch.register_forward_hook(lambda module, args, out, i=i: seen.update({i: out}))
    torch.manual_seed(1)
    inputs = [torch.randn(1, c, 16 // 2**i, 24 // 2**i, dtype=torch.float64) for i, c in enumerate((4, 8, 12, 16))]
    outputs = last(list(inputs))
    for i in range(4):
        total = seen[i]
        for j in range(4):
            if j > i:
                conv, norm, _ = last.fuse_layers[i][j]
                total = total + reference.resize(norm(conv(seen[j])), seen[i].shape[2:])
            if j < i:
                total = total + last.fuse_layers[i][j](seen[j])
        assert (outputs[i] - total.clamp(min=0)).abs().max() < 1e-12


def test_parameters_of_the_papers_backbone():
    with torch.device("meta"):
        assert sum(p.numel() for p in build(**PAPER).parameters()) == 3_860_720  # 3.86 M, not the 9.56 M of HRNet-W18
        w48 = build(name="hrnet_w48", channels=(48, 96, 192, 384))
        assert sum(p.numel() for p in w48.parameters()) / 1e6 == pytest.approx(65.33, abs=0.01)


@pytest.mark.parametrize("size", [(425, 560), (56, 72), (64, 64), (33, 31)])
def test_any_image_size(size):
    backbone = build(size)
    image = torch.randn(1, 3, *size)
    maps = backbone(image)
    assert [tuple(x.shape[2:]) for x in maps] == [(-(-size[0] // s), -(-size[1] // s)) for s in (4, 8, 16, 32)]
    below, right = -size[0] % 32, -size[1] % 32
    whole = backbone.hrnet(F.pad(image, (0, right, 0, below)))
    for ours, padded, grid in zip(maps, whole, backbone.grids, strict=True):
        assert torch.equal(ours, padded[:, :, : grid[0], : grid[1]])
    sum(x.sum() for x in maps).backward()


def test_no_parameter_is_without_use():
    backbone = build().train()
    sum(m.square().sum() for m in backbone(torch.randn(2, 3, *SIZE))).backward()
    parameters = dict(backbone.named_parameters())
    assert len(parameters) > 200
    assert [name for name, p in parameters.items() if p.grad is None] == []
    assert not [name for name in parameters if "classifier" in name or "incre" in name]


@pytest.fixture
def offline(monkeypatch):
    """Put a fabricated network in the place of timm's download; networks without weights are made as ever."""
    create = timm.create_model

    def put(answer):
        def create_model(name, pretrained, **options):
            if not pretrained:
                return create(name, pretrained=False, **options)
            assert options == FEATURES
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(timm, "create_model", create_model)

    return put


NAME = "hrnet_w18_small_v2.ms_in1k"


def test_load_pretrained(offline):
    torch.manual_seed(5)
    source = timm.create_model("hrnet_w18_small_v2", pretrained=False, **FEATURES)
    backbone = build(weights=NAME, **PAPER)
    offline(source)
    state = torch.random.get_rng_state()
    backbone.load_pretrained()
    assert torch.equal(state, torch.random.get_rng_state())
    ours, theirs = backbone.hrnet.state_dict(), source.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    build().load_pretrained()  # names none: nothing to fetch


def test_missing_network_gives_a_sentence(offline):
    offline(OSError("no route to host"))
    with pytest.raises(
        InputError, match=rf"'{NAME}' could not be fetched \(OSError: no route to host\)\. Run once with"
    ):
        build(weights=NAME).load_pretrained()


def test_weights_of_another_shape_are_refused(offline):
    offline(timm.create_model("hrnet_w18_small_v2", pretrained=False, **FEATURES))
    with pytest.raises(InputError, match=r"channels \[18, 36, 72, 144\]; the encoder has channels \[4, 8, 12, 16\]"):
        build(weights=NAME).load_pretrained()


def test_unknown_weights_are_refused():
    with pytest.raises(InputError, match="not the name of pretrained weights"):
        build(weights="hrnet_w18_small_v2.no_such_tag").load_pretrained()
    with pytest.raises(
        ValueError, match=r"'hrnet_w48.ms_in1k' is not of encoder.name 'hrnet_w18_small_v2'; allowed are"
    ):
        hrnet(weights="hrnet_w48.ms_in1k")


def test_the_weights_of_the_papers_are_known_to_timm():
    for name in (NAME, "hrnet_w48.ms_in1k"):
        assert timm.is_model(name) and timm.models.is_model_pretrained(name)


# ------------------------------------------------------------------------------------------------------------ decoders
WIDTHS, GRIDS = [6, 7, 8], [(6, 9), (3, 5), (2, 3)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["mlore", "shared_softmax_fusion", "per_task_sum"])
def test_decoders_on_a_pyramid_equal_the_reference(name, training, monkeypatch):
    options = mlore() if name == "mlore" else baseline(projection=name)
    torch.manual_seed(0)
    decoder = DECODERS[options.kind](options, WIDTHS, GRIDS, OUTPUTS).double().train(training)
    maps = [torch.randn(2, c, *grid, dtype=torch.float64) for c, grid in zip(WIDTHS, GRIDS, strict=True)]
    state = {k: v.clone() for k, v in decoder.state_dict().items()}
    if name == "mlore":
        noises = [torch.randn(2, len(OUTPUTS), 4, dtype=torch.float64) for _ in range(6)] if training else None
        drawn = iter(noises or [])
        monkeypatch.setattr("densemoe.models.routers.noisy_top_k.torch.randn_like", lambda _: next(drawn))
        expected, _, _ = reference.mlore(state, options, OUTPUTS, maps, training, noises)
    else:
        expected = reference.baseline(state, options, OUTPUTS, maps, training)
    predictions = decoder(maps).predictions
    for task, channels in OUTPUTS.items():
        assert predictions[task].shape == (2, channels, *GRIDS[0])  # heads at the finest scale, not at four times it
        assert (predictions[task] - expected[task]).abs().max() < 1e-10


@pytest.mark.parametrize("decoder", [mlore(), baseline(), baseline(projection="per_task_sum")])
@pytest.mark.parametrize("size", [(64, 64), (56, 72)])
def test_the_network_trains(decoder, size):
    torch.manual_seed(0)
    model = build_model(variant(decoder, hrnet()), OUTPUTS, size).train()
    output = model(torch.randn(2, 3, *size))
    assert all(output.predictions[task].shape == (2, channels, *size) for task, channels in OUTPUTS.items())
    sum(p.square().mean() for p in output.predictions.values()).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_merged_form_is_exact():
    torch.manual_seed(0)
    model = build_model(variant(mlore(), hrnet()), OUTPUTS, SIZE).double()
    with torch.no_grad():
        model.train()(torch.randn(2, 3, *SIZE, dtype=torch.float64))  # moves the running statistics
        model.eval()
        image = torch.randn(2, 3, *SIZE, dtype=torch.float64)
        ours, merged = model(image).predictions, reparameterize(model)(image).predictions
    assert all((ours[task] - merged[task]).abs().max() < 1e-9 for task in OUTPUTS)


def test_mixed_precision_and_layout():
    torch.manual_seed(0)
    model = build_model(variant(mlore(), hrnet()), OUTPUTS, SIZE).to(memory_format=torch.channels_last).train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(torch.randn(2, 3, *SIZE).to(memory_format=torch.channels_last))
    sum(p.float().square().mean() for p in output.predictions.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_table_14_at_paper_scale(params):
    """Its row and one of its single-task baselines; docs/models.md states the counts."""
    table = {"dataset": "pascal_context", "backbone": "hrnet18"}
    sizes = {}
    for method, task in (("mlore", None), ("single_task", "semseg")):
        chosen = resolve(params, [Step("test", {**table, "method": method})], "paper", only_task=task).variant
        with torch.device("meta"):
            model = build_model(chosen, {t: PASCAL[t] for t in chosen.tasks}, chosen.data.crop, load_weights=False)
            image = torch.empty(1, 3, *chosen.data.crop)
        sizes[chosen.decoder.kind, chosen.tasks] = sum(p.numel() for p in model.parameters())
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.eval()(image)
        estimated = forward_macs(chosen, {t: PASCAL[t] for t in chosen.tasks})
        assert counter.get_total_flops() / 2 == pytest.approx(estimated, rel=0.005)
        assert chosen.encoder.weights == NAME
    assert sizes == {("mlore", tuple(PASCAL)): 23_987_974, ("baseline", ("semseg",)): 4_404_681}
