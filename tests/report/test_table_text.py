"""Rendered tables: golden text with differences and gain worked out by hand, and every state a row can have."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_plan import BASELINE, TOLERANCES, cell, index_of, note, row, table

from densemoe.params.files import read_yaml
from densemoe.report.build import build_table
from densemoe.report.results import Results
from densemoe.report.tables import render_table

COLUMNS = ["semseg.miou", "normals.mean_deg", "gain"]

# every number in it is worked out by hand from `every_state`
GOLDEN = Path(__file__).with_name("golden_table.md")


def every_state(folder) -> tuple[dict, Results]:
    of_all = {"semseg.miou": "77.38", "normals.mean_deg": "13.79", "gain": "-3.41"}
    of_bad = {"semseg.miou": "79.26", "normals.mean_deg": "13.65", "gain": "-0.58"}
    vit = {"Backbone": "ViT"}
    rows = [
        row("All", {"all": cell("all", baseline=BASELINE)}, paper=of_all, info=vit),
        row("+ half", {"all": cell("half", baseline=BASELINE)}, paper={"semseg.miou": "30"}, info=vit, origin="quoted"),
        row("Absent", {"all": cell("absent", baseline=BASELINE)}),
        row(
            "Bad",
            {"all": cell("bad", baseline=BASELINE)},
            paper=of_bad,
            note="A note | with a bar.",
            notes=[note("misprint", "Another table prints 13.66.", "normals.mean_deg")],
        ),
        row("Later*", {"all": cell("later", "InvPT is not built yet", BASELINE)}),
    ]
    folder.put("all", {"semseg": {"miou": 50.0}, "normals": {"mean_deg": 11.0}})
    folder.put("half", {"semseg": {"miou": 30.25}})
    folder.put("bad", {"semseg": {"miou": 1.0}}, wrong={"run": "half"})
    folder.put("single_semseg", {"semseg": {"miou": 40.0}})
    folder.put("single_normals", {"normals": {"mean_deg": 10.0}})
    (folder.root / "smoke/curves").mkdir()
    (folder.root / "smoke/curves/all.csv").write_text("step\n")
    index = index_of("all", "half", "absent", "bad", *BASELINE.values(), pending={"later": "InvPT is not built yet"})
    choice = {"keys": ["recipe.clip_norm"], "from": "ours", "note": "not stated", "rows": ["All", "Later*"]}
    head = {"note": "FLOPs are multiply-adds.", "choices": [choice]}
    head |= {"notes": [note("convention", "Angles over valid pixels.", "normals.mean_deg")]}
    return table(COLUMNS, rows) | head, folder.results(index)


def test_golden(folder):
    assert render_table(*every_state(folder), TOLERANCES) == GOLDEN.read_text(encoding="utf-8")


def test_the_same_inputs_give_the_same_text(folder, tmp_path):
    elsewhere = type(folder)(tmp_path / "another place/reports")
    assert render_table(*every_state(folder), TOLERANCES) == render_table(*every_state(elsewhere), TOLERANCES)


def test_row_states(folder):
    of_table, results = every_state(folder)
    assert [r.state for r in build_table(of_table, results, TOLERANCES).rows] == [
        "complete",
        "partial",
        "missing",
        "missing",
        "pending",
    ]


def test_at_paper_scale_there_is_no_notice_and_a_plain_difference(folder):
    folder.put("run", {"semseg": {"miou": 77.5}}, scale="paper")
    rows = [row("k=9", {"all": cell("run")}, paper={"semseg.miou": "77.38"})]
    results = folder.results(index_of("run", scale="paper"))
    text = render_table(table(["semseg.miou"], rows, scale="paper"), results, TOLERANCES)
    assert "synthetic" not in text
    assert "Scale `paper`" in text
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert lines[2:5] == [
        ["k=9", "ours (paper)", "77.50", "reproduced"],
        ["", "printed", "77.38", ""],
        ["", "difference", "+0.12", ""],
    ]
    assert "## Notes" not in text
    assert "Verdict: **reproduced**; rows: 1 reproduced, 0 within seed noise, 0 differs, 0 not comparable." in text


def test_column_groups_have_a_run_each(folder):
    """One group measured, one missing: partial. One group pending: the other is shown."""
    columns = ["pascal_context/semseg.miou", "nyud_v2/depth.rmse"]
    printed = {"pascal_context/semseg.miou": "78.59", "nyud_v2/depth.rmse": "0.6043"}
    rows = [
        row("Ours", {"pascal_context": cell("a"), "nyud_v2": cell("b")}, paper=printed),
        row("Half", {"pascal_context": cell("a"), "nyud_v2": cell("c", "not built")}),
    ]
    folder.put("a", {"semseg": {"miou": 78.0}})
    results = folder.results(index_of("a", "b", pending={"c": "not built"}))
    text = render_table(table(columns, rows), results, TOLERANCES)
    assert "PASCAL-Context: Semseg mIoU ↑" in text
    assert "NYUD-v2: Depth RMSE ↓" in text
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert lines[2:6] == [
        ["Ours", "ours (smoke)", "78.00", "–"],
        ["", "printed", "78.59", "0.6043"],
        ["", "difference (smoke - printed)", "-0.59", "–"],
        ["Half", "ours (smoke)<sup>a</sup>", "78.00", "pending"],
    ]
    assert [r.state for r in build_table(table(columns, rows), results, TOLERANCES).rows] == ["partial", "partial"]
    assert "| Half (NYUD-v2)" in text


def test_many_runs_without_a_metric_are_counted_not_listed(folder):
    runs = [f"run{i}" for i in range(5)]
    for run in runs:
        folder.put(run, {"semseg": {"miou": 50.0}})
    rows = [row(r, {"all": cell(r, baseline={"boundary": "single"})}) for r in runs]
    text = render_table(table(["gain"], rows), folder.results(index_of(*runs, "single")), TOLERANCES)
    assert "boundary.ods_f of runs run0, run1, run2 and 2 more is not measured; run single is not measured." in text
    assert text.count("never taken over fewer tasks") == 1


@pytest.mark.parametrize("scale", ["smoke", "pilot", "paper"])
def test_all_declared_tables_render_with_no_metrics_at_all(root, tmp_path, scale):
    index = read_yaml(root / f"params/plan/{scale}.yaml")
    tables = {k: read_yaml(root / "params/plan" / e["file"]) for k, e in index["tables"].items()}
    results = Results.from_index(tmp_path / "reports", index)
    kinds, rows, numbers = [], 0, 0
    for of_table in tables.values():
        text = render_table(of_table, results, TOLERANCES)
        kind = next(k for k in ("table", "figure") if k in of_table["source"])
        kinds.append(kind)
        rows += len(of_table["rows"]) if kind == "table" else 0
        assert ("synthetic scenes" in text) == (scale != "paper")
        lines = [line for line in text.splitlines() if line.startswith("|")]
        for of_row in of_table["rows"]:
            # every printed number stands there as printed
            numbers += len(of_row["paper"])
            printed = list(of_row["paper"].values())
            shown = [c.strip().strip("*").split("<sup>")[0] for line in lines for c in line.split("|")]
            shown = [c.removeprefix("<ins>").removesuffix("</ins>").strip("*") for c in shown]
            assert all(n in shown for n in printed), of_row["label"]
        assert {r.state for r in build_table(of_table, results, TOLERANCES).rows} <= {"missing", "pending"}
        assert "difference" not in text
    assert (len(tables), kinds.count("table"), kinds.count("figure"), rows, numbers) == (23, 16, 7, 73, 435 + 54 + 36)


def test_a_row_of_imported_weights_says_so(folder):
    origin = {"file": "released.pth.tar", "sha256": "0123456789abcdef" * 4}
    rows = [
        row("Released", {"all": cell("theirs")}, paper={"semseg.miou": "79.26"}),
        row("Again", {"all": cell("ours")}),
    ]
    folder.put("theirs", {"semseg": {"miou": 79.0}}, wrong={"imported": origin})
    folder.put("ours", {"semseg": {"miou": 78.0}})
    text = render_table(table(["semseg.miou"], rows), folder.results(index_of("theirs", "ours")), TOLERANCES)
    assert text.count("imported (smoke)") == 1
    assert "Weights not trained here but imported from released.pth.tar, sha256 0123456789ab." in text
    assert "done, imported" in text and text.count("ours (smoke)") == 1
