"""The index page: counts of rows and runs by hand, links, refused files."""

from __future__ import annotations

from report_plan import BASELINE, TOLERANCES, cell, index_of, row, table

from densemoe.params.files import read_yaml
from densemoe.report.index import render_index, run_states
from densemoe.report.results import Results


def cells(text: str) -> list[list[str]]:
    return [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def figures(slug: str) -> str:
    return f"[figure](figures/mlore/{slug}.png), [curves](figures/mlore/{slug}_curves.png)"


def test_counts_links_and_states(folder):
    index = index_of("a", "b", *BASELINE.values(), pending={"later": "not built"})
    rows = [
        row("One", {"all": cell("a")}),
        row("Two", {"all": cell("b")}),
        row("Three", {"all": cell("later", "not built")}),
    ]
    figure = table(["normals.mean_deg"], [row("Dots", {"all": cell("a")})])
    figure |= {"name": "mlore/figure04", "source": {"paper": "mlore", "figure": 4}, "title": "Dots"}
    folder.put("a", {"semseg": {"miou": 50.0}})
    folder.put("b", {"semseg": {"miou": 50.0}}, wrong={"scale": "paper"})
    text = render_index(index, [figure, table(["semseg.miou"], rows)], folder.results(index), TOLERANCES)
    assert "2 tables and figures with 4 rows: 1 complete, 1 partial, 1 missing, 1 pending" in text
    # a is done; b is refused, the two single-task runs have no file
    assert "5 distinct runs: 1 done, 3 missing, 1 pending" in text
    assert "not comparable" in text
    lines = cells(text)
    assert lines[2] == [
        "[MLoRE (CVPR 2024), Table 2](tables/mlore/table02.md)",
        "Components",
        figures("table02"),
        "3",
        "1",
        "0",
        "1",
        "1",
    ]
    assert lines[3] == [
        "[MLoRE (CVPR 2024), Figure 4](tables/mlore/figure04.md)",
        "Dots",
        figures("figure04"),
        "1",
        "0",
        "1",
        "0",
        "0",
    ]
    assert lines[6:] == [
        ["`mlore/table02`", "One", "complete", "`a`"],
        ["`mlore/table02`", "Two", "missing", "`b`"],
        ["`mlore/table02`", "Three", "pending", "`later`"],
        ["`mlore/figure04`", "Dots", "partial", "`a`"],
    ]
    assert "## Refused metrics files" in text
    assert """- reports/smoke/metrics/b/plain.json: 'scale' is "paper", but the path says "smoke".""" in text
    assert "no verdict on the printed numbers: not comparable at the smoke scale" in text
    assert "Failed" not in text


def test_failed_runs_are_named_with_the_rows_that_wait_for_them(folder):
    index = index_of("a", "b", *BASELINE.values())
    rows = [row("One", {"all": cell("a", baseline=BASELINE)}), row("Two", {"all": cell("b", baseline=BASELINE)})]
    why = {"b": "error: the loss is not finite", "single_normals": "killed"}
    of_table = table(["semseg.miou"], rows)
    text = render_index(index, [of_table], folder.results(index), TOLERANCES, why)
    assert "- `b`: error: the loss is not finite\n  Rows: `mlore/table02` Two." in text
    assert "- `single_normals`: killed\n  Rows: `mlore/table02` (baseline of the gain)." in text
    assert [line[1:3] for line in cells(text)[-2:]] == [["One", "missing"], ["Two", "failed"]]
    assert text == render_index(index, [of_table], folder.results(index), TOLERANCES, why)


def test_a_run_is_done_when_all_its_measures_are(folder):
    index = index_of("a")
    index["measures"]["a__merged"] = {"run": "a", "measure": "merged", "protocol": 1}
    folder.put("a", {})
    assert run_states(index, folder.results(index)) == {"a": "missing"}


def test_the_committed_plan(root, tmp_path):
    index = read_yaml(root / "params/plan/smoke.yaml")
    tables = [read_yaml(root / "params/plan" / e["file"]) for e in index["tables"].values()]
    text = render_index(index, tables, Results.from_index(tmp_path / "reports", index), TOLERANCES)
    assert "23 tables and figures with 101 rows: 0 complete, 0 partial, " in text
    assert f"{len(index['runs']) + len(index['pending'])} distinct runs: 0 done, {len(index['runs'])} missing" in text
    assert text.count("](tables/") == 23
    assert len(cells(text)) == 2 + 23 + 2 + 101
    # tables by number, figures after them
    links = [c[0].split("](tables/")[1] for c in cells(text)[2:25]]
    assert links[0] == "mlore/table01.md)"
    assert links[14:21] == [f"mlore/figure{n}.md)" for n in ("01", "03", "04", "06", "07", "10", "11")]
