"""Running a model over batches: what is updated, refused, restored."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from densemoe.evaluate.boundary_maps import BoundaryMapWriter, read_boundary_maps
from densemoe.evaluate.predict import evaluate
from densemoe.params.errors import InputError
from densemoe.tasks import TASKS


class Reader(nn.Module):
    """Predicts depth = first image channel, boundary logit = second, semseg (2 classes) by the sign of the third."""

    def __init__(self):
        super().__init__()
        self.frozen = nn.BatchNorm2d(3)
        self.modes: list[bool] = []
        self.gradients: list[bool] = []

    def forward(self, image: torch.Tensor) -> SimpleNamespace:
        self.modes.append(self.training or self.frozen.training)
        self.gradients.append(torch.is_grad_enabled())
        depth, boundary, sign = image.split(1, dim=1)
        predictions = {"depth": depth, "boundary": boundary, "semseg": torch.cat([-sign, sign], 1)}
        return SimpleNamespace(predictions=predictions)


def batch(*ids: str, seed: int = 0) -> dict:
    g = torch.Generator().manual_seed(seed)
    n = len(ids)
    return {
        "image": torch.randn(n, 3, 5, 6, generator=g),
        "depth": 1 + torch.rand(n, 5, 6, generator=g),
        "boundary": torch.zeros(n, 5, 6),
        "semseg": torch.randint(0, 2, (n, 5, 6), generator=g),
        "id": list(ids),
        "box": torch.tensor([[1, 0, 3, 6]]).repeat(n, 1),
    }


def meters(**channels: int) -> dict:
    return {task: TASKS[task].meter(c) for task, c in channels.items()}


LOADER = [batch("a", "b", seed=0), batch("c", seed=1)]


def test_metrics_are_those_of_the_meters_over_all_batches():
    result = evaluate(Reader(), LOADER, meters(semseg=2, depth=1, boundary=1), device="cpu")
    expected = {}
    for task in ("semseg", "depth"):
        meter = TASKS[task].meter({"semseg": 2, "depth": 1}[task])
        for b in LOADER:
            meter.update(Reader()(b["image"]).predictions[task], b[task])
        expected |= meter.compute()
    assert result == expected
    assert list(result) == ["semseg.miou", "depth.rmse"]


def test_a_second_evaluation_with_the_same_meters_starts_at_zero():
    m = meters(depth=1)
    evaluate(Reader(), [LOADER[1]], m, device="cpu")
    assert evaluate(Reader(), LOADER, m, device="cpu") == evaluate(Reader(), LOADER, meters(depth=1), device="cpu")


@pytest.mark.parametrize("fails", [False, True])
def test_evaluation_mode_inside_and_every_flag_restored(fails):
    model = Reader().train()
    model.frozen.eval()
    if fails:
        broken = batch("x")
        broken["image"][0, 0, 0, 0] = torch.nan
        with pytest.raises(InputError):
            evaluate(model, [broken], meters(depth=1), device="cpu")
    else:
        evaluate(model, LOADER, meters(depth=1), device="cpu")
    assert model.training
    assert not model.frozen.training
    assert set(model.modes) == {False}
    assert set(model.gradients) == {False}


def test_a_metric_without_ground_truth_is_missing():
    unlabelled = batch("a") | {"depth": torch.zeros(1, 5, 6)}
    assert list(evaluate(Reader(), [unlabelled], meters(semseg=2, depth=1), device="cpu")) == ["semseg.miou"]


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_prediction_that_is_not_finite_names_task_and_image(value):
    broken = batch("a", "2008_000008", "c")
    broken["image"][1, 0, 2, 3] = value
    with pytest.raises(InputError, match="prediction of depth for image 2008_000008 holds values that are not finite"):
        evaluate(Reader(), [LOADER[0], broken], meters(semseg=2, depth=1), device="cpu")


def test_duplicate_metric_keys_are_refused():
    twice = {"semseg": TASKS["semseg"].meter(2), "depth": TASKS["depth"].meter(1), "boundary": TASKS["depth"].meter(1)}
    loader = [batch("a") | {"boundary": torch.ones(1, 5, 6)}]
    with pytest.raises(InputError, match=r"the meter of boundary yields 'depth\.rmse', which another"):
        evaluate(Reader(), loader, twice, device="cpu")


def test_a_task_the_model_does_not_predict_is_refused():
    with pytest.raises(InputError, match="does not predict normals; it predicts depth, boundary, semseg"):
        evaluate(Reader(), LOADER, meters(normals=3), device="cpu")


def test_an_empty_loader_is_refused():
    with pytest.raises(InputError, match="yielded no batch"):
        evaluate(Reader(), [], meters(depth=1), device="cpu")


def test_progress_sees_every_batch():
    seen = []

    def progress(batches):
        for b in batches:
            seen.append(b["id"])
            yield b

    evaluate(Reader(), LOADER, meters(depth=1), device="cpu", progress=progress)
    assert seen == [["a", "b"], ["c"]]


def test_boundary_maps_are_saved_without_a_meter_of_their_own(tmp_path):
    path = tmp_path / "boundary_plain.zip"
    with BoundaryMapWriter(path) as sink:
        evaluate(Reader(), LOADER, meters(depth=1), boundary_sink=sink, device="cpu")
    maps = dict(read_boundary_maps(path))
    assert list(maps) == ["a", "b", "c"]
    logits = LOADER[1]["image"][0, 1, 1:4]
    assert (maps["c"] == (logits.sigmoid() * 255).to(torch.uint8).numpy()).all()


def test_a_failed_evaluation_leaves_no_boundary_archive(tmp_path):
    broken = batch("x")
    broken["image"][0, 1] = torch.nan
    with (
        pytest.raises(InputError, match="prediction of boundary for image x"),
        BoundaryMapWriter(tmp_path / "b.zip") as sink,
    ):
        evaluate(Reader(), [*LOADER, broken], meters(depth=1), boundary_sink=sink, device="cpu")
    assert list(tmp_path.iterdir()) == []
