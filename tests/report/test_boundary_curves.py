"""Precision-recall curves: read from the files of both score commands, drawn, and written as a table."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest
from PIL import Image

from densemoe.params.errors import InputError
from densemoe.report.boundary_curves import KEYS, curves_csv, draw, read_curve


def point(threshold, matched, predicted, truth):
    precision, recall = matched / predicted if predicted else 1.0, matched / truth
    f = 2 * matched / (predicted + truth)
    return dict(zip(KEYS, (threshold, precision, recall, f, matched, predicted, truth), strict=True))


POINTS = [point(0.001, 80, 200, 100), point(0.5, 75, 100, 100), point(0.6, 75, 100, 100), point(0.999, 0, 0, 100)]


def document(**changes):
    return {
        "protocol": {"boundary": 1, "name": "nyud", "max_distance": 0.011},
        "images": 7,
        "curve": {"max_cardinality": POINTS, "seism_compat": POINTS[:2]},
        **changes,
    }


def write(path, data):
    path.write_text(json.dumps(data))
    return path


def test_reads_a_curve_of_a_run_and_of_other_maps(tmp_path):
    foreign = read_curve(write(tmp_path / "theirs.json", document()), "max_cardinality")
    assert (foreign.label, foreign.scale, foreign.images, foreign.protocol) == ("theirs", None, 7, "nyud")
    assert foreign.points == POINTS
    assert foreign.best == POINTS[1]  # the first largest
    ours = read_curve(write(tmp_path / "x.json", document(run="nyud_abc", scale="smoke")), "seism_compat")
    assert (ours.label, ours.scale, len(ours.points)) == ("nyud_abc", "smoke", 2)
    assert read_curve(tmp_path / "x.json", "seism_compat", "mine").label == "mine"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (document(curve=None), "holds no curve; write one with .*stages.score_run .* --curve"),
        ([1], "holds no curve"),
        (document(curve={"other": POINTS}), "no curve of 'max_cardinality'; allowed are other"),
        (document(curve={"max_cardinality": []}), "has no points"),
        (document(curve={"max_cardinality": [{"threshold": 1}]}), "point 0 of the curve has no number 'precision'"),
        (document(images=None), "'images' or 'protocol.name' is missing"),
    ],
)
def test_a_file_without_a_curve_is_one_sentence(tmp_path, data, reason):
    with pytest.raises(InputError, match=rf"scores\.json: .*{reason}"):
        read_curve(write(tmp_path / "scores.json", data), "max_cardinality")


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: no such file"):
        read_curve(tmp_path / "none.json", "max_cardinality")
    (tmp_path / "half.json").write_text('{"curve": ')
    with pytest.raises(InputError, match=r"half\.json: is not readable JSON"):
        read_curve(tmp_path / "half.json", "max_cardinality")
    with pytest.raises(InputError, match="none to draw"):
        draw([], "max_cardinality")


def test_the_figure_holds_the_data(tmp_path):
    best = read_curve(write(tmp_path / "a.json", document(scale="smoke")), "max_cardinality", "best")
    worse = document(curve={"max_cardinality": [point(0.5, 30, 100, 100)]})
    axes = draw(
        [read_curve(write(tmp_path / "b.json", worse), "max_cardinality", "worse"), best], "max_cardinality"
    ).axes
    (axes,) = axes
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["best  75.00", "worse  30.00"]
    line = next(line for line in axes.lines if line.get_label() == "best  75.00")
    assert line.get_xydata().tolist() == [[0.8, 0.4], [0.75, 0.75], [0.75, 0.75]]  # no point without a match
    dots = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert dots == [[[0.75, 0.75]], [[0.3, 0.3]]]
    assert [t.get_text() for t in axes.texts] == [f"F = 0.{i}" for i in range(1, 10)]
    equal = [line.get_xydata() for line in axes.lines if line.get_color() == "0.85"]
    assert len(equal) == 9
    for tenth, xy in enumerate(equal, start=1):
        assert 2 * xy.prod(1) / xy.sum(1) == pytest.approx(tenth / 10)
    assert "smoke" in axes.get_title()
    assert "7 images" in axes.get_title()
    assert "recall" in axes.get_xlabel()


def test_many_curves_differ_and_have_their_legend_beside(tmp_path):
    path = write(tmp_path / "a.json", document())
    figure = draw([read_curve(path, "max_cardinality", f"run {i}") for i in range(23)], "max_cardinality")
    lines = [line for line in figure.axes[0].lines if line.get_label().startswith("run")]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 23
    figure.draw_without_rendering()
    boxes = figure.axes[0].get_window_extent(), figure.axes[0].get_legend().get_window_extent()
    assert boxes[1].x0 > boxes[0].x1
    assert boxes[1].y0 >= 0


def test_the_table(tmp_path):
    curve = read_curve(write(tmp_path / "a.json", document(scale="smoke")), "max_cardinality")
    rows = list(csv.DictReader(io.StringIO(curves_csv([curve, curve], "max_cardinality"))))
    assert len(rows) == 8
    assert (rows[1]["label"], rows[1]["scale"], rows[1]["count"]) == ("a", "smoke", "max_cardinality")
    assert [float(rows[1][k]) for k in KEYS] == list(POINTS[1].values())


def test_the_command_writes_three_files_the_same_each_time(tmp_path, root):
    write(tmp_path / "a.json", document(run="one", scale="smoke"))
    write(tmp_path / "b.json", document())

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "stages.plot_boundary", *map(str, arguments)],
            cwd=root,
            env={"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": "", "MPLCONFIGDIR": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    kept = []
    for _ in range(2):
        done = command("--output", tmp_path / "out/curves.v1", tmp_path / "a.json", f"their maps={tmp_path / 'b.json'}")
        assert done.returncode == 0, done.stderr
        written = sorted((tmp_path / "out").iterdir())
        assert [p.name for p in written] == ["curves.v1.csv", "curves.v1.png", "curves.v1.svg"]
        kept.append([p.read_bytes() for p in written])
    assert kept[0] == kept[1]
    assert Image.open(tmp_path / "out/curves.v1.png").size[0] > 900
    assert b"their maps" in kept[0][0]

    twice = command("--output", tmp_path / "no/curves", tmp_path / "a.json", tmp_path / "a.json")
    assert twice.returncode == 2
    assert twice.stderr.startswith("error: Two curves are called 'one'; name them")
    assert not (tmp_path / "no").exists()
