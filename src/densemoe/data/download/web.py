"""One file over HTTP: resumed where it was cut, and never a web page in its place."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.retry import Retry

from densemoe.data.download.failure import MirrorError
from densemoe.data.download.page import LOOK, Page, is_page
from densemoe.data.download.part import Origin, Part

CHUNK = 1 << 16
PAGE = 1 << 20
"""Bytes of a web page that are looked at."""
TIMEOUT = (15, 60)
"""Seconds to connect, and between two pieces."""
TRIES = 4
"""Connections in a row that bring no new byte before the mirror is given up."""
WAIT = 1.0
"""Seconds before the first repetition; each further one waits twice as long."""

Ask = Callable[[dict[str, str]], requests.Response]
"""Headers -> the answer to a GET request, its body not yet read."""
Progress = Callable[[int, int], None]


class PageInstead(MirrorError):
    """A web page came; `page` is what it says."""

    def __init__(self, page: Page):
        self.page = page
        super().__init__(f"a web page came instead of the file{f' ({page.title!r})' if page.title else ''}")


def new_session() -> requests.Session:
    """A session with cookies that repeats a request when the connection fails or the host is busy."""
    session = requests.Session()
    # Retry-After may be hours; the next mirror is better then
    retry = Retry(
        total=2, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=False, raise_on_status=False,
    )  # fmt: skip
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers["User-Agent"] = "densemoe"
    return session


def receive(ask: Ask, part: Part, *, room: Callable[[int, int], None], progress: Progress | None = None) -> None:
    """Bring `part` to its end.

    Args:
        ask: makes the request.
        part: where the bytes go; what it already holds is not fetched again if the host still has the same file.
        room: called with bytes in all and bytes there, before more are written; raises when they do not fit.
        progress: called with bytes there and bytes in all.

    Raises MirrorError, and OSError for a full disk, which removes the part; anything else keeps it.

    """
    failures = 0
    while True:
        before = part.size
        try:
            if _once(ask, part, room, progress):
                return
            problem = "the host sends another part of the file than it was asked for"
            failures += 1
        except requests.RequestException as error:
            problem = _reason(error)
            failures = 1 if part.size > before else failures + 1
        except OSError:
            # a full disk: what is there would keep it full
            part.discard()
            raise
        if failures >= TRIES:
            kept = f"; {part.size} bytes are kept, run the same command again to go on" if part.size else ""
            raise MirrorError(f"{problem}{kept}")
        time.sleep(WAIT * 2 ** (failures - 1))


def _once(ask: Ask, part: Part, room: Callable[[int, int], None], progress: Progress | None) -> bool:
    """One request; True when the file is whole, False when it must be asked for anew."""
    headers = {"Accept-Encoding": "identity"}
    if start := part.size:
        headers["Range"] = f"bytes={start}-"
        if part.origin.validator:
            headers["If-Range"] = part.origin.validator
    with ask(headers) as answer:
        if answer.status_code == 416 and start:
            return _is_whole(answer, part)
        if answer.status_code not in (200, 206):
            raise MirrorError(f"the host answers {answer.status_code} {answer.reason}")
        pieces = _pieces(answer)
        first = _beginning(pieces)
        if start == 0 or answer.status_code == 200:
            _refuse_page(answer, first, pieces)
        origin = _origin(answer, part.origin.address)
        if answer.status_code == 200:
            # the host knows no ranges, or has another file by now
            start = 0
        elif _first_byte(answer) != start or not part.origin.same_file(origin):
            part.discard()
            return False
        if origin.total is not None:
            room(origin.total, start)
        if start == 0:
            part.begin(origin)
        _write(part.path, chain([first], pieces), lambda size: progress and progress(size, origin.total or 0))
    if origin.total is not None and part.size < origin.total:
        raise requests.ConnectionError("the connection was cut")
    if origin.total is not None and part.size > origin.total:
        part.discard()
        return False
    return True


def _write(path: Path, pieces: Iterable[bytes], report: Callable[[int], object]) -> None:
    try:
        with path.open("ab") as file:
            for piece in pieces:
                file.write(piece)
                report(file.tell())
    except OSError as error:
        if error.filename is None and not isinstance(error, requests.RequestException):
            error.filename = str(path)
        raise


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body as it comes in: `iter_content` would lose the last bytes before a cut. Raises RequestException."""
    try:
        while piece := answer.raw.read1(CHUNK, decode_content=False):
            yield piece
    except ReadTimeoutError as error:
        raise requests.Timeout(error) from None
    except HTTPError as error:
        raise requests.ConnectionError(error) from None


def _beginning(pieces: Iterator[bytes]) -> bytes:
    """The first bytes, enough to tell a page."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= LOOK:
            break
    return start


def _is_whole(answer: requests.Response, part: Part) -> bool:
    """416: nothing lies beyond what is there, so it is whole or of another file."""
    found = re.fullmatch(r"bytes \*/(\d+)", answer.headers.get("Content-Range", ""))
    if found and int(found[1]) == part.size and part.origin.total in (None, part.size):
        return True
    part.discard()
    return False


def _refuse_page(answer: requests.Response, first: bytes, pieces: Iterator[bytes]) -> None:
    if is_page(answer.headers.get("Content-Type", ""), first[:LOOK]):
        html = first
        while len(html) < PAGE and (piece := next(pieces, b"")):
            html += piece
        raise PageInstead(Page(html.decode("utf-8", "replace")))


def _origin(answer: requests.Response, address: str) -> Origin:
    if answer.status_code == 206:
        found = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        total = int(found[1]) if found else None
    else:
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
    return Origin(address, total, answer.headers.get("ETag"), answer.headers.get("Last-Modified"))


def _first_byte(answer: requests.Response) -> int | None:
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "the host does not answer in time"
    text = str(error)
    for sign, meaning in (
        ("NameResolution", "the host's name is not known"),
        ("refused", "the host refuses the connection"),
        ("IncompleteRead", "the connection was cut"),
        ("cut", "the connection was cut"),
        ("reset", "the connection was cut"),
        ("closed", "the connection was cut"),
        ("SSL", "the host's certificate is not accepted"),
    ):
        if sign in text:
            return meaning
    return f"the connection failed ({type(error).__name__})"
