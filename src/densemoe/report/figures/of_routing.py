"""Panels of routing statistics: activation ratios, sharing between tasks, smallest gates; one per module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from densemoe.report.figures.panel import OURS, Panel, Point
from densemoe.report.routing import RoutingResults, Tree

RANKS = "Rank of the expert"
TASKS = {"human_parts": "parsing"}
"""Names of the tasks as the paper's figures write them, where they differ."""


def modules_of(tree: Tree, which: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Title and statistics of every module, or (`last`) of the last module of the last scale."""
    names = [(scale, module) for scale, of_scale in tree.items() for module in of_scale]
    for scale, module in names if which == "all" else names[-1:]:
        yield f"{scale}, {module}".replace("_", " ").capitalize(), tree[scale][module]


def routing_panels(panel: Mapping[str, Any], run: str, results: RoutingResults) -> list[Panel]:
    """The panels of one declared panel; a single empty one where the run has no statistics."""
    build, kind, y = _BUILD[panel["kind"]]
    tree = results.get(run)
    if tree is None:
        return [Panel(kind, panel["title"], RANKS, y, empty=results.absence(run))]
    expected = results.expected[run]
    found = []
    for name, statistics in modules_of(tree, panel["modules"]):
        points, levels, text = build(statistics, expected.tasks, expected.experts)
        title = name if panel["modules"] == "all" else f"{panel['title']}; {name.lower()}"
        found.append(Panel(kind, title, RANKS, y, tuple(points), text=text, levels=levels))
    return found


Built = tuple[list[Point], tuple[float, ...], str]


def _activation(statistics: Mapping[str, Any], tasks: tuple[str, ...], ranks: tuple[str, ...]) -> Built:
    points = []
    for task in tasks:
        of_task = statistics["activation"][task]
        points += [
            Point(TASKS.get(task, task), x, of_task[x], rank) for x, rank in zip(_sorted(of_task), ranks, strict=True)
        ]
    return points, (), ""


def _sharing(statistics: Mapping[str, Any], tasks: tuple[str, ...], ranks: tuple[str, ...]) -> Built:
    of_expert = statistics["active_in"]
    points = []
    for count in range(len(tasks) + 1):
        name = _count_name(count, len(tasks))
        points += [
            Point(name, x, of_expert[x][f"tasks_{count}"], rank)
            for x, rank in zip(_sorted(of_expert), ranks, strict=True)
        ]
    return points, (), ""


def _count_name(count: int, tasks: int) -> str:
    if count in (0, tasks):
        return "no task" if count == 0 else f"all {tasks} tasks"
    return "1 task" if count == 1 else f"{count} tasks"


def _smallest_gate(statistics: Mapping[str, Any], tasks: tuple[str, ...], ranks: tuple[str, ...]) -> Built:
    shared, active_in = statistics["shared_by_all"], statistics["active_in"]
    points = []
    for x, rank in zip(_sorted(active_in), ranks, strict=True):
        y = shared[x]["minimum_gate"] if x in shared else None
        points.append(Point(OURS, x, y, rank, "" if x in shared else "no image shares it"))
    weight = {x: active_in[x][f"tasks_{len(tasks)}"] for x in shared}
    text = ""
    if sum(weight.values()) > 0:
        below = sum(weight[x] * shared[x]["below_half"] for x in shared) / sum(weight.values())
        text = f"below half of the mean gate in {100 * below:.0f} %"
    mean = statistics["mean_gate"]
    return points, (mean, mean / 2), text


def _sorted(of_expert: Mapping[str, Any]) -> list[str]:
    return sorted(of_expert)


_BUILD = {
    "activation": (_activation, "heat_map", ""),
    "sharing": (_sharing, "stacked", "Share of images (%)"),
    "smallest_gate": (_smallest_gate, "gates", "Smallest gate"),
}
