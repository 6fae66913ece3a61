"""What text and Markdown say alike: a phrase per change, without any layout."""

from __future__ import annotations

from collections.abc import Sequence

from densemoe.report.compare.changes import (
    Comparison,
    FileChange,
    NumberChange,
    RowChange,
    RunChange,
    ScaleChange,
    TrainedChange,
)
from densemoe.report.compare.options import OptionChange

NAMED = 5


def headline(comparison: Comparison) -> str:
    """Both sides."""
    return f"{comparison.before} -> {comparison.after}"


def summary(comparison: Comparison) -> str:
    """How many numbers went where."""
    if not comparison.scales and not comparison.code:
        return "Nothing that is reported differs."
    counts = {outcome: n for outcome, n in comparison.counts().items() if n}
    words = {"worse": "worse beyond the tolerance", "no tolerance": "moved (no tolerance declared)"}
    told = ", ".join(f"{n} {words.get(outcome, outcome)}" for outcome, n in counts.items())
    return f"Numbers of rows on both sides: {told}." if told else "No number of a row on both sides changed."


def scale_note(scale: ScaleChange) -> str:
    """What the numbers of a scale are worth."""
    return "" if scale.scale == "paper" else "numbers of this scale say nothing about the methods"


def options(changes: Sequence[OptionChange]) -> str:
    """`decoder.router.k changed from 9 to 6 and ...`."""
    return " and ".join(f"{c.key} changed from {c.before} to {c.after}" for c in changes)


def runs(change: RunChange) -> str:
    """`run A -> run B because option O changed from a to b`."""
    sides = list(dict.fromkeys(side for side in (change.before, change.after) if side))
    word = "runs" if any(len(side) > 1 for side in sides) else "run"
    told = f"{word} {' -> '.join(', '.join(side) for side in sides)}"
    if change.group:
        told = f"{change.group}: {told}"
    if change.role:
        told = f"baseline of {change.role}: {told}"
    if not (change.before and change.after):
        return told
    if change.options:
        return f"{told} because {options(change.options)}"
    return f"{told}; every option is the same" if change.known else f"{told}; a pending run's options are in no plan"


def trained(changes: Sequence[TrainedChange]) -> list[str]:
    """`other weights (commit a -> commit b): run A`, runs of the same two origins in one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        found.setdefault((change.before, change.after), []).append(change.run)
    return [f"other weights ({a} -> {b}): {names(of)}" for (a, b), of in found.items()]


def names(found: Sequence[str]) -> str:
    """A few names and how many more."""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more


def files(code: Sequence[FileChange]) -> str:
    """`3 files differ`."""
    return f"{len(code)} files differ" if len(code) != 1 else "1 file differs"


def counted(by: dict[str, int]) -> str:
    """`1a2b3c4 (44), 5d6e7f8 (2)`."""
    return ", ".join(f"{commit} ({count})" for commit, count in by.items()) or "none"


def row_label(row: RowChange) -> str:
    """The label, and the one of before where it was renamed."""
    renamed = f" (was: {row.label_before})" if row.kind == "changed" and row.label_before != row.label else ""
    return f"{row.label}{renamed}"


def row_facts(row: RowChange) -> list[str]:
    """Everything about a row but its numbers."""
    facts = [runs(change) for change in row.runs]
    facts += trained(row.trained)
    facts += [f"printed {p.title}: {p.before or 'none'} -> {p.after or 'none'}" for p in row.printed]
    if row.kind == "changed" and row.state[0] != row.state[1]:
        facts.append(f"row: {row.state[0]} -> {row.state[1]}")
    if row.kind == "changed" and row.verdict[0] != row.verdict[1]:
        facts.append(f"verdict: {row.verdict[0]} -> {row.verdict[1]}")
    return facts


def remark(number: NumberChange) -> str:
    """The outcome with its tolerance, and how many seeds the means are over where that changed."""
    told = number.outcome
    if number.outcome == "worse":
        told = f"WORSE than the tolerance of {number.tolerance:.3g} allows"
    elif number.outcome == "not comparable":
        told = "not comparable: other protocol"
    a, b = number.seeds
    return told if a == b else f"{told}; mean of {a} -> {b} seeds"


def group_and_title(number: NumberChange) -> str:
    """`nyud_v2 Depth RMSE`, or the title alone in a table without groups."""
    group = number.column.rpartition("/")[0]
    return f"{group} {number.title}".strip()
