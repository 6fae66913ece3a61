"""The HTML report as text: everything is in it, nothing leads outside, every anchor resolves."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from html_scale import HOSTILE, TABLE, fill, routed_run, runs_of
from report_plan import Folder
from routing_plan import INDEX, document, put

from densemoe.report.html import pictures as pictures_module
from densemoe.report.html.curves import HEIGHT, MOST_POINTS, WIDTH, read_curves, sparkline
from densemoe.report.html.document import report_html
from densemoe.report.html.pictures import Pictures
from densemoe.report.html.routing import Routing, routing_of
from densemoe.report.model import Note
from densemoe.report.routing import RoutingResults
from densemoe.report.scale import Scale


class Page(HTMLParser):
    """Ids, addresses and tags of a page; asserts that what is opened is closed."""

    VOID = frozenset({"meta", "br", "img", "path"})

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: Counter[str] = Counter()
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags[tag] += 1
        if tag not in self.VOID:
            self._open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        self.loaded += [given[key] for key in ("src", "srcset", "data", "poster") if key in given]
        assert tag not in ("link", "iframe", "object", "base", "form")

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self._open.pop() == tag, (tag, self.getpos())


@pytest.fixture(scope="module")
def plan(root):
    return root / "params/plan/smoke.yaml"


@pytest.fixture(scope="module")
def scale(plan, tmp_path_factory):
    reports = tmp_path_factory.mktemp("html") / "reports"
    fill(reports, plan)
    return Scale.read(plan, reports)


@pytest.fixture(scope="module")
def text(scale):
    return report_html(scale, scale.results.reports.parent / "logs", {"a_run": "train a_run: no more room"})


def section(text, start, end):
    return text.partition(start)[2].partition(end)[0]


def test_every_anchor_resolves_and_nothing_leads_outside(text):
    page = Page(text)
    assert [i for i, count in Counter(page.ids).items() if count > 1] == []
    assert len(page.links) > 500
    assert {link for link in page.links if not link.startswith("#") or link[1:] not in page.ids} == set()
    assert len(page.loaded) == 4 and all(address.startswith("data:image/svg+xml;base64,") for address in page.loaded)
    style = section(text, "<style>", "</style>")
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in text
    assert "http" not in re.sub(r'"data:[^"]*"', "", text).replace('http-equiv="Content-Security-Policy"', "")


def test_every_table_says_its_scale_and_shows_its_numbers(text, scale):
    notice = "They are not comparable with the papers&#39; numbers."
    tables = re.findall(r'<section class="table".*?</section>', text, re.S)
    assert len(tables) == len(scale.tables) == 23
    assert all(notice.replace("&#39;", "'") in t.replace("&#39;", "'") for t in tables)
    table = section(text, f'id="table-{TABLE.replace("/", "-")}"', "</section>")
    assert '<td class="number value" data-column="1" data-value="12.34"><ins>' not in table  # third of four
    assert re.search(r'data-column="1" data-value="100.0"><strong>100.00</strong>', table)
    assert re.search(r'data-column="1" data-value="30.25"><ins>30.25</ins>', table)
    assert re.search(r'<td class="number missing" data-column="1" data-value="">–</td>', table)  # missing, never zero
    assert "ours (smoke)" in table and "difference (smoke)" in table and "No verdict on the printed numbers" in table
    assert table.count("<figure") == 2 and "No figure of this table" not in table
    assert text.count("No figure of this table is there yet.") == 22


def test_a_run_shows_all_that_is_known_of_it(text, plan):
    runs = runs_of(plan)
    part = section(text, f'<details class="run" id="run-{runs[0]}">', '<details class="run"')
    for said in ("c0ffee", "step 0, dirty no", "Semseg mIoU ↑ 12.34", "24 images", "Set by", "released code"):
        assert said in part, said
    assert part.count('<svg class="curve"') == 3 and 'aria-label="total: 4 at step 0, 1 at step 3"' in part
    assert "End of the log: train" in part and "early" not in part and HOSTILE not in part
    assert 'alt="sheets/' in part
    assert part.count('<tr><th scope="row"><code>') >= 40  # parameters
    other = section(text, f'<details class="run" id="run-{runs[2]}">', '<details class="run"')
    assert f"curves/{runs[2]}.csv is not a readable curve" in other
    assert f"routing/{runs[2]}.json" in other  # refused, in the sentence of whoever reads such files
    routed = section(text, f'<details class="run" id="run-{routed_run(plan)}">', '<details class="run"')
    assert 'style="--share: 0.250">0.25</td>' in routed and "scale 1 module 2" in routed
    assert "variant.seed" not in part


def test_text_of_others_stays_text(scale):
    table = replace(
        scale.tables[0], title="<img src=x onerror=alert(1)>", notes=(Note("note", "a <b>bold</b> & note"),)
    )
    text = report_html(replace(scale, tables=[table, *scale.tables[1:]]), scale.results.reports.parent / "logs")
    assert "<img src=x" not in text and "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "a &lt;b&gt;bold&lt;/b&gt; &amp; note" in text


def test_failures_and_refusals_are_named(text, scale):
    assert "train a_run: no more room" in text and "1 failed" in text
    assert 'id="refused"' not in text
    run = runs_of(scale.params / "plan/smoke.yaml")[1]
    Folder(scale.results.reports).put(run, {}).write_text("{")
    try:
        again = report_html(Scale.read(scale.params / "plan/smoke.yaml", scale.results.reports), scale.params)
    finally:
        scale.results.file(run, "plain").unlink()
    assert f"reports/smoke/metrics/{run}/plain.json: is not complete, readable JSON" in section(
        again, 'id="refused"', "</ul>"
    )
    assert ">unreadable" in section(again, f'id="table-{TABLE.replace("/", "-")}"', "</section>")


def test_the_paper_scale_has_verdicts_and_no_notice(root, tmp_path):
    plan = root / "params/plan/paper.yaml"
    scale = Scale.read(plan, tmp_path / "reports")
    (table,) = [t for t in scale.tables if t.name == TABLE]
    printed = [float(row.cells["semseg.miou"].printed) for row in table.rows]
    runs = [row.runs[0].run for row in table.rows]
    for run, value in ((runs[0], printed[0]), (runs[4], printed[4] - 5)):
        Folder(tmp_path / "reports").put(run, {"semseg": {"miou": value}}, scale="paper")
    text = report_html(Scale.read(plan, tmp_path / "reports"), tmp_path)
    assert "not comparable with the papers" not in text
    shown = section(text, f'id="table-{TABLE.replace("/", "-")}"', "</section>")
    lines = re.findall(r'<tr class="difference">.*?data-column="1" data-value="([^"]*)">(.*?)</td>', shown, re.S)
    assert lines[0][0] == "0.00" and 'title="reproduced' in lines[0][1] and "✓" in lines[0][1]
    assert lines[1][0] == "-5.00" and 'title="differs' in lines[1][1] and "≠" in lines[1][1]
    assert "≠ differs" in shown and '<th scope="col">Verdict</th>' in shown
    assert len(text) < 15e6


def test_a_sparkline_by_hand():
    def draw(steps, values):
        return sparkline("total", np.array(steps, dtype=float), np.array(values, dtype=float))

    line = draw([0, 10, 20], [2.0, 6.0, 4.0])
    assert line.path == f"M0.0 {HEIGHT:.1f}L{WIDTH / 2:.1f} 0.0L{WIDTH:.1f} {HEIGHT / 2:.1f}"
    assert (line.first, line.last, line.low, line.high, line.steps) == (2, 4, 2, 6, (0, 20))
    nan = float("nan")
    assert draw([0, 1, 2, 3], [1.0, nan, 1.0, 2.0]).path.count("M") == 2  # a gap, no zero
    assert draw([0, 1], [nan, nan]) is None
    assert draw([5], [3.0]).path == f"M{WIDTH / 2:.1f} {HEIGHT / 2:.1f}"
    long = draw(range(40_000), range(40_000))
    assert long.path.count("L") <= MOST_POINTS + 1 and long.path.endswith(f"L{WIDTH:.1f} 0.0")
    assert long.drawn == "every 267th written step and the last"


def test_curves_that_cannot_be_read_are_named(tmp_path):
    file = tmp_path / "run.csv"
    assert read_curves(file).absence == "not there yet"
    for content in ("step,total\nnan,1\n", "", "total\n1\n", "step,total\n0,much\n", "step,total\n1,2\n3,4,5\n"):
        file.write_text(content)
        assert read_curves(file).absence == "curves/run.csv is not a readable curve", content
    file.write_text("step,total\n")
    assert read_curves(file).absence == "no step is written yet"
    file.write_text("step,total,lr\n0,1,\n1,3,\n")
    assert [line.column for line in read_curves(file).lines] == ["total"]


def test_pictures_have_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures_module, "LARGEST", 100)
    monkeypatch.setattr(pictures_module, "ALL", 150)
    sizes = {"figures/mlore/table02.svg": 60, "figures/mlore/table02.png": 50, "figures/all.svg": 101}
    sizes |= {"sheets/a_run/b.png": 90, "sheets/a_run.jpg": 90, "notes/a_run.txt": 1}
    for name, size in sizes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    found = Pictures(tmp_path)
    (figure,) = found.of_table("mlore/table02")
    assert figure.uri.startswith("data:image/png;base64,eHh4") and figure.title == "mlore/table02"
    first, second = found.of_run("a_run")
    assert bool(first.uri) and second.uri == "" and second.absence.startswith("left out, 0.0 MB: sheets/a_run")
    (rest,) = found.rest()
    assert rest.absence.endswith("figures/all.svg") and not found.of_table("mlore/table03")


def test_routing_shows_ranks_and_a_refused_file_says_why(tmp_path):
    reports = tmp_path / "reports"
    put(reports, document())
    put(reports, document("run_a"), run="run_b")  # another run's file under this name
    results = RoutingResults(reports, INDEX)
    first = routing_of(results, "run_a").grids[0]
    assert (first.module, first.experts) == ("scale 1 module 1", ("2", "4", "8"))
    assert dict(first.rows)["semseg"] == (0.75, 1.0, 0.25)
    refused = routing_of(results, "run_b")
    assert refused.grids == () and "routing/run_b.json" in refused.absence and "run_a" in refused.absence
    assert routing_of(results, "run_c") == Routing()
    assert routing_of(RoutingResults(tmp_path / "empty", INDEX), "run_a").absence == "not measured yet"


def test_the_command_prints_path_and_size_and_imports_no_torch(root, plan, tmp_path):
    refuse = "import sys; sys.modules.update(torch=None, timm=None, torchvision=None)\n"
    code = f"{refuse}import runpy; runpy.run_module('stages.render_html', run_name='__main__', alter_sys=True)"
    words = ["--plan", str(plan), "--reports", str(tmp_path / "reports"), "--logs", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\S+/reports/smoke/report\.html: \d+\.\d MB\n", done.stdout)
    assert [p.name for p in (tmp_path / "reports").rglob("*.*")] == ["report.html"]
