"""CSV and LaTeX of the same table: complete, escaped, and compiled by a real LaTeX where there is one."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess

import pytest
from report_plan import TOLERANCES, cell, index_of, row, table

from densemoe.params.files import read_yaml
from densemoe.params.tolerances import read_tolerances
from densemoe.report.build import build_table
from densemoe.report.csv_table import table_csv
from densemoe.report.latex import escape, table_latex
from densemoe.report.results import Results

NASTY = r"100 % & $x_1$ #2 {a} ~ ^ \end{tabular} [opt] ** <b> | é"


def nasty(folder):
    folder.put("a", {"semseg": {"miou": 50.123456}})
    rows = [
        row("= one, " + NASTY, {"all": cell("a")}, paper={"semseg.miou": "77.38"}, info={"Back & bone": NASTY}),
        row("Quoted", {"all": cell("b")}, paper={"semseg.miou": "80.00"}, origin="quoted", note=NASTY),
    ]
    compiled = table(["semseg.miou"], rows) | {"title": NASTY, "note": NASTY}
    return build_table(compiled, folder.results(index_of("a", "b")), TOLERANCES)


def test_csv_holds_every_number_once_in_full(folder):
    lines = list(csv.DictReader(io.StringIO(table_csv(nasty(folder)))))
    assert len(lines) == 2
    first, second = lines
    assert first["row"] == "= one, " + NASTY
    assert (first["ours"], first["shown"], first["printed"]) == ("50.123456", "50.12", "77.38")
    assert (first["difference"], first["scale"], first["verdict"]) == ("-27.26", "smoke", "not comparable")
    assert (second["state"], second["ours"], second["origin"], second["printed_rank"]) == ("missing", "", "quoted", "1")
    assert NASTY in second["notes"]


def test_latex_escapes_everything_that_is_a_command():
    assert escape("a_b & 5 %") == r"a\_b \& 5 \%"
    assert escape("\\input{x}") == r"\textbackslash{}input\{x\}"
    assert escape("Δm ↑ ± – é\nnext") == r"$\Delta$m $\uparrow$ $\pm$ -- ? next"


def check_form(text: str, columns: int) -> int:
    """Balanced braces and environments, and in every line of the table the same number of cells."""
    bare = re.sub(r"\\[\\{}&%$#_]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\begin\{(\w+)\}", text) == ["table", "tabular"]
    assert re.findall(r"\\end\{(\w+)\}", text) == ["tabular", "table"]
    assert text.isascii()
    lines = [line for line in text.splitlines() if r" \\" in line]
    assert all(len(re.findall(r"(?<!\\)&", line)) == columns - 1 for line in lines)
    return len(lines)


def test_latex_form_of_a_nasty_table(folder):
    text = table_latex(nasty(folder))
    # heading; ours, printed and difference; ours and printed
    assert check_form(text, columns=4) == 1 + 3 + 2
    assert r"\textit{80.00}" in text and r"\textbf{\textit{80.00}}" in text
    assert r"\textbf{These numbers come from embedded synthetic scenes at the smoke scale." in text


@pytest.fixture(scope="module")
def fragments(root):
    """LaTeX of all declared tables with the numbers that are committed."""
    index = read_yaml(root / "params/plan/smoke.yaml")
    results = Results.from_index(root / "reports", index)
    tolerances = read_tolerances(root / "params")
    tables = [read_yaml(root / "params/plan" / e["file"]) for e in index["tables"].values()]
    return [build_table(t, results, tolerances) for t in tables]


def test_latex_form_of_all_declared_tables(fragments):
    assert len(fragments) == 23
    for built in fragments:
        check_form(table_latex(built), columns=2 + len(built.info) + len(built.columns))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
@pytest.mark.slow
def test_latex_compiles(fragments, folder, tmp_path):
    texts = [table_latex(built) for built in [nasty(folder), *fragments]]
    document = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    document += "\n\\clearpage\n".join(texts) + "\n\\end{document}\n"
    (tmp_path / "all.tex").write_text(document)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-3000:]
    pages = re.search(r"Output written on all\.pdf \((\d+) pages", done.stdout)
    assert pages and int(pages[1]) >= len(texts)
