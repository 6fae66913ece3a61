"""The decoders equal a slow reference written from the architecture sheet, in every option."""

from __future__ import annotations

import pytest
import torch

from densemoe.models import DECODERS
from tests.models.small import MLORE_CASES, OUTPUTS, baseline, mlore
from tests.parity import reference

GRID = (3, 5)  # not square
WIDTHS = [6, 7]  # scales of unequal width
BATCH = 3


def build(options, seed=0):
    torch.manual_seed(seed)
    decoder = DECODERS[options.kind](options, WIDTHS, [GRID] * len(WIDTHS), OUTPUTS).double()
    for name, value in decoder.named_parameters():  # let zeros and ones count too
        if name.endswith("bias") or "norm" in name:
            value.data.add_(0.3 * torch.randn_like(value))
    for name, value in decoder.named_buffers():
        if name.endswith("running_mean"):
            value.normal_()
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
    return decoder


def maps(seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(BATCH, width, *GRID, dtype=torch.float64, generator=generator) for width in WIDTHS]


def fixed_noise(monkeypatch, options):
    """Make the routers draw known noise; returns what each module in turn will draw."""
    scale = torch.Generator().manual_seed(2)
    shape = (BATCH, len(OUTPUTS), options.experts.count)
    noises = [
        torch.randn(shape, dtype=torch.float64, generator=scale) for _ in range(len(WIDTHS) * options.modules_per_scale)
    ]
    drawn = iter(noises)
    monkeypatch.setattr("densemoe.models.routers.noisy_top_k.torch.randn_like", lambda _: next(drawn))
    return noises


def assert_same(ours, theirs, tolerance=1e-10):
    assert list(ours) == list(theirs)
    for task in theirs:
        assert ours[task].shape == theirs[task].shape == (BATCH, OUTPUTS[task], 4 * GRID[0], 4 * GRID[1])
        assert (ours[task] - theirs[task]).abs().max() < tolerance


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", MLORE_CASES)
def test_mlore_equals_the_reference(case, training, monkeypatch):
    options = mlore(**MLORE_CASES[case])
    decoder = build(options).train(training)
    noises = fixed_noise(monkeypatch, options) if training else None
    state = {k: v.clone() for k, v in decoder.state_dict().items()}
    predictions, balance, gates = reference.mlore(state, options, OUTPUTS, maps(), training, noises)

    output = decoder(maps(), record_routing=True)

    assert_same(output.predictions, predictions)
    if training and options.balance.kind != "none":
        assert abs(output.balance - balance) < 1e-10
        assert balance > 0 or options.experts.count == 1
    else:
        assert output.balance is None
    assert (
        len(output.routing) == len(gates) == (len(WIDTHS) * options.modules_per_scale if options.experts.count else 0)
    )
    for number, (record, expected) in enumerate(zip(output.routing, gates, strict=True)):
        assert (record.scale, record.module) == divmod(number, options.modules_per_scale)
        assert (record.gates - expected).abs().max() < 1e-10


@pytest.mark.parametrize("case", MLORE_CASES)
def test_a_training_step_equals_the_reference(case, monkeypatch):
    """With noise, batch statistics and balance: gradients of every parameter and input, running statistics after it.

    The stop-gradient in front of the generic path is part of it: without it the gradients of all that lies in front
    differ.
    """
    options = mlore(**MLORE_CASES[case])
    decoder = build(options).train()
    noises = fixed_noise(monkeypatch, options)
    inputs = [x.requires_grad_() for x in maps()]
    before = {k: v.clone() for k, v in decoder.state_dict().items()}
    state = {k: v.clone().requires_grad_(v.is_floating_point()) for k, v in before.items()}
    statistics = {}
    predictions, balance, _ = reference.mlore(state, options, OUTPUTS, inputs, True, noises, statistics)
    names = [name for name, _ in decoder.named_parameters()]
    loss = sum(p.pow(2).mean() for p in predictions.values()) + (balance if options.balance.kind != "none" else 0)
    expected = torch.autograd.grad(loss, [*[state[n] for n in names], *inputs], allow_unused=True)

    output = decoder(inputs)
    loss = sum(p.pow(2).mean() for p in output.predictions.values())
    loss = loss if output.balance is None else loss + output.balance
    ours = torch.autograd.grad(loss, [*decoder.parameters(), *inputs])

    assert len(ours) == len(names) + len(WIDTHS)
    for name, a, b in zip([*names, *("map",) * len(WIDTHS)], ours, expected, strict=True):
        b = torch.zeros_like(a) if b is None else b
        assert (a - b).abs().max() <= 1e-10 * max(1, b.abs().max()), name
    after, tasks = decoder.state_dict(), len(OUTPUTS)
    assert {prefix for prefix, _ in statistics} == {k.removesuffix("running_var") for k in after if "running_var" in k}
    for (prefix, task), seen in statistics.items():
        shared = 1 if prefix.startswith("heads") else tasks
        for kind, value in zip(("running_mean", "running_var"), seen, strict=True):
            key = prefix + kind
            moved = 0.9 * reference.part(before[key], task, shared) + 0.1 * value
            assert (reference.part(after[key], task, shared) - moved).abs().max() < 1e-10, key


def test_without_the_stop_gradient_the_gradients_would_differ():
    """So that the comparison above can fail."""
    decoder = build(mlore(modules=1)).eval()
    x = maps()[0].requires_grad_()

    def gradient(cut):
        module = decoder.scales[0][0]
        y = module.enter(decoder.project[0](x))
        generic = module.paths.generic(y.detach() if cut else y)
        return torch.autograd.grad(generic.pow(2).sum() + y.sum(), x)[0]

    decoder.scales[0][0].enter = torch.nn.Conv2d(8, 8, 1).double()
    assert (gradient(True) - gradient(False)).abs().max() > 1e-3


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("projection", ["shared_softmax_fusion", "per_task_sum"])
def test_baseline_equals_the_reference(projection, training):
    options = baseline(projection=projection)
    decoder = build(options).train(training)
    state = {k: v.clone() for k, v in decoder.state_dict().items()}
    expected = reference.baseline(state, options, OUTPUTS, maps(), training)
    output = decoder(maps())
    assert_same(output.predictions, expected)
    assert output.balance is None
    assert output.routing is None


def test_full_model_without_modules_is_the_baseline():
    """Reading B is nested in MLoRE: same projection, fusion and heads when all tasks have the same features."""
    full, base = build(mlore(modules=1)), build(baseline())
    shared = {k: v for k, v in full.state_dict().items() if not k.startswith("scales.")}
    base.load_state_dict(shared)
    x = [project(m) for project, m in zip(base.project, maps(), strict=True)]
    repeated = [f.repeat(1, len(OUTPUTS), 1, 1) for f in x]
    for name, value in full.heads(full.fusion.eval()(repeated)).items():
        assert (value - base.train().heads(base.fusion.eval()(x))[name]).abs().max() < 1e-12


def test_noise_only_in_training():
    decoder = build(mlore()).eval()
    one, two = decoder(maps(), record_routing=True), decoder(maps(), record_routing=True)
    assert all(torch.equal(a.gates, b.gates) for a, b in zip(one.routing, two.routing, strict=True))
    decoder.train()
    one, two = decoder(maps(), record_routing=True), decoder(maps(), record_routing=True)
    assert not torch.equal(one.routing[0].gates, two.routing[0].gates)


def test_learned_input_gives_all_samples_the_same_gates():
    decoder = build(mlore(input="learned")).eval()
    for record in decoder(maps(), record_routing=True).routing:
        assert torch.equal(record.gates, record.gates[:1].expand_as(record.gates))
        assert not torch.equal(record.gates[:, 0], record.gates[:, 1])  # but each task its own
    decoder.train()
    gates = decoder(maps(), record_routing=True).routing[0].gates
    assert not torch.equal(gates[0], gates[1])


def test_routing_is_not_recorded_unasked():
    assert build(mlore())(maps()).routing is None


def test_generic_path_passes_no_gradient_to_its_input():
    """With the other paths cut off, nothing reaches the features; the generic weights still learn."""
    decoder = build(mlore(modules=1)).eval()
    paths = decoder.scales[0][0].paths
    y = torch.randn(2, 3 * 8, *GRID, dtype=torch.float64, requires_grad=True)
    gates = torch.zeros(2, 3, 4, dtype=torch.float64)
    mix = torch.zeros(2, 3, dtype=torch.float64)
    paths(y, gates, mix).square().sum().backward()
    assert y.grad.abs().max() == 0
    assert paths.generic.weight.grad.abs().max() > 0


@pytest.mark.parametrize("case", MLORE_CASES)
def test_every_parameter_learns(case):
    options = mlore(**MLORE_CASES[case])
    if options.experts.count:  # keep all experts, so that none is idle by chance
        options = mlore(**{**MLORE_CASES[case], "k": options.experts.count})
    decoder = build(options).train()
    output = decoder(maps())
    loss = sum(p.square().mean() for p in output.predictions.values())
    loss.backward()
    parameters = dict(decoder.named_parameters())
    assert len(parameters) > 20
    unused = [name for name, p in parameters.items() if p.grad is None]
    assert not unused
    # a bias in front of a BatchNorm has no effect; everything else has
    still = [n for n, p in parameters.items() if p.grad.abs().max() == 0]
    assert [n for n in still if not n.endswith("bias")] == []


@pytest.mark.parametrize("projection", ["shared_softmax_fusion", "per_task_sum"])
def test_every_parameter_of_the_baseline_learns(projection):
    decoder = build(baseline(projection=projection)).train()
    sum(p.square().mean() for p in decoder(maps()).predictions.values()).backward()
    assert all(p.grad is not None and (p.ndim == 1 or p.grad.abs().max() > 0) for p in decoder.parameters())


def test_generic_path_alone_is_refused():
    with pytest.raises(ValueError, match="neither experts nor a specific path"):
        mlore(ranks=(), k=0, balance=False, specific=None)


def test_initialisation_is_that_of_the_sheet():
    torch.manual_seed(0)
    decoder = DECODERS["mlore"](mlore(channels=64, ranks=(4, 64), k=1, specific=8), [32, 32], [(16, 16)] * 2, OUTPUTS)
    module = decoder.scales[0][1]
    experts = module.paths.experts
    assert experts.down.bias.abs().max() == 0
    assert experts.up.bias.abs().max() == 0
    ranges = {  # weight -> bound of a uniform distribution, 1/sqrt(fan-in)
        "down": (experts.down.weight, (64 * 9) ** -0.5),
        "up of rank 4": (experts.up.weight[:, :4], 4**-0.5),
        "up of rank 64": (experts.up.weight[:, 4:], 64**-0.5),
        "specific down": (module.paths.specific.down.weight, (64 * 9) ** -0.5),
        "specific up": (module.paths.specific.up.weight, 8**-0.5),
        "specific up bias": (module.paths.specific.up.bias, 8**-0.5),
        "enter": (module.enter.weight, 64**-0.5),
        "leave": (module.leave.weight, 64**-0.5),
        "generic": (module.paths.generic.weight, (64 * 9) ** -0.5),
        "router reduce": (module.router.branches[0].reduce.weight, 64**-0.5),
        "router project": (module.router.branches[0].project.weight, 16**-0.5),
        "router predict": (module.router.predict.weight, 32**-0.5),
        "fusion": (decoder.fusion.reduce.weight, 128**-0.5),
        "head 1x1": (decoder.heads["semseg"].predict.weight, 64**-0.5),
    }
    for name, (value, bound) in ranges.items():
        value = value.detach()
        assert value.abs().max() <= bound, name
        assert value.std() == pytest.approx(bound / 3**0.5, rel=0.15), name
    position = module.router.branches[1]
    assert position.weight.detach().std() == pytest.approx(0.02, rel=0.1)
    assert position.bias.abs().max() == 0
    assert decoder.heads["semseg"].conv.weight.detach().std() == pytest.approx(0.02, rel=0.05)
    assert 0 < decoder.heads["semseg"].predict.bias.abs().max() < 0.08
