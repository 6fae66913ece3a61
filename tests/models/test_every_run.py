"""Every run that is not pending builds on the meta device at the paper scale; every pending kind has no model."""

from __future__ import annotations

import pytest
import torch

from densemoe.models import BACKBONES, DECODERS, build_model

BUILT = 64
MODULES = 12


def test_every_run_builds_at_the_paper_scale(plans, params):
    built = 0
    for name, planned in plans["paper"].runs.items():
        if planned.pending is not None:
            continue
        variant = planned.variant
        channels = params.dataset(variant.dataset).outputs
        with torch.device("meta"):
            outputs = {task: channels[task] for task in variant.tasks}
            model = build_model(variant, outputs, variant.data.crop, load_weights=False)
        assert all(p.is_meta for p in model.parameters()), name
        assert 4e6 < sum(p.numel() for p in model.parameters()) < 900e6, name
        built += 1
    assert built == BUILT + MODULES


def test_pending_kinds_are_those_without_a_model(params):
    from typing import get_args

    from densemoe.params.options import Decoder, Encoder

    def kinds(union):
        return {get_args(option.model_fields["kind"].annotation)[0] for option in get_args(get_args(union)[0])}

    pending = params.pending()
    assert {f"encoder.{k}" for k in kinds(Encoder) - set(BACKBONES)} == {k for k in pending if k.startswith("encoder.")}
    assert {f"decoder.{k}" for k in kinds(Decoder) - set(DECODERS)} == {k for k in pending if k.startswith("decoder.")}
    assert all(k.startswith(("encoder.", "decoder.")) for k in pending)


@pytest.mark.parametrize("scale", ["smoke", "pilot"])
def test_every_run_builds_at_the_small_scales(plans, params, scale):
    built = 0
    for planned in plans[scale].runs.values():
        if planned.pending is None and planned.trained:
            variant = planned.variant
            channels = params.dataset(variant.dataset).outputs
            with torch.device("meta"):
                build_model(variant, {t: channels[t] for t in variant.tasks}, variant.data.crop, load_weights=False)
            built += 1
    assert built == BUILT
