"""Numbers as text."""

from __future__ import annotations

import pytest

from densemoe.report.numbers import as_printed, difference, ours, residual


@pytest.mark.parametrize(
    ("value", "metric", "printed", "text"),
    [
        (77.4, "semseg.miou", "77.38", "77.40"),
        (0.50761, "depth.rmse", None, "0.5076"),
        (77.4, "semseg.miou", "77", "77.40"),
        (390.94, "cost.macs", "391", "390.94"),
        (14.244, "cost.macs", "14.24", "14.24"),
        (3.12, "cost.params_m", "3.1", "3.12"),
        (0.0731, "cost.params_m", "115", "0.073"),
        (9.96, "cost.params_m", None, "9.96"),
        (0.00713, "cost.macs", "568", "0.0071"),
        (0.0, "cost.params_m", None, "0.00"),
        (-0.001, "gain", "-0.58", "0.00"),
        (-3.414, "gain", None, "-3.41"),
    ],
)
def test_ours(value, metric, printed, text):
    assert ours(value, metric, printed) == text


@pytest.mark.parametrize(
    ("shown", "printed", "text"),
    [
        ("77.50", "77.38", "+0.12"),
        ("13.57", "13.79", "-0.22"),
        ("85.30", "85.30", "0.00"),
        ("-0.58", "-3.41", "+2.83"),
        ("0.5076", "0.6043", "-0.0967"),
        ("0.073", "115", "-114.927"),
        ("391", "391", "0"),
        # binary floats would give 0.09999999999999432 here
        ("77.48", "77.38", "+0.10"),
    ],
)
def test_difference(shown, printed, text):
    assert difference(shown, printed) == text


@pytest.mark.parametrize(
    ("shown", "printed", "text"),
    [
        ("567.73", "568", "-0.05 %"),
        ("676.16", "676", "+0.02 %"),
        ("391.00", "391", "0.00 %"),
        ("390.99", "391", "0.00 %"),
        ("0.073", "115", "-99.94 %"),
    ],
)
def test_residual(shown, printed, text):
    assert residual(shown, printed) == text


@pytest.mark.parametrize(("value", "printed", "text"), [(3.1488, "3.1", "3.1"), (14.2456, "14.24", "14.25")])
def test_as_printed(value, printed, text):
    assert as_printed(value, printed, "cost.macs") == text
