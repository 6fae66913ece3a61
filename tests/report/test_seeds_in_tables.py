"""Several seeds: mean, standard deviation and gain worked out by hand; seeds that are not there yet."""

from __future__ import annotations

import pytest
from report_plan import TOLERANCES, cell, index_of, row, table

from densemoe.report.build import build_table
from densemoe.report.tables import table_page

COLUMNS = ["semseg.miou", "gain"]


def over_three_seeds(folder, measured: int = 3):
    """Semseg of 40, 42, 44 over single-task models of 40, 40, 50: gains of 0, +5 and -12 %."""
    runs = ["a", "a_seed1", "a_seed2"]
    single = ["single", "single_seed1", "single_seed2"]
    for run, value in [*zip(runs, (40.0, 42.0, 44.0), strict=True)][:measured]:
        folder.put(run, {"semseg": {"miou": value}})
    for run, value in zip(single, (40.0, 40.0, 50.0), strict=True):
        folder.put(run, {"semseg": {"miou": value}})
    of_row = cell(runs[0], baseline={"semseg": single[0]})
    of_row["repeats"] = [
        {"run": run, "pending": "", "baseline": {"semseg": base}}
        for run, base in zip(runs[1:], single[1:], strict=True)
    ]
    rows = [row("Three", {"all": of_row}, paper={"semseg.miou": "43.00", "gain": "-3.00"})]
    return build_table(table(COLUMNS, rows), folder.results(index_of(*runs, *single)), TOLERANCES)


def test_mean_and_standard_deviation(folder):
    built = over_three_seeds(folder)
    semseg = built.rows[0].cells["semseg.miou"]
    assert semseg.by_seed == {0: 40.0, 1: 42.0, 2: 44.0}
    assert (semseg.value, semseg.std) == (42.0, 2.0)
    assert (semseg.shown, semseg.shown_std, semseg.difference) == ("42.00", "2.00", "-1.00")
    assert built.seeds == (0, 1, 2) and built.rows[0].state == "complete"
    assert "42.00 ± 2.00" in table_page(built)
    assert "seeds 0, 1, 2: mean ± standard deviation" in table_page(built)
    assert len(built.rows[0].runs) == 3 and len(built.baselines) == 3


def test_the_gain_is_taken_per_seed_against_the_baselines_of_the_same_seed(folder):
    gain = over_three_seeds(folder).rows[0].cells["gain"]
    assert gain.by_seed == pytest.approx({0: 0.0, 1: 5.0, 2: -12.0})
    assert gain.value == pytest.approx(-7 / 3)
    assert gain.std == pytest.approx(8.7368, abs=1e-4)


def test_seeds_that_are_missing_are_told_and_the_row_is_partial(folder):
    built = over_three_seeds(folder, measured=1)
    semseg = built.rows[0].cells["semseg.miou"]
    assert (semseg.value, semseg.std, built.rows[0].state) == (40.0, None, "partial")
    text = table_page(built)
    assert "Mean of 1 of 3 seeds; the others are missing." in text
    assert "runs a_seed1, a_seed2 are not measured" in text


def test_one_refused_seed_does_not_hide_the_others(folder):
    over_three_seeds(folder)
    folder.put("a_seed1", {"semseg": {"miou": 99.0}}, wrong={"seed": 7})
    built = over_three_seeds(folder, measured=0)
    semseg = built.rows[0].cells["semseg.miou"]
    assert semseg.by_seed == {0: 40.0, 2: 44.0} and semseg.std == pytest.approx(2.8284, abs=1e-4)
    assert "'seed' is 7, but the plan says 1." in table_page(built)
