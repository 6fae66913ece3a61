"""Which runs stand behind a row, before and after, and why they are others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densemoe.report.compare.changes import RunChange, TrainedChange
from densemoe.report.compare.options import OptionChange, changed_options
from densemoe.report.compare.snapshot import Training
from densemoe.report.model import Run

Options = Mapping[str, Mapping[str, Any]]


def changed_runs(
    before: Sequence[Run], after: Sequence[Run], options_before: Options, options_after: Options
) -> tuple[RunChange, ...]:
    """Per column group and role: the runs of all seeds, where they are others or measured in another way.

    A role or group that only one side has is left to rows and columns.
    """
    changes = []
    for group, role in dict.fromkeys((r.group, r.role) for r in after):
        old = [r for r in before if (r.group, r.role) == (group, role)]
        new = [r for r in after if (r.group, r.role) == (group, role)]
        if not old or [(r.run, r.measure) for r in old] == [(r.run, r.measure) for r in new]:
            continue
        why, known = _why(old, new, options_before, options_after)
        names = tuple(r.run for r in old), tuple(r.run for r in new)
        changes.append(RunChange(group, role, *names, why, known))
    return tuple(changes)


def _why(
    old: Sequence[Run], new: Sequence[Run], options_before: Options, options_after: Options
) -> tuple[tuple[OptionChange, ...], bool]:
    """The options that differ between the runs of the same seed; seeds themselves as one option."""
    seeds = [[r.seed for r in runs if r.seed is not None] for runs in (old, new)]
    why = []
    if old[0].measure != new[0].measure:
        why.append(OptionChange("measure", old[0].measure, new[0].measure))
    if seeds[0] != seeds[1] and all(seeds):
        why.append(OptionChange("seed", *(", ".join(map(str, s)) for s in seeds)))
    a, b = old[0].run, new[0].run
    if a not in options_before or b not in options_after:
        return tuple(why), a == b
    # of one row all seeds have the same options but for the seed
    return (*changed_options(options_before[a], options_after[b], without=("seed",)), *why), True


def trained_again(
    before: Sequence[Run],
    after: Sequence[Run],
    trained_before: Mapping[str, Training],
    trained_after: Mapping[str, Training],
) -> tuple[TrainedChange, ...]:
    """Runs on both sides whose record of training names other code."""
    names = [run for run in dict.fromkeys(r.run for r in after) if run in {r.run for r in before}]
    both = [
        (run, trained_before[run], trained_after[run])
        for run in names
        if run in trained_before and run in trained_after
    ]
    return tuple(TrainedChange(run, a.short, b.short) for run, a, b in both if a != b)
