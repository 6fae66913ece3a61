"""Evaluation runs only the chosen experts, with the result of running all."""

from __future__ import annotations

import pytest
import torch

from densemoe.models.experts import chosen
from densemoe.models.experts.low_rank import LowRankExperts
from densemoe.models.experts.standard import StandardExperts
from densemoe.models.routers.noisy_top_k import sparse_gates

RANKS = (1, 2, 3, 4)


def case(kind):
    torch.manual_seed(0)
    experts = LowRankExperts(6, RANKS, 3) if kind == "low_rank" else StandardExperts(6, 4, 3)
    torch.nn.init.normal_(experts.down.bias)
    torch.nn.init.normal_(experts.up.bias)
    x, logits = torch.randn(5, 6, 4, 7, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    return experts.double().eval(), x, sparse_gates(logits, 2, "softmax_then_top_k")


@pytest.mark.parametrize("kind", ["low_rank", "standard"])
@torch.no_grad()
def test_equals_all_experts(kind, monkeypatch):
    experts, x, gates = case(kind)
    everyone = experts(x, gates)
    monkeypatch.setattr(chosen, "LEAST_WORK", 0)
    assert (experts(x, gates) - everyone).abs().max() < 1e-13
    assert everyone.std() > 0.1


@pytest.mark.parametrize("kind", ["low_rank", "standard"])
@torch.no_grad()
def test_the_others_are_not_run(kind, monkeypatch):
    """Weights that are not numbers spoil a result only where they are used."""
    experts, x, _ = case(kind)
    gates = torch.tensor([[0.5, 0.0, 0.0, 0.5]], dtype=torch.float64).repeat(5, 1)
    unused = (experts.up.owner == 1) | (experts.up.owner == 2)
    experts.down.weight[unused] = torch.nan
    assert experts(x, gates).isnan().all()
    monkeypatch.setattr(chosen, "LEAST_WORK", 0)
    assert experts(x, gates).isfinite().all()


def test_only_in_evaluation_without_gradients(monkeypatch):
    monkeypatch.setattr(chosen, "LEAST_WORK", 0)
    experts, x, gates = case("low_rank")
    assert not chosen.pays_off(x, experts.down)
    with torch.no_grad():
        assert chosen.pays_off(x, experts.down)
        assert not chosen.pays_off(x.to("meta"), experts.down)
        calls = []
        monkeypatch.setattr("densemoe.models.experts.low_rank.run_chosen", lambda *args: calls.append(args))
        experts.train()(x, gates)
        assert not calls
