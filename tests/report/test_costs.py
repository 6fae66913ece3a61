"""Cost files: what fits is shown with its convention, what does not fit is refused by name."""

from __future__ import annotations

import json

import pytest
from report_plan import TOLERANCES, cell, index_of, row, table

from densemoe.report.build import build_table
from densemoe.report.cost_text import costs_text
from densemoe.report.csv_table import table_csv
from densemoe.report.index import render_index
from densemoe.report.latex import table_latex
from densemoe.report.results import Results
from densemoe.report.scale import Scale
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
    """The lines of the numbers, and the verdicts of the rows."""
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    end = next((i for i, line in enumerate(lines) if line[0] == "Row" and i), len(lines))
    verdicts = [line.pop() for line in lines[2:end]] if lines[0][-1] == "Verdict" else []
    return lines[2:end], [v for v in verdicts if v]


def test_a_row_shows_ours_printed_and_the_residual_each_by_its_convention(folder):
    printed = {"cost.macs": "302", "cost.params_m": "100"}
    rows = [
        row("A", {"all": counted("a")}, paper=printed),
        row("B", {"all": counted("a", "top_k", "10^9", "encoder")}, paper={"semseg.miou": "77", "cost.macs": "250"}),
        row("C", {"all": counted("a", "merged")}),
        row("D", {"all": counted("b")}, paper=printed),
    ]
    put(folder, "a")
    results = folder.results(index_of("a", "b", scale="paper", costs=True))
    of_table = table(["semseg.miou", "cost.macs", "cost.params_m"], rows, scale="paper")
    text = render_table(of_table, results, TOLERANCES)
    lines, verdicts = lines_of(text)
    assert lines == [
        ["A", "ours (paper)", "–", "301.00<sup>a</sup>", "100.00<sup>b</sup>"],
        ["", "printed", "", "302", "100"],
        ["", "difference", "", "-0.33 %", "0.00 %"],
        ["B", "ours (paper)", "–", "250.00<sup>c</sup>", "100.00<sup>d</sup>"],
        ["", "printed", "77", "250", ""],
        ["", "difference", "–", "0.00 %", ""],
        ["C", "ours (paper)", "–", "300.00<sup>e</sup>", "100.00<sup>b</sup>"],
        ["D", "ours (paper)", "–", "–", "–"],
        ["", "printed", "", "302", "100"],
    ]
    # costs alone make no row of results reproduced, nor measured
    assert verdicts == ["reproduced (1 of 2 numbers compared)", *["not comparable (missing)"] * 2]
    built = build_table(of_table, results, TOLERANCES)
    assert [r.state for r in built.rows] == ["missing"] * 4
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
    assert "costs version 1" in text and "costs are in per cent" in text
    assert "[cost](../../costs/a.json)" in text
    assert r"$-0.33$\,\%" in table_latex(built)
    assert ",301.0,,1,301.00,302,authors,-0.33 %,," in table_csv(built)


def test_one_module_beside_the_fitted_formula(folder):
    put(folder, "m__module", fitted={"params": 3_148_800, "macs": 3 * 2**30})
    costs = {"m__module": {"run": "m", "of": "module", "protocol": 1}}
    index = index_of(scale="paper") | {"costs": costs, "modules": {"m": {"variant": {"dataset": "pascal_context"}}}}
    rows = [row("5", {"moe": counted("m", measure="module_cost")}, paper={"moe/cost.params_m": "3.1"})]
    of_table = table(["moe/cost.params_m", "moe/cost.macs"], rows, scale="paper")
    results = folder.results(index)
    text = render_table(of_table, results, TOLERANCES)
    assert lines_of(text)[0] == [
        ["5", "ours (paper)", "100.00<sup>a</sup>", "301.00<sup>b</sup>"],
        ["", "fitted formula<sup>c</sup>", "3.1", "3.00"],
        ["", "printed", "3.1", ""],
        ["", "difference", "+3125.81 %", ""],
        ["", "difference of the formula", "0.00 %", ""],
    ]
    assert "- <sup>c</sup> Fitted to the printed numbers after the fact" in text
    built = build_table(of_table, results, TOLERANCES)
    assert [r.state for r in built.rows] == ["complete"]
    assert results.state("m", "module_cost") == "done"
    tex = table_latex(built)
    assert r"fitted formula\textsuperscript{c} & 3.1 & 3.00" in tex and "difference of the formula & $0.00$" in tex
    assert "+3125.81 %,3.1," in table_csv(built)
    shown = costs_text(Scale(index, [of_table], [built], results, TOLERANCES, folder.root))
    assert "fitted formula" in shown and "m__module" in shown and "+3125.81 %" in shown


def test_a_network_costs_the_same_with_every_seed(folder):
    put(folder, "a")
    of_cell = counted("a") | {"repeats": [{"run": "a_seed1", "pending": ""}]}
    rows = [row("A", {"all": of_cell}, paper={"cost.macs": "301"})]
    results = folder.results(index_of("a", "a_seed1", scale="paper", costs=True))
    found = build_table(table(["cost.macs"], rows, scale="paper"), results, TOLERANCES).rows[0].cells["cost.macs"]
    assert (found.shown, found.shown_std, [n.kind for n in found.notes]) == ("301.00", "", ["convention"])


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
    text = render_table(table(["cost.macs"], rows, scale="paper"), results, TOLERANCES)
    assert lines_of(text)[0][0] == ["A", "ours (paper)", "unreadable<sup>a</sup>"]
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
    assert "reports/paper/costs/a.json" in render_index(index, [of_table], folder.results(index), TOLERANCES)


def test_the_plan_and_its_committed_index_expect_the_same_costs(root, plans):
    from densemoe.params.files import read_yaml

    for scale, plan in plans.items():
        index = read_yaml(root / "params/plan" / f"{scale}.yaml")
        of_index = Results.from_index(root / "reports", index).costs.expected
        assert of_index == Results.from_plan(root / "reports", plan).costs.expected
        assert len(of_index) == len(index["runs"]) + 12 and len(index["modules"]) == 12
