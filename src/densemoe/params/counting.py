"""How the cost columns of a row are counted. The papers count several ways, sometimes within one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from densemoe.params.errors import InputError
from densemoe.params.files import parse
from densemoe.params.options import LowRankExperts, MloreDecoder, Options, VitEncoder
from densemoe.params.variant import Variant

VERSION = 1
"""Of what is counted at all (`models/cost.py`)."""
COST_PREFIX = "cost."
MODULE_COST = "module_cost"
"""The measure of a row that counts one module and trains nothing."""


class Counting(Options):
    """The conventions of one row, each as far as a column of the table needs it."""

    macs: Literal["plain", "top_k", "merged"] | None = None
    """Which form of the network: as it is, only the k chosen experts of every task, or re-parameterised."""
    unit: Literal["2^30", "10^9"] | None = None
    """What G stands for."""
    params: Literal["used", "with_second_heads", "with_unused_modules", "encoder"] | None = None
    """Which parameters: those that the network uses, also some that the released models build and never use, or those
    of the encoder alone."""


NEEDED = {"cost.macs": ("macs", "unit"), "cost.params_m": ("params",)}


def resolve_counting(layers: Iterable[Mapping[str, str]], group: str, metrics: Iterable[str], where: str) -> Counting:
    """The conventions of one cell.

    Args:
        layers: `counting` of the table and of the row; the later one wins, and in each a key of the group.
        group: column group, empty without groups.
        metrics: metric keys of the cell's columns.
        where: for the sentence of an error.

    Raises:
        InputError: an unknown key or value, a key that no column reads, or one that a column needs and nobody sets.
    """
    data: dict[str, str] = {}
    for layer in layers:
        plain = {k: v for k, v in layer.items() if "/" not in k}
        data |= plain | {k.rpartition("/")[2]: v for k, v in layer.items() if "/" in k and k.startswith(f"{group}/")}
    counting = parse(Counting, data, f"{where}: counting")
    needed = {key: metric for metric in metrics for key in NEEDED.get(metric, ())}
    for key, metric in needed.items():
        if getattr(counting, key) is None:
            raise InputError(f"{where}: has a column {metric}, but counting.{key} is missing.")
    for key in data:
        if key not in needed:
            raise InputError(f"{where}: counting.{key} is set, but no cost column of the table reads it.")
    return counting


def check_counting(counting: Counting, variant: Variant, of_module: bool, where: str) -> None:
    """Raises InputError when the network of a variant cannot be counted in this way."""
    decoder = variant.decoder
    is_mlore = isinstance(decoder, MloreDecoder)
    if of_module and not (is_mlore and isinstance(variant.encoder, VitEncoder)):
        raise InputError(f"{where}: measure module_cost needs decoder mlore on encoder vit, not {decoder.kind}.")
    if of_module and counting.params not in (None, "used"):
        raise InputError(f"{where}: counting.params is {counting.params}; allowed for one module is used.")
    if counting.macs == "merged" and not (is_mlore and isinstance(decoder.experts, LowRankExperts)):
        raise InputError(f"{where}: counting.macs is merged, which needs decoder mlore with experts of kind low_rank.")
    if counting.macs == "top_k" and not (is_mlore and decoder.experts.count):
        raise InputError(f"{where}: counting.macs is top_k, which needs decoder mlore with experts.")
    if counting.params in ("with_second_heads", "with_unused_modules") and not is_mlore:
        raise InputError(f"{where}: counting.params is {counting.params}, which needs decoder mlore.")


def cost_key(run: str, of_module: bool) -> str:
    """Key of a cost under `costs` in the plan, which is the name of its file as well."""
    return f"{run}__module" if of_module else run


def as_cell(counting: Counting, key: str) -> dict[str, Any]:
    """What a compiled cell says about its costs."""
    return {"key": key, **counting.model_dump(exclude_none=True)}
