"""What each form in which paper and released code differ changes of ViT-B's parameters, worked out by hand."""

from __future__ import annotations

import pytest
import torch

from densemoe.models import build_model
from tests.models.small import PASCAL, mlore, paper_vit, variant

C, D, TASKS, SCALES, MODULES = 640, 768, 5, 4, 8

DIFFERENCES = {
    "mix": ({"mix": "one"}, -MODULES * TASKS * (C // 2 + 1)),  # one output of the router
    "branch_form": ({"branch_form": "linear"}, -MODULES * TASKS * (2 * C // 4 + 2 * C)),  # two LayerNorms
    "noise_scale": ({"noise_scale": "softplus"}, 0),
    "gate_order": ({"gate_order": "top_k_then_softmax"}, 0),
    "projection": ({"projection": "per_task"}, SCALES * (TASKS * C * (D - C) - (D * C + C))),
    "nonlinear_block": ({"nonlinear_block": "between"}, -SCALES * TASKS * (2 * C + C * C + C)),  # BatchNorm and 1x1
    "fusion": ({"fusion": "concatenated"}, -TASKS * (2 * C + 9 * C * SCALES + SCALES)),  # BatchNorm and 3x3 to 4
}


def parameters(**options) -> int:
    decoder = mlore(**{"channels": C, "ranks": range(16, 129, 8), "k": 9, "specific": 64, **options})
    with torch.device("meta"):
        model = build_model(variant(decoder, paper_vit("base"), PASCAL), PASCAL, (512, 512))
    return sum(p.numel() for p in model.parameters())


@pytest.fixture(scope="module")
def released() -> int:
    return parameters()


@pytest.mark.parametrize("name", DIFFERENCES)
def test_parameters(name, released):
    options, difference = DIFFERENCES[name]
    assert parameters(**options) - released == difference


def test_all_of_them_are_in_the_documentation(root, released):
    text = (root / "docs/models.md").read_text(encoding="utf-8")
    for name, (_, difference) in DIFFERENCES.items():
        row = next(line for line in text.splitlines() if line.startswith("|") and f".{name}`" in line)
        assert (f"{difference:,}" if difference else "none") in row, name
