"""Gates and their balance, by hand."""

from __future__ import annotations

import pytest
import torch

from densemoe.models.balance import cv_squared_importance
from densemoe.models.routers.noisy_top_k import sparse_gates


def test_softmax_then_top_k_by_hand():
    gates = sparse_gates(torch.tensor([[1.0, 3.0, 2.0, 0.0]]).log1p(), 2, "softmax_then_top_k")
    # softmax of log(1 + x) is (1 + x) / 10
    assert gates.tolist() == [pytest.approx([0, 0.4, 0.3, 0])]


def test_top_k_then_softmax_by_hand():
    gates = sparse_gates(torch.tensor([[1.0, 3.0, 2.0, 0.0]]).log1p(), 2, "top_k_then_softmax")
    assert gates.tolist() == [pytest.approx([0, 4 / 7, 3 / 7, 0])]


@pytest.mark.parametrize("order", ["softmax_then_top_k", "top_k_then_softmax"])
@pytest.mark.parametrize("k", [1, 9, 15])
def test_exactly_k_gates_and_their_sum(order, k):
    gates = sparse_gates(torch.randn(6, 5, 15, generator=torch.Generator().manual_seed(0)), k, order)
    assert ((gates > 0).sum(-1) == k).all()
    if order == "top_k_then_softmax" or k == 15:
        assert gates.sum(-1) == pytest.approx(torch.ones(6, 5), abs=1e-5)
    else:
        assert (gates.sum(-1) < 1).all()


def test_ties_keep_exactly_k():
    assert (sparse_gates(torch.zeros(4), 2, "softmax_then_top_k") > 0).sum() == 2


def test_gradient_reaches_only_the_chosen_logits_of_top_k_then_softmax():
    logits = torch.tensor([1.0, 3.0, 2.0, 0.0], requires_grad=True)
    sparse_gates(logits, 2, "top_k_then_softmax")[1].backward()
    assert (logits.grad != 0).tolist() == [False, True, True, False]


def test_balance_by_hand():
    # one module, two samples, one task: importance (2, 4) / 10, mean 0.3, unbiased variance 0.02
    gates = torch.tensor([[[[0.1, 0.6]], [[0.3, 0.2]]]])
    assert cv_squared_importance(gates).item() == pytest.approx(0.02 / 0.09)
    # summed over modules
    assert cv_squared_importance(torch.cat([gates, gates])).item() == pytest.approx(2 * 0.02 / 0.09)


def test_balance_pools_batch_and_tasks_before_it_compares():
    one_sided = torch.tensor([1.0, 0.0])
    gates = torch.stack([one_sided, one_sided.flip(0)]).view(1, 1, 2, 2)  # two tasks, each with its own expert
    assert cv_squared_importance(gates).item() == 0
    assert cv_squared_importance(gates.transpose(1, 2)).item() == 0


def test_one_expert_is_always_balanced():
    gates = torch.full((2, 3, 4, 1), 0.5, requires_grad=True)
    value = cv_squared_importance(gates)
    assert value.item() == 0
    value.backward()
    assert gates.grad.abs().max() == 0
