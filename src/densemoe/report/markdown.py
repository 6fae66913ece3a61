"""Markdown pieces that every report shares: titles, tables, lettered footnotes, the notice of a small scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from typing import Any

PAPERS = {"mlore": "MLoRE (CVPR 2024)", "taskexpert": "TaskExpert (ICCV 2023), supplement"}
GROUPS = {"pascal_context": "PASCAL-Context", "nyud_v2": "NYUD-v2", "moe": "Standard MoE", "mlore": "MLoRE"}


class Footnotes:
    """Footnotes in the order in which they are first referred to; equal texts share a letter."""

    def __init__(self) -> None:
        self._letter_of: dict[str, str] = {}

    def letters(self, *texts: str) -> str:
        """The letters that refer to these texts, with commas; empty texts are skipped."""
        return ",".join(self._letter_of.setdefault(t, _letter(len(self._letter_of))) for t in texts if t)

    def mark(self, *texts: str) -> str:
        """The letters raised, for Markdown."""
        letters = self.letters(*texts)
        return f"<sup>{letters}</sup>" if letters else ""

    def listed(self) -> list[tuple[str, str]]:
        """Letter and text of each."""
        return [(letter, text) for text, letter in self._letter_of.items()]

    def lines(self) -> list[str]:
        """One line per footnote."""
        return [f"- <sup>{letter}</sup> {escape(text)}" for letter, text in self.listed()]


def _letter(index: int) -> str:
    rounds, place = divmod(index, len(ascii_lowercase))
    return ascii_lowercase[place] * (rounds + 1)


def escape(text: str) -> str:
    """Text that shows as it is: a bar does not end a cell, a star does not start emphasis, no tag is opened."""
    for sign in "\\|*`":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("<", "&lt;").replace("\n", " ")


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A Markdown table of ready-made text; the first `left` columns are aligned left, the others right."""
    import pandas as pd  # half a second, which a command that only prints help need not pay

    align = ["left"] * left + ["right"] * (len(headings) - left)
    frame = pd.DataFrame(list(rows), columns=list(headings), dtype=object)
    # numbers are text already: 85.30 must not become 85.3
    return frame.to_markdown(index=False, tablefmt="pipe", disable_numparse=True, colalign=align)


def source_title(source: Mapping[str, Any]) -> str:
    """E.g. `MLoRE (CVPR 2024), Table 2`."""
    what = f"Table {source['table']}" if "table" in source else f"Figure {source['figure']}"
    return f"{PAPERS.get(source['paper'], source['paper'])}, {what}"


CURVES = "_curves"
"""What the name of the figure of a table's training curves ends with."""


def figure_links(name: str, up: str) -> str:
    """Links to a table's figure and training curves; `up` leads from the page to the folder of the scale."""
    path = f"{up}figures/{name}"
    return (
        f"[figure]({path}.png) ([SVG]({path}.svg), [data]({path}.csv)), "
        f"[training curves]({path}{CURVES}.png) ([SVG]({path}{CURVES}.svg), [data]({path}{CURVES}.csv))"
    )


def scale_notice(scale: str) -> str:
    """The bold warning of every report that is not at the papers' own scale; empty at `paper`."""
    if scale == "paper":
        return ""
    return (
        f"**These numbers come from embedded synthetic scenes at the `{scale}` scale. "
        "They are not comparable with the papers' numbers.**"
    )


def counts(states: Sequence[str], names: Sequence[str]) -> str:
    """E.g. `1 complete, 0 partial`, in the order of `names`."""
    return ", ".join(f"{sum(s == n for s in states)} {n}" for n in names)


def details(summary: str, text: str) -> str:
    """A part that a code-hosting page shows folded; empty for an empty text."""
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>" if text else ""


def page(*parts: str) -> str:
    """Paragraphs separated by one empty line, with a final newline; empty ones are dropped."""
    return "\n\n".join(p for p in parts if p) + "\n"
