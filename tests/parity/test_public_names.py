"""State dicts in the naming of the public MLoRE code: the key listing, the import, and what is refused."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import torch

from densemoe.models import build_model
from densemoe.models.public_names import TASKS, UNUSED, from_public, to_public
from densemoe.params.errors import InputError
from densemoe.params.options import Task
from tests.models.small import NYUD, PASCAL, VIT, mlore, paper_vit, variant, vit
from tests.parity import public_model

SIZE = (64, 96)  # a grid of 4x6 at the public code's patch of 16
RANKS = (1, 4, 2, 3, 6)
ENCODER = {"width": 24, "depth": 5, "heads": 2, "patch": 16, "taps": (1, 2, 3, 5)}
ORDERS = ("softmax_then_top_k", "top_k_then_softmax")
LISTING = Path(__file__).with_name("public_names_vit_small.txt")


def build(outputs=PASCAL, order=ORDERS[0], **options):
    torch.manual_seed(0)
    decoder = mlore(**{"channels": 8, "ranks": RANKS, "k": 3, "specific": 3, "gate_order": order} | options)
    return build_model(variant(decoder, vit(**ENCODER), outputs), outputs, SIZE).double().eval()


def public_state(model, outputs=PASCAL, seed=1):
    """Random values under the public names; every tensor counts, also biases and statistics."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, value in to_public(model.state_dict(), list(outputs), RANKS).items():
        if not value.is_floating_point():
            state[name] = torch.tensor(7)
            continue
        drawn = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        if name.endswith("running_var"):
            state[name] = drawn.abs() + 0.3
        elif value.ndim < 2 or "pos_embed" in name:
            state[name] = 0.5 * drawn + name.endswith("weight")
        else:
            state[name] = drawn / value[0].numel() ** 0.5
    return state


def imported(public, outputs=PASCAL, **options):
    model = build(outputs, **options)
    state, left_out = from_public(public, model.state_dict(), list(outputs), RANKS)
    model.load_state_dict(state)
    return model, left_out


def largest_difference(model, public, outputs, order, image):
    expected = public_model.predict(
        public,
        image,
        [TASKS[task] for task in outputs],
        depth=ENCODER["depth"],
        heads=ENCODER["heads"],
        taps=ENCODER["taps"],
        experts=len(RANKS),
        k=3,
        order=order,
    )
    found = model(image).predictions
    assert list(found) == list(outputs)
    assert min(x.std() for x in expected.values()) > 0.02  # a constant would fit anything
    return max((found[task] - expected[TASKS[task]]).abs().max().item() for task in outputs)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("outputs", [PASCAL, NYUD], ids=["pascal_context", "nyud_v2"])
@torch.no_grad()
def test_an_imported_state_dict_gives_the_public_models_outputs(outputs, order):
    public = public_state(build(outputs), outputs)
    model, _ = imported(public, outputs, order=order)
    image = torch.randn(3, 3, *SIZE, dtype=torch.float64)
    assert largest_difference(model, public, outputs, order, image) < 1e-12
    other = ORDERS[order == ORDERS[0]]
    assert largest_difference(model, public, outputs, other, image) > 1e-4  # the order matters: it is the run's to say


@torch.no_grad()
def test_the_order_of_the_tasks_does_not_matter():
    public, turned = public_state(build()), dict(reversed(PASCAL.items()))
    image = torch.randn(1, 3, *SIZE, dtype=torch.float64)
    assert largest_difference(imported(public, turned)[0], public, turned, ORDERS[0], image) < 1e-12


def test_there_and_back():
    model = build()
    ours = model.state_dict()
    back, _ = from_public(to_public(ours, list(PASCAL), RANKS), ours, list(PASCAL), RANKS)
    assert list(back) == list(ours) and len(back) == 431
    assert all(torch.equal(back[key], value) and back[key].dtype == value.dtype for key, value in ours.items())

    public = public_state(model)
    again = to_public(imported(public)[0].state_dict(), list(PASCAL), RANKS)
    assert set(again) == set(public)
    different = [name for name in public if not torch.equal(again[name], public[name])]
    assert different == ["backbone.pos_embed"]  # the class token's row
    assert torch.equal(again["backbone.pos_embed"][:, 1:], public["backbone.pos_embed"][:, 1:])


def collapsed(state) -> list[str]:
    """A line per kind of tensor: how many, name with its numbers and task left open, shape."""
    tasks = "|".join(TASKS.values())
    kinds = Counter()
    for name, value in state.items():
        kind = re.sub(r"MLoRE_[12]\.[0-3]", "MLoRE_{module}.{scale}", name)
        kind = re.sub(r"blocks\.\d+", "blocks.{block}", kind)
        kind = re.sub(r"fea_fuse\.\d", "fea_fuse.{scale}", kind)
        kind = re.sub(rf"\.({tasks})\.", ".{task}.", kind)
        kinds[f"{kind} {'x'.join(map(str, value.shape)) or 'scalar'}"] += 1
    return [f"{count} {kind}" for kind, count in sorted(kinds.items())]


def test_key_listing_of_vit_small():
    """The keys and shapes that the public code has for ViT-S on PASCAL-Context (with its second heads left out)."""
    decoder = mlore(channels=192, ranks=range(8, 65, 4), k=9, specific=32)
    with torch.device("meta"):
        model = build_model(variant(decoder, paper_vit("small"), PASCAL), PASCAL, (512, 512))
    public = to_public(model.state_dict(), list(PASCAL), tuple(range(8, 65, 4)))
    assert len(public) == 2023
    assert sum(v.numel() for name, v in public.items() if not re.search("running_|num_batches", name)) == 42_176_918
    assert collapsed(public) == LISTING.read_text().splitlines()


@pytest.mark.parametrize("size", VIT)
@pytest.mark.parametrize("outputs, image", [(PASCAL, (512, 512)), (NYUD, (448, 576))])
def test_all_sizes_and_data_sets_have_names(size, outputs, image):
    decoder, ranks = mlore(channels=64, ranks=range(16, 129, 8), k=9, specific=64), tuple(range(16, 129, 8))
    with torch.device("meta"):
        model = build_model(variant(decoder, paper_vit(size), outputs), outputs, image)
    public = to_public(model.state_dict(), list(outputs), ranks)
    blocks = {"small": 12, "base": 12, "large": 24}[size]
    per_module = 4 * 15 + 2 + len(outputs) * (2 + 4 + 2 + 5 + 5 + 14)
    assert len(public) == 1 + 2 + 12 * blocks + 2 + 8 + 8 * per_module + len(outputs) * (9 + 9)


def test_every_task_has_a_public_name():
    assert set(TASKS) == set(Task.__args__)


def test_unused_keys_are_left_out_by_name_and_reason():
    model = build()
    public = public_state(model)
    heads = {f"aux_{name}": value for name, value in public.items() if name.startswith("heads.")}
    unused = heads | {
        "backbone.q_fuse.sal.weight": torch.zeros(8, 32, 1, 1),
        "backbone.classify_route_2.bias": torch.zeros(5),
        "backbone.MLoRE_1.0.lora_list_1.3.virt_conv.weight": torch.zeros(8, 8, 3, 3),
        "backbone.MLoRE_2.3.conv2.human_parts.virt_conv.bias": torch.zeros(8),
    }
    model, left_out = imported(public | unused)
    assert {key for keys in left_out.values() for key in keys} == {*unused, "backbone.pos_embed[:, 0]"}
    assert len(heads) == 5 * 9
    assert len(left_out) == len(UNUSED) + 1
    plain, _ = imported(public)
    assert all(torch.equal(v, plain.state_dict()[k]) for k, v in model.state_dict().items())


def test_counters_may_be_missing_and_the_largest_counts():
    public = public_state(build())
    public["backbone.MLoRE_1.0.bn.sal.num_batches_tracked"] = torch.tensor(9)
    model, _ = imported(public)
    assert model.decoder.scales[0][0].norm.num_batches_tracked == 9
    without = {name: value for name, value in public.items() if not name.endswith("num_batches_tracked")}
    assert len(public) - len(without) == 5 * (2 * 8 + 2)
    assert imported(without)[0].decoder.scales[0][0].norm.num_batches_tracked == 0


def test_precision_is_kept():
    public = {name: v.float() if v.is_floating_point() else v for name, v in public_state(build()).items()}
    state, _ = from_public(public, build().state_dict(), list(PASCAL), RANKS)
    assert {v.dtype for v in state.values()} == {torch.float32, torch.int64}


PUBLIC_POS = "backbone.pos_embed"
WRONG = {
    "unknown": (lambda s: s.update(extra=torch.zeros(1)), r"^1 key is unknown \(extra\); allowed are the keys of the"),
    "missing": (lambda s: s.pop("heads.sal.linear_pred.bias"), r"^1 key is missing \(heads\.sal\.linear_pred\.bias\);"),
    "many": (lambda s: [s.pop(k) for k in list(s) if "fea_fuse" in k], r"^8 keys are missing \(([^,]+, ){3}\.\.\.\)"),
    "shape": (
        lambda s: s.update({PUBLIC_POS: torch.zeros(1, 24, 24)}),
        r"^1 key is of another shape \(backbone\.pos_embed 1x24x24 instead of 1x25x24\)",
    ),
    "whole numbers": (
        lambda s: s.update({PUBLIC_POS: torch.zeros(1, 25, 24, dtype=torch.int64)}),
        r"^1 key is not floating point \(backbone\.pos_embed\)",
    ),
    "not finite": (
        lambda s: s.update({PUBLIC_POS: torch.full((1, 25, 24), torch.nan)}),
        r"^1 key is not finite \(backbone\.pos_embed\); allowed are finite numbers everywhere\.$",
    ),
    "several at once": (
        lambda s: (s.pop("backbone.norm.bias"), s.update(extra=torch.zeros(1))),
        r"^1 key is unknown \(extra\); 1 key is missing \(backbone\.norm\.bias\); allowed are",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused_in_one_sentence(case):
    change, sentence = WRONG[case]
    public = public_state(build())
    change(public)
    with pytest.raises(InputError, match=sentence) as refused:
        imported(public)
    assert "\n" not in str(refused.value)


def test_the_other_data_sets_weights_are_refused():
    public = public_state(build(NYUD), NYUD)
    with pytest.raises(InputError, match=r"keys are unknown \(.*depth.*keys are missing \(.*human_parts"):
        imported(public)


@pytest.mark.parametrize(
    "options, key",
    [
        ({"generic": 3}, r"paths\.generic\.0\.weight"),
        ({"input": "learned"}, r"router\.input"),
        ({"experts": 3}, r"experts\.down\.weight|experts\.up\.weight"),
    ],
)
def test_parts_that_the_public_model_lacks_are_refused(options, key):
    public, model = public_state(build()), build(**options)
    with pytest.raises(InputError, match=rf"{key} has no name in the public MLoRE code; it has a ViT encoder"):
        from_public(public, model.state_dict(), list(PASCAL), () if "experts" in options else RANKS)


def test_a_model_with_fewer_paths_refuses_the_keys_of_the_others():
    public = public_state(build())
    with pytest.raises(InputError, match=r"^16 keys are unknown \(backbone\.MLoRE_1\.0\.share_conv\.weight"):
        imported(public, generic="none")
