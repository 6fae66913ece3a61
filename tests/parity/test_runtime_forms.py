"""The same model in bfloat16 autocast, channels last, compiled, and in DistributedDataParallel."""

from __future__ import annotations

import contextlib
import logging

import pytest
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from densemoe.models import build_model
from densemoe.models.reparameterize import reparameterize
from tests.models.small import MLORE_CASES, OUTPUTS, baseline, mlore, variant, vit

SIZE = (16, 24)
DECODERS = {
    **{name: mlore(**MLORE_CASES[name]) for name in MLORE_CASES if name not in ("N = 20", "equal ranks")},
    "baseline, shared softmax fusion": baseline(),
    "baseline, per task sum": baseline(projection="per_task_sum"),
}
# one case of every path that is built of other layers
FORMS = (
    "paper",
    "standard experts, all paths",
    "low-rank generic",
    "learned input",
    "specific alone",
    "baseline, shared softmax fusion",
    "baseline, per task sum",
)


def build(case, dtype=torch.float32, modules=None):
    torch.manual_seed(0)
    decoder = DECODERS[case]
    if modules is not None and decoder.kind == "mlore":
        decoder = decoder.model_copy(update={"modules_per_scale": modules})
    return build_model(variant(decoder, vit(drop_path=0.1)), OUTPUTS, SIZE).to(dtype)


def image(dtype=torch.float32, batch=2):
    return torch.randn(batch, 3, *SIZE, generator=torch.Generator().manual_seed(1)).to(dtype)


def loss_of(output):
    loss = sum(p.float().square().mean() for p in output.predictions.values())
    return loss if output.balance is None else loss + output.balance


@pytest.mark.parametrize("case", FORMS)
def test_bfloat16_autocast_trains(case):
    """Gradients are finite, of the parameters' type, and point where those in float32 do."""
    gradients = {}
    for name, context in (("full", contextlib.nullcontext()), ("half", torch.autocast("cpu", torch.bfloat16))):
        model = build(case).train()
        torch.manual_seed(3)  # the same noise
        with context:
            output = model(image())
        assert name == "full" or any(p.dtype == torch.bfloat16 for p in output.predictions.values())
        loss_of(output).backward()
        assert all(p.grad.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters())
        gradients[name] = torch.cat([p.grad.flatten() for p in model.parameters()])
    assert torch.cosine_similarity(gradients["full"], gradients["half"], dim=0) > 0.9


def test_gates_are_float32_in_bfloat16_autocast():
    model = build("paper").eval()
    with torch.autocast("cpu", torch.bfloat16):
        assert {r.gates.dtype for r in model(image(), record_routing=True).routing} == {torch.float32}
    assert {r.gates.dtype for r in model.double()(image(torch.float64), record_routing=True).routing} == {torch.float64}


@pytest.mark.parametrize("case", FORMS)
@torch.no_grad()
def test_bfloat16_autocast_predicts_nearly_the_same(case):
    model = build(case).eval()
    models = [model] if DECODERS[case].kind != "mlore" or "standard" in case else [model, reparameterize(model)]
    for each in models:
        plain = each(image())
        with torch.autocast("cpu", torch.bfloat16):
            half = each(image())
        for task in OUTPUTS:
            assert (plain.predictions[task] - half.predictions[task].float()).abs().max() < 0.1


@pytest.mark.parametrize("case", FORMS)
@torch.no_grad()
def test_channels_last_predicts_the_same(case):
    model = build(case, torch.float64).eval()
    expected = model(image(torch.float64)).predictions
    last = model.to(memory_format=torch.channels_last)
    found = last(image(torch.float64).to(memory_format=torch.channels_last)).predictions
    for task in OUTPUTS:
        assert (expected[task] - found[task]).abs().max() < 1e-12


def test_channels_last_trains_the_same():
    gradients = []
    for form in (torch.contiguous_format, torch.channels_last):
        model = build("paper", torch.float64).train().to(memory_format=form)
        torch.manual_seed(3)
        loss_of(model(image(torch.float64).to(memory_format=form))).backward()
        gradients.append([p.grad for p in model.parameters()])
    assert max((a - b).abs().max() for a, b in zip(*gradients, strict=True)) < 1e-12


@pytest.fixture
def compiler(monkeypatch):
    """A clean torch.compile whose many trace records pytest does not keep: they would take most of the time."""
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "propagate", False)
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def results(model, forward):
    torch.manual_seed(3)
    model.zero_grad()
    output = forward(image(torch.float64))
    loss_of(output).backward()
    return [*output.predictions.values(), *(p.grad.clone() for p in model.parameters())]


@pytest.mark.slow
@pytest.mark.parametrize("case", FORMS)
def test_compiles_as_one_graph(case, compiler):
    """No graph break, the same predictions and gradients (evaluation mode: a graph may draw noise in another order)."""
    model = build(case, torch.float64, modules=1).eval()
    plain = results(model, model)
    compiled = results(model, torch.compile(model, backend="eager", fullgraph=True))
    assert len(plain) == len(compiled) > 50
    assert max((a - b).abs().max() for a, b in zip(plain, compiled, strict=True)) < 1e-10


@pytest.mark.slow
def test_a_training_step_compiles_as_one_graph(compiler):
    """`aot_eager` also traces the backward pass, and needs no compiler of C++."""
    model = build("paper", torch.float64, modules=1).train()
    found = results(model, torch.compile(model, backend="aot_eager", fullgraph=True))
    assert all(value.isfinite().all() for value in found)


@pytest.mark.slow
@torch.no_grad()
def test_the_merged_form_compiles_as_one_graph(compiler):
    merged = reparameterize(build("paper", torch.float64, modules=1).eval())
    compiled = torch.compile(merged, backend="aot_eager", fullgraph=True)(image(torch.float64)).predictions
    for task, expected in merged(image(torch.float64)).predictions.items():
        assert (compiled[task] - expected).abs().max() < 1e-10


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    """A process group of this process alone: DistributedDataParallel checks use of parameters all the same."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path_factory.mktemp('ddp')}/group", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("case", DECODERS)
def test_distributed_data_parallel_finds_every_parameter_used(case, one_process):
    """Three steps without find_unused_parameters: the second would raise if the first had left a parameter out."""
    model = DistributedDataParallel(build(case).train())
    for _ in range(3):
        model.zero_grad()
        loss_of(model(image())).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_an_unused_parameter_would_be_noticed(one_process):
    """So that the test above can fail."""
    model = build("paper").train()
    model.spare = torch.nn.Parameter(torch.ones(1))
    model = DistributedDataParallel(model)
    loss_of(model(image())).backward()
    with pytest.raises(RuntimeError, match="Expected to have finished reduction"):
        loss_of(model(image())).backward()
