"""The whole report as one HTML text: what to show is gathered here, how it looks stands in templates/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from densemoe.params.counting import COST_PREFIX
from densemoe.params.files import read_yaml
from densemoe.report import markdown, tables
from densemoe.report.audit.audit import audit
from densemoe.report.audit.text import audit_page
from densemoe.report.claims.report import STANDINGS, column_title
from densemoe.report.html.pictures import Pictures
from densemoe.report.html.runs import run_pages
from densemoe.report.index import RUN_STATES, ordered
from densemoe.report.model import ROW_STATES, VERDICTS
from densemoe.report.scale import Scale

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_LEGEND = Markup(MarkdownIt("commonmark").renderInline(tables.LEGEND))  # a text of ours, with a tag in it
VERDICT_SIGNS = {"reproduced": "✓", "within seed noise": "≈", "differs": "≠", "not comparable": ""}


def report_html(scale: Scale, logs: Path, failed: Mapping[str, str] | None = None) -> str:
    """The report of a scale.

    Args:
        scale: plan, tables and results.
        logs: folder with one folder of logs per stage; it need not exist.
        failed: run -> why its last attempt failed.
    """
    pictures = Pictures(scale.results.folder)
    shown = ordered(scale.tables)
    of_table = {table.name: pictures.of_table(table.name) for table in shown}
    runs = run_pages(scale, pictures, logs, failed or {})
    content: dict[str, Any] = {
        "scale": scale.index["scale"],
        "tables": shown,
        "pictures": of_table,
        "overviews": pictures.rest(),
        "runs": runs,
        "page_of": {page.name: page for page in runs},
        "failed": failed or {},
        "claims": scale.claims(),
        "audit": _audit(scale.params),
        "refusals": scale.results.refusals(),
        "notice": markdown.scale_notice(scale.index["scale"]),
    }
    return _environment().get_template("report.html.j2").render(content)


def _audit(params: Path) -> Markup:
    """The printed numbers against each other; only the printed side of the paper scale is read.

    Empty where that scale has no compiled plan.
    """
    if not (params / "plan" / "paper.yaml").is_file():
        return Markup("")
    index = read_yaml(params / "plan" / "paper.yaml")
    compiled = [read_yaml(params / "plan" / entry["file"]) for entry in index["tables"].values()]
    titles = {name: entry["title"] for name, entry in {**index["runs"], **index["pending"]}.items()}
    tokens = [t for t in _MARKDOWN.parse(audit_page(audit(compiled, titles))) if t.type != "hr"]
    first = next(i for i, t in enumerate(tokens) if t.type == "heading_close")
    return _render(tokens[first + 1 :])  # the page has a heading of its own


def _render(tokens: list[Token]) -> Markup:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + 1}"
    text = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    framed = text.replace("<table>", '<div class="scroll"><table class="data">').replace("</table>", "</table></div>")
    return Markup(framed)  # made by the renderer, which escapes


def _inline(text: str) -> Markup:
    """Bold, slanted and code of a sentence in Markdown."""
    return Markup(_MARKDOWN.renderInline(text))


def _anchor(name: str) -> str:
    """A name as an anchor: mlore/table02 -> mlore-table02."""
    return name.replace("/", "-")


def _of(key: str, mapping: Mapping[str, Any]) -> Any:
    return mapping[key]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("densemoe.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inline": _inline, "anchor": _anchor, "column_title": column_title}
    environment.filters |= {"source_title": markdown.source_title, "heading": tables.heading, "told": _told, "of": _of}
    environment.tests["of_costs"] = lambda key: key.startswith(COST_PREFIX)
    environment.globals |= {"t": tables, "Footnotes": markdown.Footnotes, "counts": markdown.counts}
    environment.globals |= {"GROUPS": markdown.GROUPS, "PAPERS": markdown.PAPERS, "STANDINGS": STANDINGS}
    environment.globals |= {"ROW_STATES": ROW_STATES, "RUN_STATES": RUN_STATES, "VERDICTS": VERDICTS}
    environment.globals |= {"VERDICT_SIGNS": VERDICT_SIGNS, "legend": _LEGEND}
    return environment


def _told(value: Any) -> str:
    """A value of YAML or JSON in words: lists with commas, `none` for nothing."""
    if isinstance(value, list):
        return "; ".join(map(_told, value)) if any(isinstance(v, dict) for v in value) else ", ".join(map(_told, value))
    if isinstance(value, dict):
        return ", ".join(f"{k} {_told(v)}" for k, v in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
