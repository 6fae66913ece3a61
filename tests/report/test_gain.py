"""Multi-task gain against a printed row and by hand; missing whenever one of its numbers is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_plan import BASELINE, cell, index_of

from densemoe.report.gain import Absence, gain_of, relative_gain

INDEX = index_of("multi", *BASELINE.values())


def test_a_printed_row_of_the_paper():
    # MLoRE Table 11, k=9, prints -0.58; the single-task values are one solution of the printed gains of all its rows.
    # By hand: (-0.15117 - 2.93402 - 0.96366 - 1.63812 + 2.76555) / 5 = -0.58428
    printed = {"semseg": 79.26, "human_parts": 67.82, "saliency": 85.30, "normals": 13.65, "boundary": 74.69}
    single = {"semseg": 79.38, "human_parts": 69.87, "saliency": 86.13, "normals": 13.43, "boundary": 72.68}
    assert relative_gain(printed, single) == pytest.approx(-0.58428, abs=2e-5)


def test_signs_by_hand():
    # (50 - 40) / 40 = +25 %; the normals' error rises from 10 to 11, which is -10 %; mean 7.5 %
    assert relative_gain({"semseg": 50, "normals": 11}, {"semseg": 40, "normals": 10}) == pytest.approx(7.5)
    # depth halves its error: +50 %
    assert relative_gain({"depth": 0.3}, {"depth": 0.6}) == pytest.approx(50)


@given(st.dictionaries(st.sampled_from(["semseg", "depth", "normals", "boundary"]), st.floats(1, 100), min_size=1))
def test_no_gain_over_oneself(values):
    assert relative_gain(values, values) == 0


def test_never_over_different_tasks():
    with pytest.raises(ValueError, match="different tasks"):
        relative_gain({"semseg": 50}, {"semseg": 40, "normals": 10})


def put_all(folder) -> None:
    folder.put("multi", {"semseg": {"miou": 50.0}, "normals": {"mean_deg": 11.0}})
    folder.put("single_semseg", {"semseg": {"miou": 40.0}})
    folder.put("single_normals", {"normals": {"mean_deg": 10.0}})


def gain(folder):
    return gain_of(cell("multi", baseline=BASELINE), folder.results(INDEX))


def test_from_files(folder):
    put_all(folder)
    assert gain(folder).value == pytest.approx(7.5)
    assert gain(folder).absent == ()


def test_one_missing_metric_of_the_row(folder):
    put_all(folder)
    folder.put("multi", {"semseg": {"miou": 50.0}})
    assert gain(folder).value is None
    assert [a.sentence for a in gain(folder).absent] == ["normals.mean_deg of run multi is not measured"]


def test_one_missing_metric_of_a_single_task_run(folder):
    put_all(folder)
    folder.put("single_normals", {})
    assert gain(folder).value is None
    assert [a.sentence for a in gain(folder).absent] == ["normals.mean_deg of run single_normals is not measured"]


def test_no_file_is_said_once(folder):
    assert gain(folder).value is None
    assert [a.sentence for a in gain(folder).absent] == [
        "run multi is not measured",
        "run single_semseg is not measured",
        "run single_normals is not measured",
    ]


def test_a_refused_file_and_a_pending_run(folder):
    put_all(folder)
    folder.put("single_semseg", {"semseg": {"miou": 40.0}}, wrong={"seed": 3})
    assert gain(folder).absent == (Absence("", "single_semseg", "has a refused metrics file"),)
    pending = gain_of(cell("multi", baseline={"normals": "nobody"}), folder.results(INDEX))
    assert (pending.value, pending.absent) == (None, (Absence("", "nobody", "is pending"),))


def test_a_baseline_of_zero_is_no_division(folder):
    put_all(folder)
    folder.put("single_semseg", {"semseg": {"miou": 0.0}})
    assert gain(folder).value is None
    assert [a.sentence for a in gain(folder).absent] == [
        "semseg.miou of run single_semseg is 0, which cannot be divided by"
    ]
