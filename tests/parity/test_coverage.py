"""Nothing is forgotten: every option of the grammar, and every form that a table needs, occurs in the parity cases."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from densemoe.params import options as o
from densemoe.train.session import balance_weight
from tests.models.small import MLORE_CASES, baseline, mlore

CASES = {name: mlore(**case) for name, case in MLORE_CASES.items()}


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The option classes that a field can hold."""
    if get_origin(annotation) is Annotated:
        return models_in(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [m for each in get_args(annotation) for m in models_in(each)]
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def grammar(root: type[BaseModel]) -> dict[tuple[type[BaseModel], str], Any]:
    """(option class, field) -> annotation, of everything that can stand below an option class."""
    fields, waiting = {}, [root]
    while waiting:
        model = waiting.pop()
        for name, field in model.model_fields.items():
            fields[model, name] = field.annotation
            waiting += [m for m in models_in(field.annotation) if (m, "kind") not in fields]
    return fields


def seen(options: BaseModel, found: dict) -> None:
    for name in type(options).model_fields:
        value = getattr(options, name)
        found.setdefault((type(options), name), set()).add(type(value) if isinstance(value, BaseModel) else value)
        if isinstance(value, BaseModel):
            seen(value, found)


def missing(root: type[BaseModel], cases: list[BaseModel]) -> list[str]:
    """What of the grammar below `root` no case has: a kind, a named value, or a second value of a number."""
    found: dict = {}
    for case in cases:
        seen(case, found)
    lacking = []
    for (model, name), annotation in grammar(root).items():
        values = found.get((model, name), set())
        where = f"{model.__name__}.{name}"
        if get_origin(annotation) is Literal:
            lacking += [f"{where} = {value}" for value in get_args(annotation) if value not in values]
        elif kinds := models_in(annotation):
            lacking += [f"{where}: {kind.__name__}" for kind in kinds if kind not in values]
        elif len(values) < 2:
            lacking.append(f"{where}: a second value")
    return lacking


def test_every_option_of_mlore_occurs_in_the_cases():
    assert len(grammar(o.MloreDecoder)) == 35
    assert missing(o.MloreDecoder, list(CASES.values())) == []


def test_the_search_finds_what_is_missing():
    only_default = missing(o.MloreDecoder, [mlore()])
    assert "NoisyTopKRouter.input = learned" in only_default
    assert "MloreDecoder.generic: LowRankGeneric" in only_default
    assert "MloreDecoder.modules_per_scale: a second value" in only_default


def test_every_option_of_the_baseline_occurs_in_the_cases():
    readings = [baseline(projection=p) for p in o.BaselineDecoder.model_fields["projection"].annotation.__args__]
    assert missing(o.BaselineDecoder, [*readings, baseline(channels=12)]) == []
    assert len(readings) == 2


def form(options: o.MloreDecoder) -> tuple:
    """What a decoder is, apart from its widths and ranks."""
    return (
        options.experts.kind,
        options.experts.count,
        options.router.k,
        options.router.branches,
        options.router.input,
        options.router.gate_order,
        options.generic.kind,
        options.specific.kind,
        options.modules_per_scale,
        options.balance.kind,
    )


def test_every_form_of_the_papers_tables_has_its_options_in_the_cases(plans):
    """Each option's value as in a declared run; counts of experts exactly, so that N = 0, 5, 10, 15 and 20 occur."""
    forms = {form(p.variant.decoder) for p in plans["paper"].runs.values() if p.variant.decoder.kind == "mlore"}
    assert len(forms) >= 20
    tested = [form(case) for case in CASES.values()]
    for position in range(len(tested[0])):
        wanted = {f[position] for f in forms if f[0] == "low_rank" or position != 1}
        assert wanted <= {f[position] for f in tested}, position


def test_the_weight_of_the_balance_is_the_trainings():
    class Variant:
        def __init__(self, decoder):
            self.decoder = decoder

    assert balance_weight(Variant(mlore())) == 1e-4
    assert balance_weight(Variant(mlore(balance=0.5))) == 0.5
    assert balance_weight(Variant(mlore(balance=False))) == 0
    assert balance_weight(Variant(baseline())) == 0
