"""The heads convolve before they upsample; the result is that of convolving afterwards."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from densemoe.models.as_published import as_published
from densemoe.models.heads import Head, shifted_upsampling, upsampled_convolution


@pytest.mark.parametrize(("factor", "k"), [(4, 3), (2, 3), (3, 5), (4, 1)])
def test_equals_convolution_at_the_high_resolution(factor, k):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 3, k, k, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(4, dtype=torch.float64, requires_grad=True)
    enlarged = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    slow = F.conv2d(enlarged, weight, bias, padding=k // 2)
    fast = upsampled_convolution(x, weight, bias, factor)
    assert (slow - fast).abs().max() < 1e-12
    direction = torch.randn_like(slow)
    expected = torch.autograd.grad((slow * direction).sum(), (x, weight, bias))
    found = torch.autograd.grad((fast * direction).sum(), (x, weight, bias))
    for a, b in zip(expected, found, strict=True):
        assert (a - b).abs().max() < 1e-11


def test_taps_of_three_positions_by_hand():
    """Doubled, a unit at the first of 2 positions is 1, 3/4, 1/4, 0; the outer taps read its neighbours."""
    matrix = shifted_upsampling(2, 2, 3, torch.zeros(()))
    assert matrix[[0, 2, 4]].tolist() == [[0, 1, 0.75, 0.25], [1, 0.75, 0.25, 0], [0.75, 0.25, 0, 0]]


@pytest.mark.parametrize("upsampling", [1, 4])
def test_a_head_takes_the_short_way_unless_asked(upsampling, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "densemoe.models.heads.upsampled_convolution",
        lambda *args: calls.append(args) or upsampled_convolution(*args),
    )
    torch.manual_seed(0)
    head, x = Head(4, 5, upsampling).double().eval(), torch.randn(2, 4, 6, 8, dtype=torch.float64)
    with as_published():
        published = head(x)
    assert not calls
    assert (head(x) - published).abs().max() < 1e-12
    assert len(calls) == (upsampling > 1)
    assert published.shape == head.to("meta")(x.to("meta")).shape == (2, 5, 6 * upsampling, 8 * upsampling)
    assert len(calls) == (upsampling > 1)
