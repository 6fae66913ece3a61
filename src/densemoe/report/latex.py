r"""A table as a LaTeX fragment for `\input`; needs the packages booktabs and graphicx, any engine."""

from __future__ import annotations

from collections.abc import Iterable

from densemoe.report.markdown import Footnotes, scale_notice, source_title
from densemoe.report.model import Note, Row, Table
from densemoe.report.tables import heading, seeds_text, shown_ours

# what LaTeX reads as a command, and signs that are not in its default font
_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # else an optional argument after \\ or \midrule
    "]": "{]}",
    "*": "{*}",  # \\* is a command
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "Δ": r"$\Delta$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
    "’": "'",
}


def escape(text: str) -> str:
    """Text that LaTeX sets as it is; a sign that is neither ASCII nor known here becomes a question mark."""
    return "".join(_SIGNS.get(sign, sign if sign.isascii() else "?") for sign in " ".join(text.split()))


def table_latex(table: Table) -> str:
    """A `table` environment: ours, printed and difference of every row; notes below."""
    notes = Footnotes()
    info = len(table.info)
    head = [*map(escape, ("Row", *table.info, "Numbers"))]
    head += [escape(heading(c)) + _raised(notes, c.notes) for c in table.columns]
    body = [line for row in table.rows for line in _lines(table, row, notes)]
    caption = f"{source_title(table.source)}: {table.title}. Scale {table.scale}; {seeds_text(table)}."
    notice = scale_notice(table.scale).strip("*").replace("`", "")
    below = [escape(n.text) for n in table.notes]
    below += [rf"\textsuperscript{{{letter}}} {escape(text)}" for letter, text in notes.listed()]
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        rf"\caption{{{escape(caption)}" + (rf" \textbf{{{escape(notice)}}}" if notice else "") + "}",
        r"\centering",
        r"\resizebox{\linewidth}{!}{%",
        rf"\begin{{tabular}}{{{'l' * (info + 2)}{'r' * len(table.columns)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *body[:-1],
        body[-1].removesuffix(r" \addlinespace"),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\raggedright\footnotesize {text}" for text in below),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _lines(table: Table, row: Row, notes: Footnotes) -> Iterable[str]:
    """The lines of a row; a little space after the last."""
    cells = [row.cells[c.key] for c in table.columns]
    about_row = [n for n in row.notes if n.kind not in ("state", "origin", "formula")]
    head = [escape(row.label) + _raised(notes, about_row), *(escape(row.info.get(key, "")) for key in table.info)]
    blank = [""] * len(head)
    state = _raised(notes, [n for n in row.notes if n.kind == "state"])
    lines = [
        [*head, escape(f"{row.who} ({table.scale})") + state]
        + [_marked(escape(shown_ours(c)), c.rank) + _raised(notes, c.notes) for c in cells]
    ]
    if any(c.fitted for c in cells):
        formula = _raised(notes, [n for n in row.notes if n.kind == "formula"])
        lines.append([*blank, "fitted formula" + formula, *(c.fitted for c in cells)])
    if row.printed:
        origin = _raised(notes, [n for n in row.notes if n.kind == "origin"])
        printed = ["" if c.printed is None else escape(c.printed) for c in cells]
        if row.origin != "authors":
            printed = [rf"\textit{{{text}}}" if text else "" for text in printed]
        marked = [
            _marked(t, c.printed_rank) + _raised(notes, c.printed_notes) for t, c in zip(printed, cells, strict=True)
        ]
        lines.append([*blank, "printed" + origin, *marked])
    if any(c.difference for c in cells):
        lines.append([*blank, "difference", *(_math(c.difference) for c in cells)])
    if any(c.fitted_difference for c in cells):
        lines.append([*blank, "difference of the formula", *(_math(c.fitted_difference) for c in cells)])
    for at, line in enumerate(lines, start=1):
        yield " & ".join(line) + (r" \\ \addlinespace" if at == len(lines) else r" \\")


def _math(difference: str | None) -> str:
    """With the minus sign of mathematics; a cost's ends in a per cent sign."""
    number, blank, unit = (difference or "").partition(" ")
    return f"${number}$" + (rf"\,{escape(unit)}" if blank else "") if number else ""


def _raised(notes: Footnotes, about: Iterable[Note]) -> str:
    letters = notes.letters(*(n.text for n in about))
    return rf"\textsuperscript{{{letters}}}" if letters else ""


def _marked(text: str, rank: int | None) -> str:
    return {1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}.get(rank or 0, text)
