"""How close is reproduced: declared for every metric that a table prints, with its reason; bad files are refused."""

from __future__ import annotations

import math

import pytest

from densemoe.params.errors import InputError
from densemoe.params.tolerances import Tolerance, read_tolerances


def test_every_printed_metric_has_a_tolerance_with_a_reason(params, root):
    tolerances = read_tolerances(root / "params")
    printed = {c.rpartition("/")[2] for n in params.names("tables") for r in params.table(n).rows for c in r.paper}
    assert len(printed) == 9
    assert printed <= set(tolerances.metrics)
    assert all(len(t.reason) > 20 for t in tolerances.metrics.values())


def test_the_tolerance_of_the_gain_follows_from_those_of_its_metrics(root):
    of = read_tolerances(root / "params").metrics
    typical = {"semseg.miou": 79, "human_parts.miou": 68, "saliency.max_f": 85, "normals.mean_deg": 13.5}
    typical |= {"boundary.ods_f": 74}
    together = 20 * math.sqrt(2 * sum((of[m].allows(v) / v) ** 2 for m, v in typical.items()))
    assert of["gain"].allows(-0.58) == pytest.approx(together, abs=0.05)


def test_absolute_and_relative():
    assert Tolerance(absolute=0.5, reason="r").allows(1834) == 0.5
    assert Tolerance(relative=0.005, reason="r").allows(-200) == 1.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("semseg.miou: {absolute: 0.5, relative: 0.1, reason: r}", ["semseg.miou", "exactly one"]),
        ("semseg.miou: {reason: r}", ["semseg.miou", "exactly one"]),
        ("semseg.miou: {absolute: 0.5}", ["semseg.miou.reason", "missing"]),
        ("semseg.miou: {absolute: -1, reason: r}", ["semseg.miou.absolute", "-1"]),
        ("semseg.iou: {absolute: 1, reason: r}", ["semseg.iou", "allowed are"]),
    ],
)
def test_bad_tolerances_are_refused(tmp_path, text, named):
    (tmp_path / "tolerances.yaml").write_text(f"noise_factor: 2\nnoise_reason: n\nmetrics:\n  {text}\n")
    with pytest.raises(InputError) as caught:
        read_tolerances(tmp_path)
    assert all(word in str(caught.value) for word in ["tolerances.yaml", *named]), caught.value
