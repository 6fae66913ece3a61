"""What holds for every task: the registry, ignored pixels, empty batches, accumulation, shapes."""

import math

import pytest
import torch

from densemoe.params.metrics import GAIN_METRIC, METRICS
from densemoe.tasks import PROTOCOL, TASKS, make_loss

CHANNELS = {"semseg": 5, "human_parts": 7, "saliency": 2, "depth": 1, "normals": 3, "boundary": 1}
WITH_METER = [task for task in TASKS if task != "boundary"]


def random_batch(task: str, seed: int = 0, batch: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """A prediction and a label [.., 6, 7], about a third of it ignored."""
    g = torch.Generator().manual_seed(seed)
    prediction = torch.randn(batch, CHANNELS[task], 6, 7, generator=g)
    if task in ("semseg", "human_parts", "saliency"):
        label = torch.randint(0, CHANNELS[task], (batch, 6, 7), generator=g)
    elif task == "normals":
        label = torch.nn.functional.normalize(torch.randn(batch, 3, 6, 7, generator=g), dim=1)
    elif task == "depth":
        label = 0.5 + 5 * torch.rand(batch, 6, 7, generator=g)
    else:
        label = torch.randint(0, 2, (batch, 6, 7), generator=g).float()
    hole = torch.rand(batch, 6, 7, generator=g) < 0.35
    label[hole.unsqueeze(1).expand_as(label) if task == "normals" else hole] = TASKS[task].ignore
    return prediction, label


def loss_of(task: str):
    return make_loss(task, boundary_positive_weight=0.95)


def score(task: str, *batches: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float]:
    meter = TASKS[task].meter(CHANNELS[task])
    for prediction, label in batches:
        meter.update(prediction, label)
    return meter.compute()


def with_noise_where_ignored(task: str, prediction: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    valid = TASKS[task].valid(label).unsqueeze(1)
    return prediction.where(valid, 10 * torch.randn(prediction.shape, generator=torch.Generator().manual_seed(9)))


def test_registry():
    assert list(TASKS) == ["semseg", "human_parts", "saliency", "depth", "normals", "boundary"]
    assert all(task.name == name for name, task in TASKS.items())
    assert PROTOCOL == {"pixel_metrics": 1}


def test_metric_keys_are_declared():
    keys = [key for task in TASKS.values() for key in task.metrics]
    assert len(keys) == len(set(keys)) == 6
    assert set(keys) < set(METRICS)
    # the metric of a task that enters the gain is one its meter yields; the boundary score is made from saved maps
    assert [GAIN_METRIC[task] for task in WITH_METER if GAIN_METRIC[task] not in TASKS[task].metrics] == []


@pytest.mark.parametrize("task", TASKS)
def test_the_meter_yields_the_declared_keys(task):
    assert tuple(score(task, random_batch(task))) == TASKS[task].metrics


@pytest.mark.parametrize("task", TASKS)
def test_ignored_pixels_change_nothing(task):
    prediction, label = random_batch(task)
    other = with_noise_where_ignored(task, prediction, label)
    assert not torch.equal(prediction, other)
    assert torch.equal(loss_of(task)(prediction, label), loss_of(task)(other, label))
    assert score(task, (prediction, label)) == score(task, (other, label))


@pytest.mark.parametrize("task", TASKS)
def test_gradient_is_zero_exactly_where_ignored(task):
    prediction, label = random_batch(task)
    prediction.requires_grad_()
    loss_of(task)(prediction, label).backward()
    touched = (prediction.grad != 0).any(1)
    assert torch.equal(touched, TASKS[task].valid(label))


@pytest.mark.parametrize("task", TASKS)
def test_without_valid_pixels_the_loss_is_zero_and_on_the_graph(task):
    prediction, label = random_batch(task)
    prediction.requires_grad_()
    loss = loss_of(task)(prediction, torch.full_like(label, TASKS[task].ignore))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(prediction.grad, torch.zeros_like(prediction))


@pytest.mark.parametrize("task", TASKS)
def test_without_valid_pixels_there_is_no_metric(task):
    prediction, label = random_batch(task)
    assert score(task) == {}
    empty = (prediction, torch.full_like(label, TASKS[task].ignore))
    assert score(task, empty) == {}
    # and such a batch adds nothing to others
    assert score(task, empty, random_batch(task)) == score(task, random_batch(task))


@pytest.mark.parametrize("task", WITH_METER)
def test_batches_add_up_to_one_big_batch(task):
    prediction, label = random_batch(task, batch=6)
    whole = score(task, (prediction, label))
    parts = score(task, *zip(prediction.split([1, 2, 3]), label.split([1, 2, 3]), strict=True))
    # counts are integers, hence equal; sums are float64, equal up to the order of addition
    exact = task in ("semseg", "human_parts", "saliency")
    assert parts == (whole if exact else pytest.approx(whole, rel=1e-14))
    assert whole != score(task, (prediction[:3], label[:3]))


@pytest.mark.parametrize("task", ["depth", "normals"])
def test_float_sums_add_up_exactly_where_float64_can(task):
    # values on a coarse grid: every partial sum is representable, so the order cannot matter
    prediction, label = random_batch(task, batch=6)
    if task == "depth":
        prediction, label = (8 * prediction).round() / 8, (8 * label).round() / 8
    else:  # angles of exactly 0, 90 and 180 degrees up to rounding of single pixels, which is the same in any batch
        axis = torch.eye(3)[torch.randint(0, 3, (6, 6, 7), generator=torch.Generator().manual_seed(1))].movedim(-1, 1)
        prediction, label = axis * prediction[:, :1].sign(), axis.roll(1, 0).where(label != 255, 255.0)
    whole = score(task, (prediction, label))
    assert whole == score(task, *zip(prediction.split(1), label.split(1), strict=True))


@pytest.mark.parametrize("task", WITH_METER)
def test_reset_forgets(task):
    meter = TASKS[task].meter(CHANNELS[task])
    meter.update(*random_batch(task, seed=1))
    meter.reset()
    meter.update(*random_batch(task, seed=2))
    assert meter.compute() == score(task, random_batch(task, seed=2))


@pytest.mark.parametrize(
    ("task", "best", "tolerance"),
    [("semseg", 100, 0), ("human_parts", 100, 0), ("saliency", 100, 1e-9), ("depth", 0, 0), ("normals", 0, 1e-4)],
)
def test_perfect_prediction_scores_perfectly(task, best, tolerance):
    _, label = random_batch(task)
    if task == "depth":
        prediction = label.unsqueeze(1)
    elif task == "normals":
        prediction = 3 * label
    else:
        classes = label.where(label != 255, 0)
        prediction = 50 * torch.nn.functional.one_hot(classes, CHANNELS[task]).movedim(-1, 1).float()
    for key, value in score(task, (prediction, label)).items():
        assert value == pytest.approx(best, abs=tolerance), key
    # depth and normals have an absolute loss, the others tend to zero with growing logits
    assert loss_of(task)(prediction, label).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_half_precision_outputs_are_scored_in_float32(task):
    prediction, label = random_batch(task)
    rounded = prediction.bfloat16()
    loss = loss_of(task)(rounded, label)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, loss_of(task)(rounded.float(), label))
    assert score(task, (rounded, label)) == score(task, (rounded.float(), label))


@pytest.mark.parametrize("task", TASKS)
def test_the_loss_can_be_descended(task):
    prediction, label = random_batch(task)
    prediction.requires_grad_()
    before = loss_of(task)(prediction, label)
    before.backward()
    after = loss_of(task)(prediction.detach() - 0.1 * prediction.grad, label)
    assert math.isfinite(after.item())
    assert after < before


@pytest.mark.parametrize("task", TASKS)
def test_shapes_that_would_broadcast_are_refused(task):
    prediction, label = random_batch(task)
    wrong = label[:, 0] if task == "normals" else label.unsqueeze(1)
    for use in (loss_of(task), TASKS[task].meter(CHANNELS[task]).update):
        with pytest.raises(ValueError, match="the label has shape"):
            use(prediction, wrong)
        with pytest.raises(ValueError, match="the prediction has shape"):
            use(prediction[:, 0], label)


@pytest.mark.parametrize(("task", "channels"), [("saliency", 1), ("depth", 2), ("normals", 2), ("boundary", 2)])
def test_a_meter_for_impossible_channels_is_refused(task, channels):
    with pytest.raises(ValueError, match=f"{task}: {channels} output channels"):
        TASKS[task].meter(channels)


def test_make_loss_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="no task 'edge'; allowed are semseg, "):
        make_loss("edge", boundary_positive_weight=0.95)
    with pytest.raises(ValueError, match="positive weight of the boundary loss is 95"):
        make_loss("boundary", boundary_positive_weight=95)


def test_only_the_boundary_loss_reads_the_positive_weight():
    changed = []
    for task in TASKS:
        prediction, label = random_batch(task)
        a, b = (make_loss(task, boundary_positive_weight=w)(prediction, label) for w in (0.9, 0.8))
        changed += [task] if a != b else []
    assert changed == ["boundary"]
