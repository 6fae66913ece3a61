"""Optimizers, schedule and clipping against numbers worked out by hand."""

import pytest
import torch
from torch import nn

from densemoe.params.options import Adam, Poly, Sgd
from densemoe.train.optim import OPTIMIZERS, SCHEDULES, clip_gradients, poly, set_learning_rate

POWER = Poly(kind="poly", power=0.9)


def parameter(value: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor([value], dtype=torch.float64))


def take_step(optimizer: torch.optim.Optimizer, p: nn.Parameter, gradient: float) -> float:
    p.grad = torch.tensor([gradient], dtype=torch.float64)
    optimizer.step()
    return p.item()


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 2e-5), (20_000, 1.0717734625e-5), (30_000, 5.7434917749e-6), (39_999, 1.4427e-9)],
    # 0.5**0.9 = 0.53588673, 0.25**0.9 = 0.28717459, (1/40000)**0.9 = 7.2135e-5
)
def test_poly_by_hand(step, rate):
    assert poly(POWER, 2e-5, step, 40_000) == pytest.approx(rate, rel=1e-4)


def test_poly_falls_at_every_step_and_never_reaches_zero():
    rates = [SCHEDULES[Poly](POWER, 1.0, step, 100) for step in range(100)]
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == 100
    assert rates[0] == 1.0
    assert rates[-1] > 0


def test_adam_adds_the_decay_to_the_gradient():
    p = parameter(2.0)
    optimizer = OPTIMIZERS[Adam]([p], Adam(kind="adam", lr=0.1, weight_decay=0.1))
    # gradient 0.5 + 0.1 * 2 = 0.7; the first step of Adam is lr * sign. Decoupled decay would give 1.88.
    assert take_step(optimizer, p, 0.5) == pytest.approx(1.9, abs=1e-7)
    # gradient -0.3 + 0.1 * 1.9 = -0.11; m = 0.9*0.07 - 0.1*0.11 = 0.052, v = 0.999*0.00049 + 0.001*0.0121 = 0.00050161;
    # m/0.19 = 0.2736842, sqrt(v/0.001999) = 0.5009299; step 0.1 * 0.5463523
    assert take_step(optimizer, p, -0.3) == pytest.approx(1.9 - 0.0546352, abs=1e-6)


def test_sgd_with_momentum_by_hand():
    p = parameter(1.0)
    optimizer = OPTIMIZERS[Sgd]([p], Sgd(kind="sgd", lr=0.1, momentum=0.9, weight_decay=0.5))
    assert take_step(optimizer, p, 1.0) == pytest.approx(1 - 0.1 * 1.5)
    # momentum 0.9 * 1.5 + (1 + 0.5 * 0.85) = 2.775
    assert take_step(optimizer, p, 1.0) == pytest.approx(0.85 - 0.2775)


def test_every_optimizer_has_one_group_and_takes_the_rate():
    cases = {
        Adam: Adam(kind="adam", lr=0.1, weight_decay=0.0),
        Sgd: Sgd(kind="sgd", lr=0.1, momentum=0.9, weight_decay=0.0),
    }
    assert set(OPTIMIZERS) == set(cases)
    for kind, options in cases.items():
        optimizer = OPTIMIZERS[kind]([parameter(1.0), parameter(2.0)], options)
        set_learning_rate(optimizer, 0.25)
        assert [group["lr"] for group in optimizer.param_groups] == [0.25]


@pytest.mark.parametrize(
    ("limit", "clipped"), [(2.5, [1.5, 2.0]), (10.0, [3.0, 4.0]), (None, [3.0, 4.0])], ids=["above", "below", "off"]
)
def test_clipping_is_by_the_global_norm(limit, clipped):
    a, b = parameter(0.0), parameter(0.0)
    a.grad, b.grad = torch.tensor([3.0], dtype=torch.float64), torch.tensor([4.0], dtype=torch.float64)
    assert clip_gradients([a, b], limit).item() == pytest.approx(5.0)
    assert [a.grad.item(), b.grad.item()] == pytest.approx(clipped, rel=1e-6)
