"""Figures: the CSV holds what the results hold, equal inputs give equal bytes, what is missing is shown as missing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import routing_plan
from PIL import Image
from report_plan import BASELINE, TOLERANCES, cell, index_of, note, row, table

from densemoe.params.files import read_yaml
from densemoe.report.build import build_table
from densemoe.report.figures import DRAW, write_figure
from densemoe.report.figures.of_curves import POINTS, Curves
from densemoe.report.figures.of_table import curves_figure, overview_figure, table_figure
from densemoe.report.figures.panel import OURS, PRINTED, csv_text
from densemoe.report.figures.style import COLOURS
from densemoe.report.results import Results
from densemoe.report.routing import RoutingResults

LINES = {"kind": "lines", "title": "Over k", "x": "k", "y": "gain", "at": {"k=3": 3, "k=6": 6, "k=9": 9}}


def lines_of(figure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(figure))))


def points(figure, series):
    return {(p["title"], p["label"]): p["y"] for p in lines_of(figure) if p["series"] == series}


def gains(folder, plot=(LINES,), scale="smoke"):
    """k=3 has a gain of 7.5, k=6 is measured in part, k=9 is pending; two of the gains are printed."""
    for run, miou, degrees in (("a", 50.0, 11.0), ("single_semseg", 40.0, None), ("single_normals", None, 10.0)):
        metrics = {} if miou is None else {"semseg": {"miou": miou}}
        metrics |= {} if degrees is None else {"normals": {"mean_deg": degrees}}
        folder.put(run, metrics, scale=scale)
    folder.put("b", {"semseg": {"miou": 30.25}}, scale=scale)
    rows = [
        row("k=3", {"all": cell("a", baseline=BASELINE)}, paper={"gain": "-0.72"}),
        row("k=6", {"all": cell("b", baseline=BASELINE)}, paper={"gain": "-0.65"}),
        row("k=9", {"all": cell("c", "not built", BASELINE)}),
    ]
    index = index_of("a", "b", *BASELINE.values(), scale=scale, pending={"c": "not built"})
    of_table = table(["semseg.miou", "normals.mean_deg", "gain"], rows, scale) | {"plot": list(plot)}
    return of_table, index, folder.results(index), RoutingResults(folder.root, index)


def drawn(compiled, index, results, routing):
    return table_figure(build_table(compiled, results, TOLERANCES), compiled, index, results, routing)


def test_lines_hold_our_gains_the_printed_ones_and_why_one_is_missing(folder):
    figure = drawn(*gains(folder))
    # (50/40 - 1 - (11/10 - 1)) / 2 = 7.5 %
    assert points(figure, OURS) == {("Over k", "k=3"): "7.5", ("Over k", "k=6"): "", ("Over k", "k=9"): ""}
    assert points(figure, PRINTED) == {("Over k", "k=3"): "-0.72", ("Over k", "k=6"): "-0.65", ("Over k", "k=9"): ""}
    why = {p["label"]: p["missing"] for p in lines_of(figure) if p["series"] == OURS}
    assert why == {"k=3": "", "k=6": "not measured yet", "k=9": "not built yet"}
    assert [p["x"] for p in lines_of(figure) if p["series"] == OURS] == ["3", "6", "9"]
    assert figure.notes[0] == "Ours missing, not measured yet: k=6." and "Scale smoke" in figure.about
    assert "PASCAL-Context · seed 0 · 24 validation images" in figure.about


def test_ours_and_printed_share_axes_at_the_papers_scale_only(folder, tmp_path):
    small = drawn(*gains(folder))
    assert [[p.series for p in of_row] for of_row in small.rows] == [[[OURS], [PRINTED]]]
    assert "not comparable with the printed ones" in small.notice
    large = drawn(*gains(folder, scale="paper"))
    assert [[p.series for p in of_row] for of_row in large.rows] == [[[OURS, PRINTED]]]
    assert large.notice == ""


def test_a_table_without_a_plot_gets_bars_of_its_gain_or_dots_of_its_columns(folder):
    of_table, *rest = gains(folder, plot=())
    assert {p.kind for p in drawn(of_table, *rest).panels} == {"bars"}
    of_table["columns"] = ["semseg.miou", "normals.mean_deg"]
    figure = drawn(of_table, *rest)
    assert {p.kind for p in figure.panels} == {"dots"}
    assert points(figure, OURS)["Semseg mIoU", "k=3"] == "50.0" and points(figure, OURS)["Normal mErr", "k=6"] == ""


def written(figure, path: Path) -> dict[str, bytes]:
    write_figure(figure, path)
    return {end: path.with_name(f"{path.name}.{end}").read_bytes() for end in ("csv", "svg", "png")}


def test_equal_inputs_give_equal_bytes_without_date_or_path(folder, tmp_path):
    arguments = gains(folder)
    first = written(drawn(*arguments), tmp_path / "one" / "figure03")
    again = written(drawn(*gains(folder)), tmp_path / "another" / "figure03")
    assert first == again
    assert b"k=3,3,7.5," in first["csv"]
    svg = first["svg"].decode()
    assert "<dc:date>" not in svg and str(tmp_path) not in svg and "not comparable" in svg and "MTL" in svg
    with Image.open(io.BytesIO(first["png"])) as image:
        assert image.format == "PNG" and image.width > 600 and not image.text
    assert not list(tmp_path.rglob("*.partial"))


def test_a_figure_without_any_value_of_ours_shows_the_printed_ones_and_says_so(folder, tmp_path):
    of_table, index, *_ = gains(folder, scale="paper")
    empty = Results.from_index(tmp_path / "nothing", index)
    figure = drawn(of_table, index, empty, RoutingResults(tmp_path / "nothing", index))
    assert figure.notes[0] == "All of ours are missing: not measured yet; not built yet."
    assert "nothing measured yet" in figure.about
    svg = written(figure, tmp_path / "figure")["svg"].decode()
    assert "All of ours are missing" in svg and "printed" in svg and ">ours<" not in svg


def routed(folder, plot, run="run_a"):
    source = {"paper": "mlore", "figure": 4}
    of_table = table(["semseg.miou"], [row("A", {"all": cell(run)})]) | {"source": source, "plot": plot}
    of_table["routing"] = [run]
    results = Results(folder.root, "smoke", {})
    return drawn(of_table, routing_plan.INDEX, results, RoutingResults(folder.root, routing_plan.INDEX))


def test_routing_panels_hold_what_the_file_holds(folder, tmp_path):
    routing_plan.put(folder.root, routing_plan.document())
    plot = [{"kind": k, "title": k, "row": "A", "modules": "all"} for k in ("activation", "sharing", "smallest_gate")]
    figure = routed(folder, plot)
    assert [[p.title for p in of_row] for of_row in figure.rows] == [["Scale 1, module 1", "Scale 1, module 2"]] * 3
    tree = routing_plan.document()["routing"]["scale_1"]
    found = lines_of(figure)
    heat = {(p["panel"], p["series"], p["x"]): float(p["y"]) for p in found if p["kind"] == "heat_map"}
    assert heat == {
        (str(number), task, expert): tree[f"module_{number}"]["activation"][task][expert]
        for number in (1, 2)
        for task in ("semseg", "depth")
        for expert in ("expert_01", "expert_02", "expert_03")
    }
    assert [p["label"] for p in found if p["panel"] == "1" and p["series"] == "depth"] == ["2", "4", "8"]  # ranks
    shares = {(p["series"], p["x"]): float(p["y"]) for p in found if p["kind"] == "stacked" and p["panel"] == "3"}
    assert len(shares) == 9 and shares["all 2 tasks", "expert_01"] == 0.75 and shares["no task", "expert_03"] == 0.5
    gates = [(p["y"], p["missing"]) for p in found if p["kind"] == "gates" and p["panel"] == "5"]
    assert gates == [("0.3", ""), ("0.2", ""), ("", "no image shares it")]
    # weighted by how often each expert is shared: (0.75 * 0.2 + 0.5 * 0.8) / 1.25
    assert figure.rows[2][0].text == "below half of the mean gate in 44 %" and figure.rows[2][0].levels == (0.5, 0.25)
    assert "4 validation images" in figure.about
    assert b"44 %" in written(figure, tmp_path / "f")["svg"]


def test_the_last_module_alone(folder):
    routing_plan.put(folder.root, routing_plan.document())
    plot = [{"kind": "activation", "title": "(a) Share", "row": "A", "modules": "last"}]
    (panel,) = routed(folder, plot).panels
    assert panel.title == "(a) Share; scale 1, module 2" and panel.of("semseg")[0].y == 0.5


@pytest.mark.parametrize(("content", "why"), [(None, "not measured yet"), ('{"scale"', "unreadable")])
def test_routing_that_is_not_there_leaves_an_empty_panel_with_the_reason(folder, tmp_path, content, why):
    if content:
        routing_plan.put(folder.root, content)
    figure = routed(folder, [{"kind": "sharing", "title": "T", "row": "A", "modules": "all"}])
    assert [p["missing"] for p in lines_of(figure)] == [why]
    assert why.encode() in written(figure, tmp_path / "f")["svg"]


CURVE = "step,lr,total,semseg,normals\n0,0.002,4.5,3.0,1.5\n1,0.001,3.5,2.25,1.25\n"


def curves_of(folder, **texts):
    of_table, index, results, _ = gains(folder)
    for run in index["runs"].values():
        run["variant"] |= {"tasks": ["semseg", "normals"], "decoder": {"kind": "baseline"}}
    for run, text in texts.items():
        path = folder.root / "smoke/curves" / f"{run}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    curves = Curves(folder.root, "smoke")
    return curves_figure(build_table(of_table, results, TOLERANCES), index, curves, results), curves


def test_curves_hold_the_losses_a_row_per_run(folder, tmp_path):
    figure, curves = curves_of(folder, a=CURVE, b=CURVE.replace("4.5", "6.5"))
    assert [[p.title for p in of_row] for of_row in figure.rows] == [
        ["total", "semseg", "normals", "learning rate"],
        [""] * 4,
    ]
    found = lines_of(figure)
    assert [(p["label"], p["x"], p["y"]) for p in found if p["panel"] == "1"] == [
        ("k=3", "0.0", "4.5"), ("k=3", "1.0", "3.5"),
    ]  # fmt: skip
    assert [p["y"] for p in found if p["panel"] == "8"] == ["0.002", "0.001"]
    assert figure.rows[0][0].band == ((0.0, 4.5, 6.5), (1.0, 3.5, 3.5))
    assert figure.rows[0][1].text == "mIoU 50.00" and figure.rows[1][2].text == ""  # b has no mErr
    assert "Not built yet: k=9." in figure.notes and curves.refusals() == []
    first = written(figure, tmp_path / "one")
    assert first == written(curves_of(folder)[0], tmp_path / "two")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (CURVE[:-9], "is not a complete training curve"),
        ("", "is not a complete training curve"),
        (CURVE.replace("2.25", "nan"), "is not a complete training curve"),
        (CURVE.replace("step", "time"), "is not a complete training curve"),
    ],
)
def test_a_curve_that_cannot_be_read_is_refused_by_name_and_the_rest_drawn(folder, text, sentence):
    figure, curves = curves_of(folder, a=text, b=CURVE)
    (refusal,) = curves.refusals()
    assert refusal.startswith("reports/smoke/curves/a.csv: ") and sentence in refusal
    assert {p.empty for p in figure.rows[0]} == {"file refused"} and len(figure.rows[1][0].points) == 2


def test_a_long_curve_is_thinned_to_means(folder):
    lines = "".join(f"{i},0.1,{i % 2},1,1\n" for i in range(10 * POINTS))
    figure, _ = curves_of(folder, a=CURVE.splitlines()[0] + "\n" + lines)
    total = figure.rows[0][0].points
    assert len(total) == POINTS and {p.y for p in total} == {0.5} and total[0].x == 4.5
    assert {p.empty for p in figure.rows[1]} == {"not trained yet"}


def test_cost_against_gain_and_against_the_authors_own_row(folder, tmp_path):
    folder.put("a", {"semseg": {"miou": 40.0}, "normals": {"mean_deg": 20.0}})
    folder.put_cost("a", 3.0, scale="smoke")
    rows = [
        row("Theirs", {"all": cell("later", "not built")}, origin="quoted",
            paper={"semseg.miou": "60", "normals.mean_deg": "15", "cost.macs": "500"}),
        row("Other", {"all": cell("later", "not built")}, origin="quoted",
            notes=[note("incomparable", "mIoU", "semseg.miou")],
            paper={"semseg.miou": "60", "normals.mean_deg": "15", "cost.macs": "500"}),
        row("Ours", {"all": cell("a")}, paper={"semseg.miou": "80", "normals.mean_deg": "10", "cost.macs": "200"}),
        row("Ours again", {"all": cell("a")}),
    ]  # fmt: skip
    of_table = table(["semseg.miou", "normals.mean_deg", "cost.macs"], rows)
    index = index_of("a", pending={"later": "not built"}, costs=True)
    results = folder.results(index)
    without_cost = table(["semseg.miou"], rows[:1])
    figure = overview_figure([build_table(t, results, TOLERANCES) for t in (without_cost, of_table)], "smoke")
    (shown, printed) = figure.rows[0][:2]
    # (60/80 - 1 - (15/10 - 1)) / 2 = -37.5 %
    found = {p.label: (p.x, p.y) for p in printed.points}
    assert found == {"Theirs": (500.0, -37.5), "Other": ("", None), "Ours": (200.0, 0.0)}
    assert (shown.points[-1].label, shown.points[-1].x, shown.points[-1].y) == ("Ours", 3.0, 0.0)
    assert shown.points[0].why == "not built yet"
    assert figure.notes[-1].endswith("not drawn, since a metric measures something else: Other.")
    assert b"Theirs" in written(figure, tmp_path / "f")["svg"]
    nothing = overview_figure([build_table(without_cost, results, TOLERANCES)], "smoke")
    assert b"no table has both a cost and a gain" in written(nothing, tmp_path / "g")["svg"]


def test_every_kind_of_the_declared_figures_is_drawn(root):
    """At the smoke scale with the committed results; each kind of panel occurs somewhere."""
    index = read_yaml(root / "params/plan/smoke.yaml")
    results, routing = Results.from_index(root / "reports", index), RoutingResults(root / "reports", index)
    kinds, names = set(), []
    for entry in index["tables"].values():
        of_table = read_yaml(root / "params/plan" / entry["file"])
        figure = drawn(of_table, index, results, routing)
        assert "Scale smoke" in figure.about and figure.notice and figure.title
        assert len({len(of_row) for of_row in figure.rows}) == 1
        kinds |= {p.kind for p in figure.panels}
        names.append(of_table["name"])
    assert len(names) == 23
    assert kinds | {"scatter"} == set(DRAW)


def test_printed_values_of_figure_3_are_those_of_tables_10_and_11(root):
    index = read_yaml(root / "params/plan/paper.yaml")
    results, routing = Results(Path("none"), "paper", {}), RoutingResults(Path("none"), index)
    figure = drawn(read_yaml(root / "params/plan/paper/mlore_figure03.yaml"), index, results, routing)
    over_k, over_n, params_of = figure.rows[0]
    assert [(p.x, p.y) for p in over_k.of(PRINTED)] == [(3, -0.72), (6, -0.65), (9, -0.58), (12, -0.64), (15, -0.75)]
    assert [(p.x, p.y) for p in over_n.of(PRINTED)] == [(0, -1.58), (5, -1.11), (10, -0.72), (15, -0.58), (20, -0.53)]
    assert params_of.of(PRINTED) == []


def luminance(colour: str) -> float:
    return sum(w * int(colour[i : i + 2], 16) for w, i in ((0.2126, 1), (0.7152, 3), (0.0722, 5)))


def test_colours_differ_and_ours_and_printed_differ_without_colour():
    from densemoe.report.figures.style import OURS_STYLE, PRINTED_STYLE

    assert len(set(COLOURS)) == 7
    assert OURS_STYLE["marker"] != PRINTED_STYLE["marker"]
    assert abs(luminance(OURS_STYLE["color"]) - luminance(PRINTED_STYLE["color"])) > 15
    assert json.dumps(OURS_STYLE["markerfacecolor"]) != json.dumps(PRINTED_STYLE["markerfacecolor"])
