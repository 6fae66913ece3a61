"""How all figures look: colours that the colour-blind and a grey printer tell apart, and reproducible files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Page

# Okabe and Ito's palette for colour vision deficiencies; black last
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
OURS_STYLE = {"color": "#0072B2", "marker": "o", "markerfacecolor": "#0072B2"}
PRINTED_STYLE = {"color": "#D55E00", "marker": "D", "markerfacecolor": "white"}
GREY, FAINT = "#6b6b6b", "#dddddd"
HEAT = "Blues"
"""One hue from white to dark, so that grey prints alike."""

SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # text stays text, and equal figures are equal bytes
    "svg.fonttype": "none",
    "svg.hashsalt": "densemoe",
}
DPI = 130


def png(page: Page) -> bytes:
    """The page as PNG with a palette, without any date or version."""
    from PIL import Image

    raw = io.BytesIO()
    page.savefig(raw, format="png", dpi=DPI, metadata={"Software": None})
    small = io.BytesIO()
    # flat colours: a palette halves the file and changes nothing that an eye sees
    Image.open(raw).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def svg(page: Page) -> str:
    """The page as SVG, without any date."""
    text = io.StringIO()
    page.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
