"""The declared tables against the papers: every number, transcribed twice, independently."""

from __future__ import annotations

import csv
from collections import Counter

TABLES = 16
FIGURES = 7
ROWS = 73
NUMBERS = 435


def declared(params):
    """(table, printed row number, column) -> printed text, from the YAML files."""
    numbers = {}
    for name in params.names("tables"):
        for i, row in enumerate(params.table(name).rows, start=1):
            for column, printed in row.paper.items():
                numbers[name, i, column] = printed
    return numbers


def test_counts_of_the_audit(params):
    names = params.names("tables")
    tables = [n for n in names if params.table(n).source.table is not None]
    assert (len(tables), len(names) - len(tables)) == (TABLES, FIGURES)
    assert sum(len(params.table(n).rows) for n in tables) == ROWS
    assert len(declared(params)) == NUMBERS


def test_second_transcription_agrees_in_every_digit(params, root):
    with (root / "tests/data/printed_numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    second = {(r["table"], int(r["row"]), r["column"]): r["printed"] for r in rows}
    assert len(second) == len(rows) == NUMBERS
    assert declared(params) == second


def test_printed_labels_agree_with_the_second_transcription(params, root):
    with (root / "tests/data/printed_numbers.csv").open(encoding="utf-8", newline="") as file:
        second = {(r["table"], int(r["row"])): r["label"] for r in csv.DictReader(file)}
    ours = {}
    for name in params.names("tables"):
        for i, row in enumerate(params.table(name).rows, start=1):
            if row.paper:
                ours[name, i] = row.printed_as or row.label
    assert ours == second and len(ours) == ROWS - 1


def test_every_value_of_the_base_has_a_source(params):
    base = params.base()

    def leaves(node, prefix=""):
        for key, value in node.items():
            path = f"{prefix}{key}"
            yield from leaves(value, f"{path}.") if isinstance(value, dict) else (path,)

    paths = list(leaves(base.variant))
    assert len(paths) > 20
    for path in paths:
        assert any(path == s or path.startswith(f"{s}.") for s in base.sources), f"no source for {path}"
    assert Counter(s.origin for s in base.sources.values()).keys() == {"paper", "released code", "ours"}


def test_sources_name_values_that_their_file_sets(params):
    checked = 0
    for folder in ("backbones", "datasets", "methods", "scales"):
        for name in params.names(folder):
            layer = params.layer(folder, name)
            keys = [*layer.set, *(k for w in layer.when for k in w.set)]
            if layer.extends:
                keys += params.layer(folder, layer.extends).set
            sources = [*layer.sources, *(s for w in layer.when for s in w.sources)]
            for source in sources:
                checked += 1
                assert any(source.startswith(k) or k.startswith(source) for k in keys), (folder, name, source)
    assert checked > 40
