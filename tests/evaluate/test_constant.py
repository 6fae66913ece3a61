"""The constant predictor by hand, and a short training that must beat it on every task."""

import pytest
import torch

from densemoe.evaluate.constant import constant_predictor_metrics, fit_constants
from densemoe.evaluate.predict import evaluate
from densemoe.params.errors import InputError
from densemoe.tasks import TASKS, make_loss

OUTPUTS = {"semseg": 3, "human_parts": 7, "saliency": 2, "depth": 1, "normals": 3, "boundary": 1}


def by_hand() -> tuple[dict, dict]:
    train = {
        "semseg": torch.tensor([[[1, 1, 2, 255]]]),
        "human_parts": torch.tensor([[[0, 0, 4, 255]]]),
        "saliency": torch.tensor([[[0, 0, 0, 1]]]),
        "depth": torch.tensor([[[1.0, 2.0, 6.0, 0.0]]]),
        "normals": torch.tensor([[0, 0, 1.0], [0, 1, 0], [255, 255, 255], [255, 255, 255]]).T.reshape(1, 3, 1, 4),
    }
    val = {
        "semseg": torch.tensor([[[1, 0, 0, 255]]]),
        "human_parts": torch.tensor([[[0, 0, 0, 5]]]),
        "saliency": torch.tensor([[[1, 0, 255, 255]]]),
        "depth": torch.tensor([[[3.0, 5.0, 0.0, 0.0]]]),
        "normals": torch.tensor([[0, 0, 1.0], [0, 1, 1], [255, 255, 255], [255, 255, 255]]).T.reshape(1, 3, 1, 4),
    }
    return train, val


def test_constants_by_hand():
    train, _ = by_hand()
    constants = fit_constants([train], OUTPUTS)
    assert list(constants) == ["semseg", "human_parts", "saliency", "depth", "normals"]
    assert constants["semseg"].argmax() == 1
    assert constants["human_parts"].argmax() == 0
    assert constants["depth"].item() == 3  # (1 + 2 + 6) / 3
    assert constants["normals"].tolist() == [0, 1, 1]


def test_metrics_by_hand():
    train, val = by_hand()
    assert constant_predictor_metrics([train], [val], OUTPUTS) == {
        # class 1 everywhere: 1 hit, union 3 -> 1/3 over 3 classes
        "semseg.miou": pytest.approx(100 / 9),
        # background everywhere: 3 of 4, over 7 classes
        "human_parts.miou": pytest.approx(100 * 0.75 / 7),
        # precision 1/2, recall 1
        "saliency.max_f": pytest.approx(100 * 1.3 * 0.5 / 1.15),
        "saliency.max_f_plain": pytest.approx(100 * 1.3 * 0.5 / 1.15),
        # errors 0 and 2 m
        "depth.rmse": pytest.approx(2**0.5),
        # 45 degrees and 0
        "normals.mean_deg": pytest.approx(22.5, abs=1e-4),
    }


def test_batches_add_up():
    train, val = by_hand()
    other = {task: label.roll(1, 0).flip(-1) for task, label in train.items()}
    joined = {task: torch.cat([train[task], other[task]]) for task in train}
    split = constant_predictor_metrics([train, other], [val, val], OUTPUTS)
    assert split == pytest.approx(constant_predictor_metrics([joined], [val], OUTPUTS), rel=1e-12)


def test_a_task_without_ground_truth_is_refused():
    train, val = by_hand()
    train["depth"] = torch.zeros(1, 1, 4)
    with pytest.raises(InputError, match="no pixel of the training labels has ground truth for depth"):
        constant_predictor_metrics([train], [val], OUTPUTS)


def scene(seed: int) -> dict:
    """Labels that a linear function of six image channels can largely explain, with ignored pixels."""
    g = torch.Generator().manual_seed(seed)
    x = torch.nn.functional.interpolate(torch.randn(8, 6, 6, 6, generator=g), size=(12, 12), mode="bilinear")
    hole = torch.rand(8, 12, 12, generator=g) < 0.1
    normals = torch.nn.functional.normalize(torch.cat([x[:, :2], x[:, 2:3].abs() + 1], 1), dim=1)
    labels = {
        "semseg": x[:, :3].argmax(1).where(~hole, 255),
        "human_parts": x.argmax(1).where(~hole, 255),
        "saliency": (x[:, 3] > 0.5).long().where(~hole, 255),
        "depth": (4 + x[:, 4]).clamp(min=0.5).where(~hole, 0),
        "normals": normals.where(~hole.unsqueeze(1), 255),
        "boundary": (x[:, 5].abs() < 0.2).float().where(~hole, 255),
    }
    box = torch.tensor([[0, 0, 12, 12]]).repeat(8, 1)
    return labels | {"image": x, "id": [f"{seed}_{i}" for i in range(8)], "box": box}


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = torch.nn.ModuleDict({task: torch.nn.Conv2d(6, c, 1) for task, c in OUTPUTS.items()})

    def forward(self, image):
        self.predictions = {task: head(image) for task, head in self.heads.items()}
        return self


def test_a_short_training_with_these_losses_beats_the_constant_predictor():
    torch.manual_seed(0)
    train, val = [scene(s) for s in range(4)], [scene(s) for s in (10, 11)]
    model = Linear()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = {task: make_loss(task, boundary_positive_weight=0.8) for task in OUTPUTS}
    meters = {task: TASKS[task].meter(c) for task, c in OUTPUTS.items()}
    for step in range(150):
        batch = train[step % 4]
        predictions = model(batch["image"]).predictions
        sum(loss(predictions[task], batch[task]) for task, loss in losses.items()).backward()
        optimizer.step()
        optimizer.zero_grad()
    ours = evaluate(model, val, meters, device="cpu")
    constant = constant_predictor_metrics(train, val, OUTPUTS)
    assert list(ours) == list(constant)
    assert len(ours) == 6
    assert ours["semseg.miou"] > 3 * constant["semseg.miou"]
    assert ours["human_parts.miou"] > 3 * constant["human_parts.miou"]
    assert ours["saliency.max_f"] > 1.5 * constant["saliency.max_f"]
    assert ours["saliency.max_f_plain"] > 1.5 * constant["saliency.max_f_plain"]
    assert ours["depth.rmse"] < 0.5 * constant["depth.rmse"]
    assert ours["normals.mean_deg"] < 0.5 * constant["normals.mean_deg"]
