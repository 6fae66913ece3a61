"""Metrics files: what fits is read, what does not is refused by name and by the first thing that is wrong."""

from __future__ import annotations

import json

import pytest
from report_plan import index_of

from densemoe.report.results import Expected, Results

INDEX = index_of("run_a", "run_b", pending={"run_c": "not built"})


def test_a_fitting_file_is_done_and_gives_its_values(folder):
    folder.put("run_a", {"semseg": {"miou": 41.5}, "cost": {"macs": 3}})
    results = folder.results(INDEX)
    assert results.state("run_a", "plain") == "done"
    assert results.value("run_a", "plain", "semseg.miou") == 41.5
    assert results.value("run_a", "plain", "cost.macs") == 3.0
    assert results.value("run_a", "plain", "boundary.ods_f") is None
    assert results.refusals() == []


def test_a_run_without_any_metric_is_done(folder):
    # the single-task boundary run until the boundary score is measured
    folder.put("run_a", {})
    assert folder.results(INDEX).state("run_a", "plain") == "done"


def test_no_file_is_missing_and_an_unplanned_measure_pending(folder):
    folder.put("run_c", {"semseg": {"miou": 41.5}})
    results = folder.results(INDEX)
    assert results.state("run_a", "plain") == "missing"
    assert results.state("run_a", "merged") == "pending"
    assert results.state("run_c", "plain") == "pending"
    assert results.value("run_c", "plain", "semseg.miou") is None


WRONG = {
    "run": ({"run": "run_b"}, """'run' is "run_b", but the path says "run_a"."""),
    "measure": ({"measure": "merged"}, """'measure' is "merged", but the path says "plain"."""),
    "scale": ({"scale": "paper"}, """'scale' is "paper", but the path says "smoke"."""),
    "dataset": ({"dataset": "nyud_v2"}, """'dataset' is "nyud_v2", but the plan says "pascal_context"."""),
    "seed": ({"seed": 1}, "'seed' is 1, but the plan says 0."),
    "seed as boolean": ({"seed": False}, "'seed' is false, but the plan says 0."),
    "protocol": (
        {"protocol": {"pixel_metrics": 2}},
        """'protocol' is {"pixel_metrics": 2}, but the plan says {"pixel_metrics": 1}.""",
    ),
    "images": ({"images": 0}, "'images' is 0; allowed is a whole number of at least 1."),
    "nan": ({"metrics": {"semseg": {"miou": float("nan")}}}, "'metrics.semseg.miou' is NaN; allowed are finite"),
    "infinite": ({"metrics": {"semseg": {"miou": float("inf")}}}, "'metrics.semseg.miou' is Infinity; allowed"),
    "text": ({"metrics": {"semseg": {"miou": "41.5"}}}, """'metrics.semseg.miou' is "41.5"; allowed are finite"""),
    "boolean": ({"metrics": {"semseg": {"miou": True}}}, "'metrics.semseg.miou' is true; allowed are finite"),
    "huge": ({"metrics": {"semseg": {"miou": 10**400}}}, "allowed are finite numbers only."),
    "not nested": ({"metrics": {"semseg": 41.5}}, "'metrics.semseg' is 41.5; allowed is a mapping of numbers."),
    "a list": ({"metrics": [41.5]}, "'metrics' is [41.5]; allowed is a mapping of tasks."),
}


@pytest.mark.parametrize(("wrong", "sentence"), WRONG.values(), ids=WRONG)
def test_a_file_that_does_not_fit_is_refused_by_name(folder, wrong, sentence):
    folder.put("run_a", {"semseg": {"miou": 41.5}}, wrong=wrong)
    folder.put("run_b", {"semseg": {"miou": 12.0}})
    results = folder.results(INDEX)
    assert results.state("run_a", "plain") == "unreadable"
    assert results.value("run_a", "plain", "semseg.miou") is None
    assert results.refusal("run_a", "plain").startswith("reports/smoke/metrics/run_a/plain.json: ")
    assert sentence in results.refusal("run_a", "plain")
    # the neighbour is read all the same
    assert results.value("run_b", "plain", "semseg.miou") == 12.0
    assert results.refusals() == [results.refusal("run_a", "plain")]


@pytest.mark.parametrize("key", ["scale", "run", "measure", "dataset", "seed", "images", "protocol", "metrics"])
def test_a_missing_key_is_named(folder, key):
    path = folder.put("run_a", {})
    content = json.loads(path.read_text())
    del content[key]
    path.write_text(json.dumps(content))
    assert f"key '{key}' is missing" in folder.results(INDEX).refusal("run_a", "plain")


@pytest.mark.parametrize(
    "damage", [lambda t: t[: len(t) // 2], lambda t: b"", lambda t: b"\xff\xfe" + t], ids=["half", "empty", "foreign"]
)
def test_half_written_empty_and_foreign_bytes_are_refused(folder, damage):
    path = folder.put("run_a", {"semseg": {"miou": 41.5}})
    path.write_bytes(damage(path.read_bytes()))
    results = folder.results(INDEX)
    assert results.state("run_a", "plain") == "unreadable"
    assert "run_a/plain.json: is not complete, readable JSON" in results.refusal("run_a", "plain")


def test_a_folder_in_place_of_the_file_is_refused(folder):
    folder.put("run_a", {}).unlink()
    (folder.root / "smoke/metrics/run_a/plain.json").mkdir()
    assert "cannot be read" in folder.results(INDEX).refusal("run_a", "plain")


def test_the_plan_and_its_committed_index_expect_the_same(root, plans):
    from densemoe.params.files import read_yaml
    from densemoe.report.results import Results

    assert sorted(plans) == ["paper", "pilot", "smoke"]
    for scale, plan in plans.items():
        index = read_yaml(root / "params/plan" / f"{scale}.yaml")
        of_index = Results.from_index(root / "reports", index).expected
        assert of_index == Results.from_plan(root / "reports", plan).expected
        assert len(of_index) == len(index["measures"]) > 40


def boundary_file(folder, name, **changes):
    data = {"scale": "smoke", "run": name, "measure": "plain", "dataset": "pascal_context", "seed": 0, "images": 2}
    data |= {"protocol": {"boundary": 3}, "metrics": {"boundary": {"ods_f": 61.5}}, **changes}
    path = folder / "smoke/boundary" / name / "plain.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(data))
    return Results(folder, "smoke", {(name, "plain"): Expected("pascal_context", 0, 1, boundary=3)})


def test_the_boundary_score_comes_from_its_own_file(tmp_path):
    results = boundary_file(tmp_path, "a")
    assert results.value("a", "plain", "boundary.ods_f") == 61.5
    assert results.value("a", "plain", "semseg.miou") is None
    assert results.state("a", "plain") == "missing"  # the pixel metrics are
    without = Results(tmp_path, "smoke", {("a", "plain"): Expected("pascal_context", 0, 1)})
    assert without.value("a", "plain", "boundary.ods_f") is None


@pytest.mark.parametrize("changes", [{"protocol": {"boundary": 2}}, {"protocol": {"pixel_metrics": 1}}, {"run": "b"}])
def test_a_boundary_score_of_another_protocol_or_run_is_refused(tmp_path, changes):
    results = boundary_file(tmp_path, "a", **changes)
    assert results.value("a", "plain", "boundary.ods_f") is None
    assert "smoke/boundary/a/plain.json" in results.refusal("a", "plain", "boundary")


def test_imported_weights_are_named(folder):
    origin = {"file": "released.pth.tar", "sha256": "0123456789abcdef" * 4}
    folder.put("run_a", {"semseg": {"miou": 41.5}}, wrong={"imported": origin})
    folder.put("run_b", {"semseg": {"miou": 41.5}})
    results = folder.results(INDEX)
    assert results.imported("run_a", "plain") == "released.pth.tar, sha256 0123456789ab"
    assert results.imported("run_b", "plain") == ""
    assert results.imported("run_c", "plain") == ""


def test_an_origin_that_names_no_file_is_refused(folder):
    folder.put("run_a", {"semseg": {"miou": 41.5}}, wrong={"imported": {"file": "x"}})
    results = folder.results(INDEX)
    assert results.state("run_a", "plain") == "unreadable"
    assert '\'imported\' is {"file": "x"}; allowed is a mapping of file and sha256' in results.refusals()[0]
