"""Routing files: what fits is read, what does not is refused by name and by the first thing that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from routing_plan import INDEX, document, put

from densemoe.evaluate.document import routing_document
from densemoe.evaluate.routing import VERSION, RoutingStatistics
from densemoe.params.variant import Variant
from densemoe.report.routing import RoutingResults


def test_a_fitting_file_is_read_once(tmp_path):
    reports = tmp_path / "reports"
    path = put(reports, document())
    results = RoutingResults(reports, INDEX)
    assert results.get("run_a") == document()["routing"]
    assert results.images == {"run_a": 4} and results.absence("run_a") == ""
    path.unlink()
    assert results.get("run_a") is not None
    assert results.expected["run_a"].experts == ("2", "4", "8")


def test_no_file_is_missing_and_another_run_pending(tmp_path):
    results = RoutingResults(tmp_path / "reports", INDEX)
    assert results.absence("run_a") == "not measured yet" and results.absence("run_c") == "pending"
    assert results.refusals() == []


def test_what_is_measured_is_accepted(tmp_path):
    statistics = RoutingStatistics(("semseg", "depth"))
    gates = np.random.default_rng(0).random((5, 2, 3))
    statistics.update(0, 0, np.where(gates > 0.4, gates, 0))
    variant = Variant.model_construct(dataset="nyud_v2", seed=0)
    found = routing_document(
        "smoke", "run_a", variant, flavour="scenes", images=5, protocol=VERSION, routing=statistics.compute()
    )
    put(tmp_path / "reports", found)
    results = RoutingResults(tmp_path / "reports", INDEX)
    assert results.get("run_a") == found["routing"], results.refusals()


def changed(*path_and_value):
    *path, last, value = path_and_value
    content = document()
    node = content
    for key in path:
        node = node[key]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return content


MODULE = ("routing", "scale_1", "module_2")
WRONG = {
    "another run's": (document("run_b"), """'run' is "run_b", but the path says "run_a"."""),
    "half written": ('{"scale": "smo', "is not complete, readable JSON; delete it and measure again."),
    "a list": ("[1]", "is list, not a mapping"),
    "of another measure": (changed("measure", "plain"), """'measure' is "plain", but the path says "routing"."""),
    "of another scale": (changed("scale", "paper"), """'scale' is "paper", but the path says "smoke"."""),
    "of another data set": (changed("dataset", "pascal_context"), "but the plan says"),
    "of another protocol": (changed("protocol", {"routing": 2}), """the plan says {"routing": 1}"""),
    "without images": (changed("images", None), "key 'images' is missing"),
    "empty": (changed("routing", {}), "'routing' is empty"),
    "a module is a number": (changed(*MODULE, 3), "'routing.scale_1.module_2' is int, not a mapping"),
    "a part lacks": (changed(*MODULE, "gate", None), "has not the keys activation, gate"),
    "a task too many": (
        changed(*MODULE, "activation", "normals", {}),
        "'routing.scale_1.module_2.activation' names semseg, depth, normals, but the plan says semseg, depth.",
    ),
    "an expert lacks": (
        changed(*MODULE, "activation", "depth", "expert_03", None),
        "names expert_01, expert_02, but the plan says expert_01, expert_02, expert_03.",
    ),
    "a share above one": (changed(*MODULE, "activation", "depth", "expert_03", 1.5), "is 1.5; allowed are numbers"),
    "a share is text": (changed(*MODULE, "active_in", "expert_03", "tasks_1", "0"), "is '0'; allowed are numbers"),
    "a share is no number": (changed(*MODULE, "activation", "depth", "expert_03", float("nan")), "is nan; allowed"),
}


@pytest.mark.parametrize(("content", "sentence"), WRONG.values(), ids=WRONG)
def test_a_file_that_does_not_fit_is_refused_by_name(tmp_path, content, sentence):
    reports = tmp_path / "reports"
    put(reports, content)
    put(reports, document("run_b"), "run_b")
    results = RoutingResults(reports, INDEX)
    assert results.get("run_a") is None and results.absence("run_a") == "unreadable"
    (refusal,) = results.refusals()
    assert refusal.startswith("reports/smoke/routing/run_a.json: ") and sentence in refusal
    assert results.get("run_b") is not None
