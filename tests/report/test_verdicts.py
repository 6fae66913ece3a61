"""Verdicts worked out by hand: tolerance, seed noise, what cannot be compared; ranks as the papers mark them."""

from __future__ import annotations

import pytest
from report_plan import TOLERANCES, cell, index_of, note, row, table

from densemoe.report.build import build_table

PRINTED = {"semseg.miou": "78.00", "normals.mean_deg": "13.70"}


def verdict_of(folder, measured: dict, *, scale: str = "paper", seeds: int = 1, paper=PRINTED, **given):
    runs = ["a", *(f"a_seed{n}" for n in range(1, seeds))]
    for at, run in enumerate(runs):
        # spread symmetrically: the standard deviation of three is 0.3
        shift = 0.3 * (at - (seeds - 1) / 2)
        content = {t: {m: v + shift for m, v in of.items()} for t, of in measured.items()}
        folder.put(run, content, scale=scale)
    of_row = cell("a")
    if seeds > 1:
        of_row["repeats"] = [{"run": r, "pending": ""} for r in runs[1:]]
    rows = [row("One", {"all": of_row}, paper=paper, **given)]
    compiled = table(["semseg.miou", "normals.mean_deg"], rows, scale=scale)
    return build_table(compiled, folder.results(index_of(*runs, scale=scale)), TOLERANCES)


@pytest.mark.parametrize(
    ("semseg", "kind", "reason"),
    [
        (78.5, "reproduced", ""),  # exactly the tolerance of 0.5
        (77.5, "reproduced", ""),
        # beyond it, but within 2 * 0.25 * sqrt(2) = 0.707 of an assumed spread
        (78.7, "within seed noise", ""),
        (77.29, "differs", "Semseg mIoU -0.71"),
    ],
)
def test_one_seed(folder, semseg, kind, reason):
    built = verdict_of(folder, {"semseg": {"miou": semseg}, "normals": {"mean_deg": 13.75}})
    row_verdict = built.rows[0].verdict
    assert (row_verdict.kind, row_verdict.reason) == (kind, reason)
    assert built.rows[0].cells["normals.mean_deg"].verdict.kind == "reproduced"
    assert built.verdict.kind == kind


@pytest.mark.parametrize(("semseg", "kind"), [(78.69, "within seed noise"), (78.70, "differs")])
def test_three_seeds_use_their_own_spread(folder, semseg, kind):
    # std 0.3: noise is 2 * 0.3 * sqrt(1 + 1/3) = 0.693
    built = verdict_of(folder, {"semseg": {"miou": semseg}}, seeds=3, paper={"semseg.miou": "78.00"})
    assert built.rows[0].cells["semseg.miou"].std == pytest.approx(0.3)
    assert built.rows[0].verdict.kind == kind


def test_missing_numbers_are_counted_but_do_not_decide(folder):
    built = verdict_of(folder, {"semseg": {"miou": 78.1}})
    assert built.rows[0].cells["normals.mean_deg"].verdict.reason == "missing"
    assert built.rows[0].verdict.kind == "reproduced"
    assert built.rows[0].verdict.reason == "1 of 2 numbers compared"


def test_no_verdict_at_a_small_scale_however_close(folder):
    built = verdict_of(folder, {"semseg": {"miou": 78.0}, "normals": {"mean_deg": 13.7}}, scale="smoke")
    assert {c.verdict.reason for c in built.rows[0].cells.values()} == {"smoke scale"}
    assert (built.rows[0].verdict.kind, built.verdict.kind) == ("not comparable",) * 2


def test_a_printed_number_that_measures_something_else_is_not_compared(folder):
    notes = [note("incomparable", "mIoU, not maxF", "semseg.miou")]
    built = verdict_of(folder, {"semseg": {"miou": 10.0}, "normals": {"mean_deg": 13.7}}, notes=notes)
    assert built.rows[0].cells["semseg.miou"].verdict.reason == "measures something else"
    assert built.rows[0].verdict.kind == "reproduced"


def test_nothing_measured_and_nothing_printed(folder):
    assert verdict_of(folder, {}, paper={}).rows[0].verdict.reason == "not printed"
    built = verdict_of(folder, {})
    assert (built.rows[0].verdict.kind, built.rows[0].verdict.reason) == ("not comparable", "missing")


def test_a_relative_tolerance(folder):
    folder.put_cost("a", 571.0)
    compiled = table(["cost.macs"], [row("One", {"all": cell("a")}, paper={"cost.macs": "568"})], scale="paper")
    built = build_table(compiled, folder.results(index_of("a", scale="paper", costs=True)), TOLERANCES)
    assert built.rows[0].verdict.kind == "reproduced"  # 3 of 568 are 0.53 %


def test_best_and_second_best_follow_the_direction_of_the_metric(folder):
    printed = ["78.00", "79.00", "78.50", "79.00", "1.00"]
    errors = ["13.5", "13.4", "13.6", "13.6", "13.9"]
    rows = []
    for at, (semseg, normals) in enumerate(zip(printed, errors, strict=True)):
        odd = [note("incomparable", "another measure", "semseg.miou")] if at == 4 else []
        paper = {"semseg.miou": semseg, "normals.mean_deg": normals, "cost.macs": str(100 + at)}
        rows.append(row(f"row {at}", {"all": cell(f"r{at}")}, paper=paper, notes=odd))
        folder.put(f"r{at}", {"semseg": {"miou": 50.0 + at}})
    compiled = table(["semseg.miou", "normals.mean_deg", "cost.macs"], rows)
    built = build_table(compiled, folder.results(index_of(*(f"r{n}" for n in range(5)))), TOLERANCES)

    def ranks(column, name):
        return [getattr(r.cells[column], name) for r in built.rows]

    assert ranks("semseg.miou", "printed_rank") == [None, 1, 2, 1, None]  # ties share; the odd one does not compete
    assert ranks("normals.mean_deg", "printed_rank") == [2, 1, None, None, None]
    assert ranks("cost.macs", "printed_rank") == [None] * 5  # the papers give costs no direction
    assert ranks("semseg.miou", "rank") == [None, None, None, 2, 1]
    assert ranks("normals.mean_deg", "rank") == [None] * 5
