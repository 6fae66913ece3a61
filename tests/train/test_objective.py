"""The weighted sum of the losses, and what is said when one is not finite."""

from types import SimpleNamespace

import pytest
import torch

from densemoe.params.errors import InputError
from densemoe.train.objective import TrainingDiverged, finite_values, objective

LOSSES = {"semseg": lambda p, y: (p - y).sum(), "depth": lambda p, y: (p * y).sum()}
WEIGHTS = {"semseg": 3.0, "depth": 0.5}
BATCH = {"semseg": torch.tensor([1.0]), "depth": torch.tensor([4.0])}
ONE = torch.tensor(1.0)


def output(semseg: float = 3.0, depth: float = 5.0, balance: float | None = 7.0) -> SimpleNamespace:
    predictions = {"semseg": torch.tensor([semseg]), "depth": torch.tensor([depth])}
    return SimpleNamespace(predictions=predictions, balance=None if balance is None else torch.tensor(balance))


def test_weighted_sum_by_hand():
    losses = objective(output(), BATCH, LOSSES, WEIGHTS, 0.01)
    # 3 * (3 - 1) + 0.5 * (5 * 4) + 0.01 * 7
    assert losses.total.item() == pytest.approx(16.07)
    assert finite_values(losses, ONE, 0) == pytest.approx({"total": 16.07, "semseg": 2, "depth": 20, "balance": 7})
    assert next(iter(finite_values(losses, ONE, 0))) == "total"


def test_without_balance_weight_the_balance_is_left_out():
    losses = objective(output(), BATCH, LOSSES, WEIGHTS, 0.0)
    assert losses.total.item() == pytest.approx(16)
    assert list(losses.parts) == ["semseg", "depth"]


def test_a_weighed_balance_that_the_model_does_not_give_is_refused():
    with pytest.raises(ValueError, match="gives no balance"):
        objective(output(balance=None), BATCH, LOSSES, WEIGHTS, 0.01)


@pytest.mark.parametrize(
    ("changed", "norm", "named"),
    [
        ({"depth": float("nan")}, 1.0, "the loss of depth is nan"),
        ({"semseg": float("inf")}, 1.0, "the loss of semseg is inf"),
        ({"balance": float("nan")}, 1.0, "the load-balancing loss is nan"),
        ({"semseg": 3e38}, 1.0, "the weighted sum of the losses is inf"),
        ({}, float("nan"), "all losses are finite, but the norm of the gradient is nan"),
    ],
    ids=["nan", "inf", "balance", "sum", "gradient"],
)
def test_the_sentence_names_step_and_culprit(changed, norm, named):
    losses = objective(output(**changed), BATCH, LOSSES, WEIGHTS, 0.01)
    with pytest.raises(TrainingDiverged, match=f"at step 17: {named}") as caught:
        finite_values(losses, torch.tensor(norm), 17)
    assert isinstance(caught.value, InputError)
