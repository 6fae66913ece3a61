"""Routing statistics: two tasks and three experts by hand, invariants of any router, a real model, bad gates."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from densemoe.evaluate.document import routing_document
from densemoe.evaluate.predict import collect_routing
from densemoe.evaluate.routing import VERSION, RoutingStatistics, check_version, of_module
from densemoe.models import build_model
from densemoe.params.errors import InputError
from densemoe.params.files import read_yaml
from densemoe.params.options import routes
from tests.models.small import MLORE_CASES, OUTPUTS, mlore, variant

TASKS = ("semseg", "depth")
# [I, T, N]: four images, two experts of three kept
GATES = np.array(
    [
        [[0.6, 0.4, 0.0], [0.5, 0.5, 0.0]],
        [[0.6, 0.4, 0.0], [0.7, 0.0, 0.3]],
        [[0.0, 0.9, 0.1], [0.5, 0.0, 0.5]],
        [[0.2, 0.8, 0.0], [0.9, 0.1, 0.0]],
    ]
)


def test_two_tasks_and_three_experts_by_hand():
    found = of_module(GATES, TASKS)
    assert found["activation"] == {
        "semseg": {"expert_01": 0.75, "expert_02": 1.0, "expert_03": 0.25},
        "depth": {"expert_01": 1.0, "expert_02": 0.5, "expert_03": 0.5},
    }
    assert found["gate"]["semseg"] == pytest.approx({"expert_01": 1.4 / 3, "expert_02": 2.5 / 4, "expert_03": 0.1})
    assert found["gate"]["depth"] == pytest.approx({"expert_01": 2.6 / 4, "expert_02": 0.6 / 2, "expert_03": 0.8 / 2})
    assert found["active_in"] == {
        "expert_01": {"tasks_0": 0.0, "tasks_1": 0.25, "tasks_2": 0.75},
        "expert_02": {"tasks_0": 0.0, "tasks_1": 0.5, "tasks_2": 0.5},
        "expert_03": {"tasks_0": 0.5, "tasks_1": 0.25, "tasks_2": 0.25},
    }
    assert found["mean_gate"] == pytest.approx(0.5)  # every task and image gives away 1 over 2 experts
    # the smallest gates where both tasks activate an expert: 0.5, 0.6, 0.2 / 0.4, 0.1 / 0.1; half of the mean is 0.25
    assert found["shared_by_all"]["expert_01"] == pytest.approx({"minimum_gate": 1.3 / 3, "below_half": 1 / 3})
    assert found["shared_by_all"]["expert_02"] == pytest.approx({"minimum_gate": 0.25, "below_half": 0.5})
    assert found["shared_by_all"]["expert_03"] == pytest.approx({"minimum_gate": 0.1, "below_half": 1.0})


def test_what_never_happens_is_left_out_not_zero():
    gates = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    found = of_module(gates, TASKS)
    assert found["gate"] == {"semseg": {"expert_01": 1.0}, "depth": {"expert_02": 1.0}}
    assert found["shared_by_all"] == {}


def random_gates(images, tasks, experts, k, seed):
    values = np.random.default_rng(seed).random((images, tasks, experts)) + 0.01
    smallest = np.sort(values, axis=2)[..., -k][..., None]
    return np.where(values >= smallest, values, 0.0)


@pytest.mark.parametrize(("experts", "k"), [(15, 9), (5, 5), (20, 12), (3, 1)])
def test_invariants_of_a_top_k_router(experts, k):
    tasks = ("semseg", "human_parts", "saliency", "normals", "boundary")
    gates = random_gates(37, len(tasks), experts, k, seed=experts)
    found = of_module(gates, tasks)
    for of_task in found["activation"].values():
        assert sum(of_task.values()) == pytest.approx(k)
    counted = 0.0
    for shares in found["active_in"].values():
        assert sum(shares.values()) == pytest.approx(1)
        counted += sum(int(name[-1]) * share for name, share in shares.items())
    assert counted == pytest.approx(k * len(tasks))  # the same activations, counted the other way round
    assert 0 < found["mean_gate"] == pytest.approx(gates.sum() / (37 * len(tasks) * k))
    assert all(v["minimum_gate"] > 0 and 0 <= v["below_half"] <= 1 for v in found["shared_by_all"].values())


def document(statistics):
    variant = SimpleNamespace(dataset="nyud_v2", seed=3)
    return routing_document(
        "smoke", "run", variant, flavour="scenes", images=4, protocol=VERSION, routing=statistics.compute()
    )


def test_neither_order_nor_size_of_the_batches_matters():
    gates = random_gates(24, 2, 15, 9, seed=0)
    documents = []
    for order, size in ((slice(None), 24), (slice(None, None, -1), 5), (np.random.default_rng(1).permutation(24), 7)):
        statistics = RoutingStatistics(TASKS)
        for start in range(0, 24, size):
            statistics.update(0, 1, gates[order][start : start + size])
        documents.append(document(statistics))
    assert documents[0] == documents[1] == documents[2]
    assert list(documents[0]["routing"]) == ["scale_1"] and list(documents[0]["routing"]["scale_1"]) == ["module_2"]


def test_the_document_holds_nested_numbers_only():
    statistics = RoutingStatistics(TASKS)
    statistics.update(3, 0, GATES)
    found = document(statistics)
    assert found["measure"] == "routing" and found["protocol"] == {"routing": VERSION}
    assert (found["dataset"], found["seed"], found["images"]) == ("nyud_v2", 3, 4)

    def leaves(tree):
        for value in tree.values():
            yield from leaves(value) if isinstance(value, dict) else [value]

    numbers = list(leaves(found["routing"]))
    assert len(numbers) == 1 + 6 + 6 + 9 + 6
    assert all(type(n) is float and n == round(n, 6) for n in numbers)


def record(scale, module, gates):
    return SimpleNamespace(scale=scale, module=module, gates=torch.from_numpy(gates))


class Model(torch.nn.Module):
    """Returns the gates of the images that it is given, twice."""

    def forward(self, image, record_routing=False):
        assert record_routing and not self.training and not torch.is_grad_enabled()
        gates = GATES[image[:, 0, 0, 0].long().numpy()]
        return SimpleNamespace(routing=[record(0, 0, gates), record(0, 1, gates[:, ::-1].copy())])


def test_gates_are_collected_over_a_loader_in_evaluation_mode():
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    model, statistics = Model().train(), RoutingStatistics(TASKS)
    collect_routing(model, [{"image": images[:3]}, {"image": images[3:]}], statistics, device="cpu")
    assert model.training
    tree = statistics.compute()["scale_1"]
    assert tree["module_1"] == of_module(GATES, TASKS)
    assert tree["module_2"]["activation"]["depth"] == tree["module_1"]["activation"]["semseg"]


@pytest.mark.parametrize(
    ("gates", "named"),
    [
        (np.full((2, 3, 5), 0.2), "needed is [batch, 2, experts]"),
        (np.full((2, 2), 0.2), "gates of shape [2, 2]"),
        (np.full((1, 2, 3), np.nan), "negative or not finite"),
        (np.full((1, 2, 3), -0.1), "negative or not finite"),
    ],
)
def test_gates_that_cannot_be_are_refused(gates, named):
    with pytest.raises(InputError) as caught:
        RoutingStatistics(TASKS).update(1, 0, gates)
    assert named in str(caught.value) and "scale 2, module 1" in str(caught.value)


def test_no_gates_and_another_version_are_refused():
    statistics = RoutingStatistics(TASKS)
    collect_routing(torch.nn.Identity(), [], statistics, device="cpu")
    with pytest.raises(InputError, match="recorded no gates"):
        statistics.compute()
    with pytest.raises(InputError, match=f"--protocol is 99, but this code counts routing by version {VERSION} only"):
        check_version(99)


@pytest.mark.parametrize("case", MLORE_CASES.values(), ids=MLORE_CASES)
def test_a_real_model_routes_where_its_options_say_so_and_keeps_k(case):
    options = mlore(**case)
    model = build_model(variant(options), OUTPUTS, (16, 24), load_weights=False)
    statistics = RoutingStatistics(tuple(OUTPUTS))
    collect_routing(model, [{"image": torch.randn(3, 3, 16, 24)}], statistics, device="cpu")
    if not routes(options):
        with pytest.raises(InputError, match="recorded no gates"):
            statistics.compute()
        return
    tree = statistics.compute()
    assert list(tree) == ["scale_1", "scale_2"]  # the encoder's taps
    modules = [module for of_scale in tree.values() for module in of_scale.values()]
    assert len(modules) == 2 * options.modules_per_scale
    for module in modules:
        assert list(module["activation"]) == list(OUTPUTS)
        for of_task in module["activation"].values():
            assert len(of_task) == options.experts.count
            assert sum(of_task.values()) == pytest.approx(options.router.k)


def test_a_run_without_a_router_is_refused_before_torch_is_imported(root, tmp_path):
    plan = read_yaml(root / "params/plan/smoke.yaml")
    run = next(name for name, entry in plan["runs"].items() if entry["variant"]["decoder"]["kind"] == "baseline")
    code = "import sys; sys.modules['torch'] = None; import runpy; "
    code += "runpy.run_module('stages.measure_routing', run_name='__main__', alter_sys=True)"
    words = ["--run", run, "--protocol", "1", "--plan", str(root / "params/plan/smoke.yaml")]
    env = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert (
        done.stderr == f"error: Run {run} has no router that chooses among experts, so it has no routing statistics.\n"
    )
    assert not list(tmp_path.iterdir())
