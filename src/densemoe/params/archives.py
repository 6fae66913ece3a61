"""Where a data set's archives come from: files, what is known of them, and mirrors in order of preference."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from densemoe.params.options import Options

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Md5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Url = Annotated[str, Field(pattern=r"^https?://\S+$")]


class HttpMirror(Options):
    """A plain address."""

    kind: Literal["http"]
    url: Url
    note: str = ""

    @property
    def address(self) -> str:
        """What names the mirror in messages."""
        return self.url


class DriveMirror(Options):
    """A public file of Google Drive."""

    kind: Literal["google_drive"]
    id: Annotated[str, Field(pattern=r"^[\w-]+$")]
    note: str = ""

    @property
    def address(self) -> str:
        """What names the mirror in messages."""
        return f"Google Drive {self.id}"


class SharePointMirror(Options):
    """A public share of SharePoint or OneDrive for Business."""

    kind: Literal["sharepoint"]
    url: Url
    note: str = ""

    @property
    def address(self) -> str:
        """What names the mirror in messages."""
        return self.url


class LocalMirror(Options):
    """A file of this machine, or a folder with the unpacked content."""

    kind: Literal["local"]
    path: str
    note: str = ""

    @property
    def address(self) -> str:
        """What names the mirror in messages."""
        return self.path


Mirror = Annotated[HttpMirror | DriveMirror | SharePointMirror | LocalMirror, Field(discriminator="kind")]


class Archive(Options):
    """One archive file that holds the data set; two with other content are two archives."""

    file: Annotated[str, Field(pattern=r"^[\w-][\w.-]*\.(tar|tar\.gz|tgz|zip)$")]
    """Its name below data/archives."""
    flavour: str
    """Which of the editions that share the data set's name it holds."""
    bytes: PositiveInt | None = None
    sha256: Sha256 | None = None
    """Where unknown, it is recorded in <data set>.lock when the file is first used, and compared ever after."""
    md5: Md5 | None = None
    mirrors: tuple[Mirror, ...] = ()
