"""A file server on this machine that can misbehave in every way that hosts do."""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Resource:
    """What a path answers. `cuts`: bytes after which the connection ends, one for each of the first requests."""

    body: bytes = b""
    status: int = 200
    type: str = "application/octet-stream"
    etag: str | None = None
    ranges: bool = True
    if_range: bool = True
    """Heeds If-Range, as hosts should."""
    length: bool = True
    cuts: list[int] = field(default_factory=list)
    redirect: str | None = None


class Server(ThreadingHTTPServer):
    """`pages` maps paths to resources; `seen` holds (path with query, Range header) of every request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, Resource] = {}
        self.seen: list[tuple[str, str | None]] = []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that goes away is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers.get("Range")
        server.seen.append((self.path, wanted))
        page = server.pages.get(self.path.partition("?")[0], Resource(status=404))
        start, status = 0, page.status
        if status == 200 and wanted and page.ranges and self._unchanged(page):
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            status = 206 if start < len(page.body) else 416
        body = b"" if status == 416 else page.body[start:]
        self.send_response(302 if page.redirect else status)
        if page.redirect:
            self.send_header("Location", page.redirect)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{len(page.body)}")
        if page.etag:
            self.send_header("ETag", page.etag)
        self.send_header("Content-Type", page.type)
        if page.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: page.cuts.pop(0)] if page.cuts else body)
        self.close_connection = True

    def _unchanged(self, page):
        return not page.if_range or self.headers.get("If-Range") in (None, page.etag)

    def log_message(self, *_):
        pass
