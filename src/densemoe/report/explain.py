"""Who set each value of a run, and what the value rests on."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from densemoe.params.errors import InputError, allowed
from densemoe.params.files import Params
from densemoe.params.plan import Plan
from densemoe.params.sources import leaves, nearest, source_of


def explain_run(params: Params, plan: Plan, run: str) -> dict[str, Any]:
    """Every dotted key of a run's variant: its value, the layer that set it, and the source note where there is one.

    Raises InputError when the plan has no such run.
    """
    if run not in plan.runs:
        near = get_close_matches(run, plan.runs, n=3, cutoff=0.0)
        raise InputError(
            f"Unknown run '{run}' at scale {plan.scale}; the nearest of the {len(plan.runs)} allowed are "
            f"{allowed(near)}, and `python -m stages.plan --scale {plan.scale}` lists all."
        )
    planned = plan.runs[run]
    keys = []
    for key, value in leaves(planned.variant.model_dump(mode="json")):
        owner = nearest(key, planned.resolved.owner_of) or "default of the schema"
        source = source_of(params, owner, planned.chosen, key, value)
        keys.append(
            {
                "key": key,
                "value": value,
                "set_by": owner,
                "from": source.origin if source else "",
                "note": source.note if source else "",
            }
        )
    return {"scale": plan.scale, "run": run, "title": planned.title, "keys": keys}
