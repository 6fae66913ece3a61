"""Plans that older code compiled, completed so that today's code reads them: what they lack is empty.

So a comparison over the commit that added a section or a key still tells everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densemoe.params.counting import COST_PREFIX

_SECTIONS = ("runs", "modules", "measures", "scores", "costs", "tables", "pending")
_TABLE = {"note": "", "notes": [], "choices": []}
_ROW = {"info": {}, "origin": "authors", "note": "", "notes": [], "paper": {}}
_NO_COST = {"key": "", "macs": "plain", "unit": "2^30", "params": "used"}
"""Of no file, so that the number is missing."""


def completed_index(index: Mapping[str, Any]) -> dict[str, Any]:
    """Content of params/plan/<scale>.yaml."""
    return {section: {} for section in _SECTIONS} | dict(index)


def completed_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Content of params/plan/<scale>/<table>.yaml."""
    costs = any(column.rpartition("/")[2].startswith(COST_PREFIX) for column in table["columns"])
    cell = {"pending": "", "baseline": {}} | ({"cost": _NO_COST} if costs else {})
    rows = [
        {"printed_as": row["label"]} | _ROW | row | {"cells": {group: cell | of for group, of in row["cells"].items()}}
        for row in table["rows"]
    ]
    return _TABLE | dict(table) | {"rows": rows}
