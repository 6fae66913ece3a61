"""The audit of printed numbers: against another audit's figures, made-up papers, and the committed page."""

from __future__ import annotations

import json
import time

import pytest
from report_plan import cell, row, table

from densemoe.report.audit.audit import audit, implied_gains
from densemoe.report.audit.text import audit_page
from densemoe.report.gain import relative_gain

SINGLE = {"semseg": 80.0, "normals": 14.0}
RUNS = {"semseg": "single_semseg", "normals": "single_normals"}

# feasible intervals found by another program from another transcription of the tables
INTERVALS = {
    "semseg": (78.51, 80.34),
    "human_parts": (69.16, 70.50),
    "saliency": (85.24, 86.76),
    "normals": (13.39, 13.47),
    "boundary": (72.01, 73.06),
}


@pytest.fixture(scope="module")
def of_papers(plans):
    plan = plans["paper"]
    begin = time.process_time()
    found = audit(plan.tables.values(), {name: p.title for name, p in plan.runs.items()})
    return found, time.process_time() - begin


def test_the_papers(of_papers):
    found, seconds = of_papers
    assert seconds < 5
    vit = found["groups"][0]
    assert (vit["paper"], vit["rows"], vit["consistent"]) == ("mlore", 35, {"exact": 33, "rounded": 34})
    assert vit["inconsistent"]["exact"] == ["mlore/table02: + MoE", "mlore/table11: k=3"]
    assert vit["inconsistent"]["rounded"] == ["mlore/table11: k=3"]
    assert vit["only_choice"] == {"exact": True, "rounded": True}
    for task, ends in INTERVALS.items():
        exact = vit["baselines"][task]["exact"]
        assert (exact["low"], exact["high"]) == pytest.approx(ends, abs=0.02)
    predicted = {p["row"]: p for p in vit["predictions"]}
    assert predicted["mlore/table11: k=3"]["exact"] == pytest.approx({"low": -0.813, "high": -0.811}, abs=0.002)
    assert predicted["mlore/table02: + MoE"]["exact"] == pytest.approx({"low": -1.182, "high": -1.181}, abs=0.002)
    assert sum(p["fits_exact"] for p in predicted.values()) == 33
    (expert,) = vit["other_papers"]
    assert [r["row"] for r in expert["rows"]] == ["taskexpert/table02: MLP-Gating", "taskexpert/table02: CG"]
    assert all(0.05 < r["offset"] < 0.06 for r in expert["rows"])
    (order,) = vit["orders"]
    assert order["table"] == "mlore/table11"
    assert [r["row"] for r in order["printed"]] == ["k=9", "k=12", "k=6", "k=3", "k=15"]
    assert [r["row"] for r in order["implied"]] == ["k=9", "k=12", "k=6", "k=15", "k=3"]


def test_the_papers_disagree_with_themselves_in_eight_numbers(of_papers):
    found, _ = of_papers
    spreads = [(d["column"], d["spread"], len(d["printed"])) for d in found["disagreements"]]
    assert spreads == [
        ("saliency.max_f", 0.01, 2),
        ("normals.mean_deg", 0.01, 2),
        ("saliency.max_f", 0.01, 2),
        ("semseg.miou", 4.98, 2),
        ("human_parts.miou", 3.51, 2),
        ("saliency.max_f", 2.41, 2),
        ("normals.mean_deg", 0.04, 2),
        ("boundary.ods_f", 1.46, 2),
    ]


def test_the_committed_page_is_in_step(root, of_papers):
    """Out of step: python -m stages.audit."""
    found, _ = of_papers
    assert (root / "reports/audit.md").read_text(encoding="utf-8") == audit_page(found)
    assert json.loads((root / "reports/audit.json").read_text(encoding="utf-8")) == json.loads(json.dumps(found))


def paper_of(metrics: list[tuple[float, float]], gains: list[str] | None = None) -> dict:
    """One table whose gains are computed from the printed metrics and SINGLE, or given."""
    rows = []
    for i, (semseg, normals) in enumerate(metrics):
        gain = f"{relative_gain({'semseg': semseg, 'normals': normals}, SINGLE):.2f}"
        printed = {"semseg.miou": f"{semseg:.2f}", "normals.mean_deg": f"{normals:.2f}"}
        printed["gain"] = gains[i] if gains else gain
        rows.append(row(f"row {i}", {"all": cell(f"run{i}", baseline=RUNS)}, paper=printed))
    return table(["semseg.miou", "normals.mean_deg", "gain"], rows, scale="paper")


METRICS = [(78.0, 14.5), (81.0, 13.2), (79.5, 15.0), (70.0, 14.0), (80.5, 16.1)]
TITLES = {r: r for r in [*RUNS.values(), *(f"run{i}" for i in range(5))]}


def test_gains_made_from_known_baselines_give_them_back():
    (group,) = audit([paper_of(METRICS)], TITLES)["groups"]
    assert group["consistent"] == {"exact": 5, "rounded": 5}
    for task, true in SINGLE.items():
        found = group["baselines"][task]["exact"]
        assert found["low"] - 0.005 <= true <= found["high"] + 0.005
        assert found["high"] - found["low"] < 0.2


def test_a_wrong_gain_is_found_and_its_true_value_predicted():
    gains = [r["paper"]["gain"] for r in paper_of(METRICS)["rows"]]
    true, gains[3] = float(gains[3]), f"{float(gains[3]) + 0.3:.2f}"
    found = audit([paper_of(METRICS, gains)], TITLES)
    (group,) = found["groups"]
    assert group["inconsistent"]["exact"] == ["mlore/table02: row 3"]
    said = group["predictions"][3]
    assert said["exact"]["low"] - 0.006 <= true <= said["exact"]["high"] + 0.006
    assert not said["fits_exact"]
    implied = implied_gains([paper_of(METRICS, gains)])
    assert implied["mlore/table02", "row 3"].low == pytest.approx(true, abs=0.02)
    assert "not `mlore/table02: row 3` (the only smallest choice)" in audit_page(found)


def test_one_of_two_rows_that_contradict_each_other_is_left_out_and_said_not_to_be_the_only_choice():
    twice = paper_of([METRICS[0], METRICS[0]], ["-1.00", "-2.00"])
    (group,) = audit([twice], TITLES)["groups"]
    assert group["consistent"]["exact"] == 1
    assert group["only_choice"]["exact"] is False


def test_a_table_without_gains_gives_no_group_and_trailing_zeros_are_no_disagreement():
    rows = [
        row(label, {"all": cell("run0")}, paper={"semseg.miou": text}) for label, text in [("a", "1.0"), ("b", "1.00")]
    ]
    found = audit([table(["semseg.miou"], rows)], TITLES)
    assert found == {"groups": [], "disagreements": []}
    assert "None." in audit_page(found)
