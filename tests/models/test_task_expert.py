"""TaskExpert equals a slow reference in every option, trains every parameter, and has the printed counts."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from densemoe.models import DECODERS, build_model
from densemoe.params.errors import InputError
from densemoe.params.resolve import Step, resolve
from tests.models import reference_task_expert as reference
from tests.models.small import OUTPUTS, TASK_EXPERT_CASES, task_expert, variant

GRID = (3, 5)  # not square
WIDTHS = [6, 6, 7]
BATCH = 2
CASES = pytest.mark.parametrize("case", TASK_EXPERT_CASES)


def build(options, seed=0, outputs=OUTPUTS):
    torch.manual_seed(seed)
    decoder = DECODERS["task_expert"](options, WIDTHS, [GRID] * len(WIDTHS), outputs).double()
    for name, value in decoder.named_parameters():  # let zeros and ones count too
        if name.endswith("bias") or "norm" in name or name == "start":
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


def loss(output):
    return sum(p.square().mean() for p in output.predictions.values())


@pytest.mark.parametrize("training", [True, False])
@CASES
def test_it_equals_the_reference(case, training):
    options = task_expert(**TASK_EXPERT_CASES[case])
    decoder = build(options).train(training)
    state = {k: v.clone() for k, v in decoder.state_dict().items()}
    predictions, gates = reference.task_expert(state, options, OUTPUTS, maps(), training)

    output = decoder(maps(), record_routing=True)

    assert list(output.predictions) == list(OUTPUTS)
    for task, expected in predictions.items():
        assert expected.shape == (BATCH, OUTPUTS[task], 4 * GRID[0], 4 * GRID[1])
        assert (output.predictions[task] - expected).abs().max() < 1e-10
    assert [(r.scale, r.module) for r in output.routing] == [(0, 0), (1, 0), (2, 0)]
    for record, expected in zip(output.routing, gates, strict=True):
        assert record.gates.shape == (BATCH, len(OUTPUTS), options.experts.count + (options.memory.kind != "none"))
        assert (record.gates - expected).abs().max() < 1e-10
    assert output.balance is None
    assert decoder(maps()).routing is None


def test_the_cases_cover_the_options():
    assert len(TASK_EXPERT_CASES) == 15


@pytest.mark.parametrize("case", ["R1", "A*", "MLP gate, no memory", "adapter shared"])
def test_gradients_equal_those_of_the_reference(case):
    options = task_expert(**TASK_EXPERT_CASES[case])
    decoder = build(options).train()
    inputs = [x.requires_grad_() for x in maps()]
    state = {k: v.clone().requires_grad_(v.is_floating_point()) for k, v in decoder.state_dict().items()}
    predictions, _ = reference.task_expert(state, options, OUTPUTS, inputs, True)
    names = [name for name, _ in decoder.named_parameters()]
    expected = torch.autograd.grad(
        sum(p.pow(2).sum() for p in predictions.values()), [*[state[n] for n in names], *inputs]
    )
    ours = torch.autograd.grad(
        sum(p.pow(2).sum() for p in decoder(inputs).predictions.values()), [*decoder.parameters(), *inputs]
    )
    assert len(ours) == len(names) + len(WIDTHS)
    for a, b in zip(ours, expected, strict=True):
        assert (a - b).abs().max() <= 1e-9 * max(1, b.abs().max())


@CASES
def test_every_parameter_learns(case):
    """DistributedDataParallel without a search for unused parameters needs a gradient for each."""
    decoder = build(task_expert(**TASK_EXPERT_CASES[case])).train()
    loss(decoder(maps())).backward()
    parameters = dict(decoder.named_parameters())
    assert len(parameters) > 30
    assert [name for name, p in parameters.items() if p.grad is None] == []
    still = [n for n, p in parameters.items() if p.grad.abs().max() == 0]
    alone = case == "one expert, no memory"  # a softmax over one is 1, whatever the gate says
    assert [n for n in still if not n.endswith("bias") and not (alone and ".gate." in n)] == []


def test_one_task():
    outputs = {"normals": 3}
    decoder = build(task_expert(), outputs=outputs)
    assert decoder(maps()).predictions["normals"].shape == (BATCH, 3, 12, 20)


def test_gates_sum_to_one_at_every_position_and_differ_between_positions_and_tasks():
    decoder = build(task_expert())
    gates = decoder.scales[0].gate(maps()[0])
    assert gates.shape == (BATCH, len(OUTPUTS), 4, *GRID)
    assert (gates > 0).all()
    assert (gates.sum(dim=2) - 1).abs().max() < 1e-12
    assert gates.std(dim=(3, 4)).min() > 1e-6
    assert (gates[:, 0] - gates[:, 1]).abs().min(dim=0).values.max() > 1e-3


def test_context_of_the_gates():
    """A token's gate sees kernel-many neighbours, twice; with 1x1 and with the MLP only itself."""
    big = (9, 9)

    def reach(**options):
        gate = DECODERS["task_expert"](task_expert(**options), [6], [big], OUTPUTS).double().eval().scales[0].gate
        x = torch.randn(1, 6, *big, dtype=torch.float64, requires_grad=True)
        gate(x)[0, 0, 0, 4, 4].backward()
        seen = x.grad[0].abs().sum(dim=0) > 0
        return int(seen.any(dim=0).sum()), int(seen.any(dim=1).sum())

    assert reach(gate_kernel_size=1) == reach(gate="mlp") == (1, 1)
    assert reach(gate_kernel_size=3) == (5, 5)
    assert reach(gate_kernel_size=5) == (9, 9)


def test_memory_carries_from_the_first_scale_to_the_last():
    """What the first scale decodes changes how the last one reads its memory."""
    decoder = build(task_expert()).eval()
    inputs = maps()
    seen = []
    decoder.scales[2].memory.norm.register_forward_hook(lambda module, args, out: seen.append(out))
    decoder(inputs)
    inputs[0] = inputs[0] + 1
    decoder(inputs)
    assert (seen[0] - seen[1]).abs().max() > 1e-3


# ---------------------------------------------------------------------------------------------------------- execution
def test_whole_graph_compiles():
    decoder = build(task_expert()).eval()
    compiled = torch.compile(decoder, backend="eager", fullgraph=True)
    expected, got = decoder(maps()).predictions, compiled(maps()).predictions
    assert all(torch.equal(got[task], expected[task]) for task in OUTPUTS)


@pytest.mark.parametrize("case", ["R1", "A*", "MLP gate, no memory", "adapter shared"])
def test_channels_last_gives_the_same(case):
    decoder = build(task_expert(**TASK_EXPERT_CASES[case])).eval()
    expected = decoder(maps()).predictions
    decoder = decoder.to(memory_format=torch.channels_last)
    got = decoder([x.to(memory_format=torch.channels_last) for x in maps()]).predictions
    assert all((got[task] - expected[task]).abs().max() < 1e-12 for task in OUTPUTS)


@pytest.mark.parametrize("case", ["R1", "A*", "MLP gate, no memory", "adapter shared"])
def test_autocast_trains(case):
    decoder = build(task_expert(**TASK_EXPERT_CASES[case])).float().train()
    inputs = [x.float() for x in maps()]
    expected = decoder(inputs).predictions
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = decoder(inputs)
    loss(output).backward()
    for task in OUTPUTS:
        scale = expected[task].abs().max()
        assert (output.predictions[task].float() - expected[task]).abs().max() < 0.1 * scale
    assert all(p.grad is not None and p.grad.isfinite().all() for p in decoder.parameters())


# ------------------------------------------------------------------------------------------------------ counts, options
def resolved(params, method, backbone, dataset="pascal_context", **overrides):
    return resolve(params, [Step("test", {"method": method, "dataset": dataset, "backbone": backbone, **overrides})],
                   "paper").variant  # fmt: skip


NO_MEMORY = {"decoder.memory": {"kind": "none"}}
# method, backbone, overrides -> parameters, multiply-adds; printed millions and 10^9 multiply-adds
COUNTS = {
    "R1 ViT-L": ("task_expert", "vit_large", {}, 420_313_938, 621.928, 420, 622),
    "R1 ViT-S": ("task_expert", "vit_small", {}, 55_025_498, 204.820, 55, 204),
    "R1 ViT-B": ("task_expert", "vit_base", {}, 345_180_570, 779.857, None, None),
    "R1 ViT-B, CG": ("task_expert", "vit_base", NO_MEMORY, 227_163_270, 659.059, 227, None),
    "R1 ViT-B, MLP": ("task_expert", "vit_base", {**NO_MEMORY, "decoder.gate": {"kind": "mlp", "hidden": 2304}},
                      254_939_270, 687.467, 256, None),
    "R1 ViT-B, 1x1": ("task_expert", "vit_base", {"decoder.gate.kernel_size": 1}, 339_937_690, 774.489, None, None),
    "R1 ViT-B, 5x5": ("task_expert", "vit_base", {"decoder.gate.kernel_size": 5}, 355_666_330, 790.595, None, None),
    "A* ViT-L": ("task_expert_a", "vit_large", {}, 415_885_570, 616.146, 420, 622),
    "A* ViT-S": ("task_expert_a", "vit_small", {}, 55_391_514, 204.863, 55, 204),
    "A* ViT-B, CG": ("task_expert_a", "vit_base", NO_MEMORY, 226_021_254, 975.149, 227, None),
    "A* ViT-B, MLP": ("task_expert_a", "vit_base", {**NO_MEMORY, "decoder.gate": {"kind": "mlp", "hidden": 3072}},
                      257_317_254, 1007.153, 256, None),
}  # fmt: skip
TOLERANCE = {"task_expert": 0.005, "task_expert_a": 0.01}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_at_paper_scale(name, params):
    method, backbone, overrides, parameters, macs, printed_millions, printed_macs = COUNTS[name]
    chosen = resolved(params, method, backbone, **overrides)
    outputs = {task: params.dataset("pascal_context").outputs[task] for task in chosen.tasks}
    with torch.device("meta"):
        model = build_model(chosen, outputs, chosen.data.crop, load_weights=False).eval()
        image = torch.empty(1, 3, *chosen.data.crop)
    assert sum(p.numel() for p in model.parameters()) == parameters
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    assert counter.get_total_flops() / 2e9 == pytest.approx(macs, abs=6e-4)
    if printed_millions is not None:
        assert parameters / 1e6 == pytest.approx(printed_millions, rel=TOLERANCE[method])
    if printed_macs is not None:
        assert macs == pytest.approx(printed_macs, rel=TOLERANCE[method])


@pytest.mark.parametrize("method", ["task_expert", "task_expert_a"])
def test_it_resolves_for_every_backbone_and_data_set_at_every_scale(params, method):
    resolved_to, built = set(), 0
    for scale in ("smoke", "pilot", "paper"):
        for dataset in ("pascal_context", "nyud_v2"):
            for backbone in ("vit_small", "vit_base", "vit_large"):
                step = Step("test", {"method": method, "dataset": dataset, "backbone": backbone})
                chosen = resolve(params, [step], scale).variant
                resolved_to.add(chosen.model_dump_json())
                if scale == "smoke":  # those of the tables are built at every scale in test_every_run
                    with torch.device("meta"):
                        build_model(chosen, params.dataset(dataset).outputs, chosen.data.crop, load_weights=False)
                    built += 1
    assert (len(resolved_to), built) == (18, 6)


def test_another_head_width_needs_an_adapter():
    with pytest.raises(
        ValueError, match=r"head_channels 10 differs from decoder\.channels 8, which needs a decoder\.hea"
    ):
        task_expert(head_channels=10)


@pytest.mark.parametrize(
    "options, key",
    [({"kernel_size": 2}, "experts"), ({"gate_kernel_size": 4}, "gate"), ({"memory_kernel_size": 2}, "memory")],
)
def test_even_kernels_are_refused(options, key):
    with pytest.raises(ValueError, match=rf"decoder\.{key}\.kernel_size \d is even; allowed are odd sizes"):
        task_expert(**options)


def test_hrnet_is_refused(params):
    with pytest.raises(InputError, match="decoder task_expert needs encoder vit, not hrnet"):
        resolved(params, "task_expert", "hrnet18")


def test_the_network_trains_a_step():
    torch.manual_seed(0)
    model = build_model(variant(task_expert(), outputs=OUTPUTS), OUTPUTS, (24, 32)).train()
    image = torch.randn(2, 3, 24, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    before = loss(model(image))
    for _ in range(5):
        optimizer.zero_grad()
        value = loss(model(image))
        value.backward()
        optimizer.step()
    assert value < before
    assert all(p.grad is not None for p in model.parameters())
