"""Cost files: what fits is shown with its convention, what does not fit is refused by name."""

from __future__ import annotations

import json

import pytest
from report_plan import cell, index_of, row, table

from densemoe.report.cells import fill
from densemoe.report.cost_text import costs_text
from densemoe.report.index import render_index
from densemoe.report.results import Results
from densemoe.report.tables import render_table

PARTS = {"plain": {"encoder": {"params": 100_000_000, "macs": 300 * 2**30}, "heads": {"params": 15, "macs": 2**30}}}
PARTS["merged"] = {"encoder": {"macs": 300 * 2**30}}


def put(folder, key, **wrong):
    content = {
        "scale": "paper",
        "run": key.removesuffix("__module"),
        "of": "module" if key.endswith("__module") else "model",
        "dataset": "pascal_context",
        "image": {"height": 512, "width": 512},
        "protocol": {"cost": 1},
        "params": {"used": 100_000_015, "encoder": 100_000_000},
        "macs": {"plain": 301 * 2**30, "merged": 300 * 2**30, "top_k": 250 * 10**9},
        "parts": PARTS,
    }
    path = folder.root / "paper/costs" / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content | wrong))
    return path


def counted(run, macs="plain", unit="2^30", params="used", measure="plain"):
    key = f"{run}__module" if measure == "module_cost" else run
    return cell(run) | {"measure": measure, "cost": {"key": key, "macs": macs, "unit": unit, "params": params}}


def lines_of(text):
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return lines[2 : next(i for i, line in enumerate(lines) if line[0] == "Row" and i)]


def test_a_row_shows_ours_printed_and_the_residual_each_by_its_convention(folder):
    printed = {"cost.macs": "302", "cost.params_m": "100"}
    rows = [
        row("A", {"all": counted("a")}, paper=printed),
        row("B", {"all": counted("a", "top_k", "10^9", "encoder")}, paper=printed | {"cost.macs": "250"}),
        row("C", {"all": counted("a", "merged")}),
        row("D", {"all": counted("b")}, paper=printed),
    ]
    put(folder, "a")
    results = folder.results(index_of("a", "b", scale="paper", costs=True))
    of_table = table(["semseg.miou", "cost.macs", "cost.params_m"], rows, scale="paper")
    text = render_table(of_table, results)
    assert lines_of(text) == [
        ["A", "ours (paper)", "–", "301.00<sup>a</sup>", "100.00<sup>b</sup>"],
        ["", "printed", "–", "302", "100"],
        ["", "difference", "–", "-0.33 %", "0.00 %"],
        ["B", "ours (paper)", "–", "250.00<sup>c</sup>", "100.00<sup>d</sup>"],
        ["", "printed", "–", "250", "100"],
        ["", "difference", "–", "0.00 %", "0.00 %"],
        ["C", "ours (paper)", "–", "300.00<sup>e</sup>", "100.00<sup>b</sup>"],
        ["D", "ours (paper)", "–", "–", "–"],
        ["", "printed", "–", "302", "100"],
    ]
    notes = [line for line in text.splitlines() if line.startswith("- <sup>")]
    assert len(notes) == 5
    for note, words in zip(
        notes,
        [
            ["units of 2^30", "as it is trained and evaluated", "Attention is counted; normalisation"],
            ["what the network uses"],
            ["units of 10^9", "only the k chosen experts"],
            ["the encoder alone"],
            ["units of 2^30", "re-parameterised", "building its kernel from the gates is not counted"],
        ],
        strict=True,
    ):
        assert all(w in note for w in words), note
    assert "costs version 1" in text and "residual in per cent" in text
    assert "[cost](../../costs/a.json)" in text
    # costs alone do not make a row measured
    assert [r.state for r in fill(of_table, results)] == ["missing"] * 4


def test_one_module_beside_the_fitted_formula(folder):
    put(folder, "m__module", fitted={"params": 3_148_800, "macs": 3 * 2**30})
    costs = {"m__module": {"run": "m", "of": "module", "protocol": 1}}
    index = index_of(scale="paper") | {"costs": costs, "modules": {"m": {"variant": {"dataset": "pascal_context"}}}}
    rows = [row("5", {"moe": counted("m", measure="module_cost")}, paper={"moe/cost.params_m": "3.1"})]
    of_table = table(["moe/cost.params_m", "moe/cost.macs"], rows, scale="paper")
    results = folder.results(index)
    text = render_table(of_table, results)
    assert lines_of(text) == [
        ["5", "ours (paper)", "100.00<sup>a</sup>", "301.00<sup>b</sup>"],
        ["", "fitted formula<sup>c</sup>", "3.1", "3.00"],
        ["", "printed", "3.1", "–"],
        ["", "difference", "+3125.81 %", "–"],
        ["", "difference of the formula", "0.00 %", "–"],
    ]
    assert "- <sup>c</sup> Fitted to the printed numbers after the fact" in text
    assert [r.state for r in fill(of_table, results)] == ["complete"]
    assert results.state("m", "module_cost") == "done"
    shown = costs_text([of_table], results)
    assert "fitted formula" in shown and "m__module" in shown and "+3125.81 %" in shown


WRONG = {
    "another run": ({"run": "b"}, """costs/a.json: 'run' is "b", but the plan says "a"."""),
    "a module": ({"of": "module"}, """'of' is "module", but the plan says "model"."""),
    "another scale": ({"scale": "smoke"}, """'scale' is "smoke", but the path says "paper"."""),
    "another data set": ({"dataset": "nyud_v2"}, """'dataset' is "nyud_v2", but the plan says"""),
    "another version": ({"protocol": {"cost": 2}}, """'protocol' is {"cost": 2}, but the plan says {"cost": 1}."""),
    "not whole": ({"macs": {"plain": 1.5}}, "key 'macs.plain' is 1.5; input should be a valid integer"),
    "negative": ({"params": {"used": -1}}, "key 'params.used' is -1; input should be greater than or equal to 0"),
    "boolean": ({"params": {"used": True}}, "key 'params.used' is True; input should be a valid integer"),
    "not a mapping": ({"params": 5}, "key 'params' is 5; input should be an object"),
    "parts not a mapping": ({"parts": {"plain": 3}}, "key 'parts.plain' is 3; input should be an object"),
    "another key": ({"date": "today"}, "key 'date' is an unknown key here."),
    "no sum": ({"params": {"encoder": 1}}, "the count 'used' is missing"),
    "edited": ({"params": {"used": 100_000_016}}, "params of parts.plain add up to 100000015, not 100000016"),
    "edited part": ({"macs": {"plain": 301 * 2**30, "merged": 1}}, "the macs of parts.merged add up to"),
}


@pytest.mark.parametrize(("wrong", "sentence"), WRONG.values(), ids=WRONG)
def test_a_file_that_does_not_fit_is_refused_by_name(folder, wrong, sentence):
    put(folder, "a", **wrong)
    put(folder, "b")
    results = folder.results(index_of("a", "b", scale="paper", costs=True))
    refusal = results.costs.refusal("a")
    assert refusal is not None and refusal.startswith("reports/paper/costs/a.json: ") and sentence in refusal
    assert results.costs.get("b") is not None
    rows = [row("A", {"all": counted("a")}, paper={"cost.macs": "302"})]
    text = render_table(table(["cost.macs"], rows, scale="paper"), results)
    assert lines_of(text)[0] == ["A", "ours (paper)", "unreadable<sup>a</sup>"]
    assert sentence in text.replace("\\", "")
    assert results.refusals() == [refusal]


@pytest.mark.parametrize("damage", [lambda t: t[: len(t) // 2], lambda t: b"", lambda t: b"[1]"])
def test_half_written_empty_and_other_files_are_refused(folder, damage):
    path = put(folder, "a")
    path.write_bytes(damage(path.read_bytes()))
    costs = folder.results(index_of("a", scale="paper", costs=True)).costs
    assert costs.get("a") is None
    assert "costs/a.json: is " in costs.refusal("a")


@pytest.mark.parametrize("key", ["scale", "run", "of", "dataset", "image", "protocol", "params", "macs", "parts"])
def test_a_missing_key_is_named(folder, key):
    path = put(folder, "a")
    content = json.loads(path.read_text())
    del content[key]
    path.write_text(json.dumps(content))
    assert f"'{key}' is missing" in folder.results(index_of("a", scale="paper", costs=True)).costs.refusal("a")


def test_the_index_names_refused_cost_files(folder):
    put(folder, "a", run="b")
    index = index_of("a", scale="paper", costs=True)
    of_table = table(["cost.macs"], [row("A", {"all": counted("a")})], scale="paper")
    assert "reports/paper/costs/a.json" in render_index(index, [of_table], folder.results(index))


def test_the_plan_and_its_committed_index_expect_the_same_costs(root, plans):
    from densemoe.params.files import read_yaml

    for scale, plan in plans.items():
        index = read_yaml(root / "params/plan" / f"{scale}.yaml")
        of_index = Results.from_index(root / "reports", index).costs.expected
        assert of_index == Results.from_plan(root / "reports", plan).costs.expected
        assert len(of_index) == len(index["runs"]) + 12 and len(index["modules"]) == 12
