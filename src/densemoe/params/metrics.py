"""What a metric means, written once: title, unit, direction, decimals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One column that a results table can have.

    `sign` is +1 when higher is better, -1 when lower is better, 0 for a quantity without a direction.
    `decimals` is the precision that is shown: the papers', and two more for costs, which they print as whole numbers.
    """

    key: str
    title: str
    unit: str
    sign: int
    decimals: int

    @property
    def arrow(self) -> str:
        """The papers' direction sign."""
        return {1: "↑", -1: "↓", 0: ""}[self.sign]

    @property
    def heading(self) -> str:
        """Column heading: title and direction."""
        return f"{self.title} {self.arrow}".strip()


def _metric(key: str, title: str, unit: str, sign: int, decimals: int) -> Metric:
    return Metric(key=key, title=title, unit=unit, sign=sign, decimals=decimals)


METRICS: dict[str, Metric] = {
    m.key: m
    for m in (
        _metric("semseg.miou", "Semseg mIoU", "%", +1, 2),
        _metric("human_parts.miou", "Parsing mIoU", "%", +1, 2),
        _metric("saliency.max_f", "Saliency maxF", "%", +1, 2),
        _metric("saliency.max_f_plain", "Saliency maxF (single sigmoid)", "%", +1, 2),
        _metric("depth.rmse", "Depth RMSE", "m", -1, 4),
        _metric("normals.mean_deg", "Normal mErr", "degrees", -1, 2),
        _metric("boundary.ods_f", "Boundary odsF", "%", +1, 2),
        _metric("gain", "MTL Δm", "%", +1, 2),
        _metric("cost.macs", "FLOPs (G)", "G multiply-adds", -1, 2),
        _metric("cost.params_m", "#Param (M)", "10^6", -1, 2),
    )
}

# The metric of each task that enters the multi-task gain (MLoRE section 4.1, after Maninis et al. 2019).
GAIN_METRIC: dict[str, str] = {
    "semseg": "semseg.miou",
    "human_parts": "human_parts.miou",
    "saliency": "saliency.max_f",
    "depth": "depth.rmse",
    "normals": "normals.mean_deg",
    "boundary": "boundary.ods_f",
}
