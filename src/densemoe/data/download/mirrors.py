"""The kinds of mirror on the web, and how each is asked for a file."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests

from densemoe.data.download.failure import MirrorError
from densemoe.data.download.page import Page
from densemoe.data.download.web import TIMEOUT, Ask, PageInstead
from densemoe.params.archives import DriveMirror, HttpMirror, SharePointMirror

DRIVE = "https://drive.usercontent.google.com/download"
_QUOTA = ("quota exceeded", "too many users have viewed or downloaded")

WebMirror = HttpMirror | DriveMirror | SharePointMirror


def request_of(mirror: WebMirror, session: requests.Session) -> Ask:
    """What to call for the file of a mirror."""
    if isinstance(mirror, DriveMirror):
        return _ask(session, f"{DRIVE}?{urlencode({'id': mirror.id, 'export': 'download', 'confirm': 't'})}")
    if isinstance(mirror, SharePointMirror):
        return _ask(session, _with_download(mirror.url))
    return _ask(session, mirror.url)


def request_behind(mirror: WebMirror, session: requests.Session, found: PageInstead) -> Ask:
    """What to call after a web page came: the form of Google Drive's "too large to scan" page.

    Raises MirrorError that says what kind of page it is where it leads nowhere.
    """
    page = found.page
    if isinstance(mirror, DriveMirror):
        text = f"{page.title} {page.text}".lower()
        if any(sign in text for sign in _QUOTA):
            raise MirrorError(
                "Google Drive's daily quota for this file is used up; it opens again after about 24 hours, and with an "
                "account the file can be copied and the copy downloaded"
            ) from None
        if address := _confirmed(page):
            return _ask(session, address)
        raise MirrorError(f"Google Drive shows a page instead of the file ({page.title!r})") from None
    if isinstance(mirror, SharePointMirror):
        raise MirrorError(
            f"SharePoint shows a page instead of the file ({page.title!r}): the share has ended or asks for a log-in"
        ) from None
    raise found


def _ask(session: requests.Session, url: str) -> Ask:
    return lambda headers: session.get(url, headers=headers, stream=True, timeout=TIMEOUT)


def _with_download(url: str) -> str:
    """The same share with `download=1`, which makes SharePoint send the file instead of its viewer."""
    parts = urlsplit(url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key != "download"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("download", "1")])))


def _confirmed(page: Page) -> str | None:
    """Where the page's form leads, with its hidden fields."""
    for form in page.forms:
        if {"id", "confirm"} <= form.fields.keys():
            return f"{urljoin(DRIVE, form.action)}?{urlencode(form.fields)}"
    return None
