"""Web pages that come in the place of a file: told by their first bytes, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

LOOK = 512
"""Bytes that are enough to tell."""


def is_page(content_type: str, start: bytes) -> bool:
    """An answer of this type that begins so is a web page."""
    # never trust the type alone: hosts send archives as text/html and pages as octet-stream
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head")) or (
        content_type.partition(";")[0].strip().lower() == "text/html" and not start.startswith((b"\x1f\x8b", b"PK"))
    )


@dataclass
class Form:
    """One form of a page: where it leads and its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """Title, text and forms of a web page."""

    def __init__(self, html: str):
        super().__init__()
        self.title, self.text, self.forms = "", "", []
        self._in_title = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect forms and their fields."""
        values = {key: value or "" for key, value in attrs}
        if tag == "title":
            self._in_title = True
        elif tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag == "input" and self.forms and "name" in values:
            self.forms[-1].fields[values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Close the title."""
        self._in_title = self._in_title and tag != "title"

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if self._in_title:
            self.title += data.strip()
        self.text += data
