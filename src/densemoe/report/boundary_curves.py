"""Precision-recall curves of boundary scores: read from their files, drawn with lines of equal F, and as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from densemoe.params.errors import InputError, allowed

KEYS = ("threshold", "precision", "recall", "f", "matched", "predicted", "truth")
_STYLES = ("-", "--", "-.", ":")
_COLOURS = mpl.colormaps["tab10"].colors
_INSIDE = 6  # legends with more lines than that stand beside the axes


@dataclass(frozen=True)
class BoundaryCurve:
    """Precision and recall of one set of maps at the thresholds, fractions; each of `points` has the keys `KEYS`."""

    label: str
    points: list[dict[str, float]]
    images: int
    protocol: str
    scale: str | None

    @property
    def best(self) -> dict[str, float]:
        """The point whose F is odsF: the first largest."""
        return max(self.points, key=lambda point: point["f"])


def read_curve(path: Path, count: str, label: str | None = None) -> BoundaryCurve:
    """The curve in a file of `stages.score_run --curve` or `stages.score_boundary --curve`.

    Args:
        path: the JSON file.
        count: how matched pixels were counted, e.g. max_cardinality.
        label: in the legend; else the run's name, else the file's.

    Raises:
        InputError: the file is missing, is not such JSON, or holds no curve of that way of counting.

    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file of boundary scores.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not readable JSON ({error}).") from None
    curves = data.get("curve") if isinstance(data, dict) else None
    if not isinstance(curves, dict):
        raise InputError(
            f"{path}: holds no curve; write one with `python -m stages.score_run ... --curve FILE` for a run, or "
            "`python -m stages.score_boundary ... --curve > FILE` for other maps."
        )
    if count not in curves:
        raise InputError(f"{path}: holds no curve of '{count}'; allowed are {allowed(curves)}.")
    points = _points(path, curves[count])
    if not isinstance(data.get("images"), int) or not isinstance((data.get("protocol") or {}).get("name"), str):
        raise InputError(f"{path}: 'images' or 'protocol.name' is missing; write the file again.")
    return BoundaryCurve(
        label or data.get("run") or path.stem, points, data["images"], data["protocol"]["name"], data.get("scale")
    )


def _points(path: Path, points: Any) -> list[dict[str, float]]:
    if not isinstance(points, list) or not points:
        raise InputError(f"{path}: the curve has no points; write the file again.")
    for number, point in enumerate(points):
        bad = [k for k in KEYS if not isinstance(point, dict) or not isinstance(point.get(k), int | float)]
        if bad:
            raise InputError(
                f"{path}: point {number} of the curve has no number '{bad[0]}'; needed are {allowed(KEYS)}."
            )
    return points


def curves_csv(curves: Sequence[BoundaryCurve], count: str) -> str:
    """The drawn data: one line a point, with label, scale, way of counting, and the keys of a point."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["label", "scale", "count", *KEYS])
    for curve in curves:
        writer.writerows([curve.label, curve.scale or "", count, *(p[k] for k in KEYS)] for p in curve.points)
    return text.getvalue()


def draw(curves: Sequence[BoundaryCurve], count: str) -> Figure:
    """All curves on one pair of axes, best odsF first in the legend. Raises InputError without any curve."""
    if not curves:
        raise InputError("Boundary curves: there is none to draw; at least one is needed.")
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    axes = figure.add_subplot()
    _draw_equal_f(axes)
    for number, curve in enumerate(sorted(curves, key=lambda c: -c.best["f"])):
        colour, style = _COLOURS[number % len(_COLOURS)], _STYLES[number // len(_COLOURS) % len(_STYLES)]
        drawn = [p for p in curve.points if p["matched"]]  # without a match there is no precision to speak of
        label = f"{curve.label}  {100 * curve.best['f']:.2f}"
        axes.plot([p["recall"] for p in drawn], [p["precision"] for p in drawn], style, color=colour, label=label)
        best = curve.best
        axes.plot(best["recall"], best["precision"], "o", color=colour, markeredgecolor="white", markersize=8, zorder=3)
    axes.set(
        xlim=(0, 1), ylim=(0, 1), aspect="equal", xticks=np.arange(0, 1.1, 0.1), yticks=np.arange(0, 1.1, 0.1),
        xlabel="recall: true boundary pixels found, fraction",
        ylabel="precision: predicted boundary pixels that are right, fraction",
    )  # fmt: skip
    axes.set_title(_title(curves, count), fontsize=10)
    few = len(curves) <= _INSIDE
    place = {"loc": "lower left"} if few else {"loc": "upper left", "bbox_to_anchor": (1.12, 1)}
    axes.legend(title="odsF in percent (dot)", fontsize=8, title_fontsize=8, framealpha=0.95, **place)
    if not few:
        figure.set_size_inches(10.4, max(6.4, 1 + 0.2 * len(curves)))
    return figure


def save(figure: Figure, path: Path) -> bytes:
    """The figure as bytes of the kind that the name of `path` ends with, the same for the same data."""
    stream = io.BytesIO()
    kind = path.suffix[1:]
    with mpl.rc_context({"svg.hashsalt": "densemoe"}):
        # tight: a legend beside the axes belongs to the picture
        figure.savefig(
            stream, format=kind, dpi=160, bbox_inches="tight", metadata={"Date": None} if kind == "svg" else None
        )
    return stream.getvalue()


def _draw_equal_f(axes: Axes) -> None:
    """Lines of equal F = 2 P R / (P + R), named where they leave the axes at full recall."""
    for tenth in range(1, 10):
        f = tenth / 10
        recall = np.linspace(f / (2 - f), 1, 200)
        axes.plot(recall, f * recall / (2 * recall - f), color="0.85", linewidth=0.8, zorder=0)
        axes.annotate(f"F = {f:.1f}", (1.01, f / (2 - f)), color="0.45", fontsize=8, va="center", annotation_clip=False)


def _title(curves: Sequence[BoundaryCurve], count: str) -> str:
    scales = sorted({curve.scale or "none, maps from elsewhere" for curve in curves})
    sets = sorted({f"{curve.protocol} protocol, {curve.images} image{'s' * (curve.images != 1)}" for curve in curves})
    return f"Boundary precision and recall, {count}\n{'; '.join(sets)}; scale: {', '.join(scales)}"
