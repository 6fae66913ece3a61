"""A short training on the embedded scenes learns: far better than the best prediction that ignores the image."""

from __future__ import annotations

import pytest

from benchmarks.learning import SETTINGS, Setting, learn


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "task", "metric"), [("nyud_v2", "normals", "normals.mean_deg")])
def test_training_beats_the_best_constant(params, tmp_path, dataset, task, metric):
    found = learn(params, dataset, task, Setting(iterations=150, images=96, val_images=24), tmp_path)[metric]
    assert found["trained"] < 0.85 * found["constant"]


def test_every_task_of_both_data_sets_has_a_setting(params):
    assert list(SETTINGS) == [(d, t) for d in ("pascal_context", "nyud_v2") for t in params.dataset(d).outputs]
