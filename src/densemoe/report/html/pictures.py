"""Pictures that other stages wrote below the folder of a scale, as data URIs of bounded size.

A picture belongs to a table (`figures/<paper>/<table>.*`, `figures/<paper>/<table>_curves.*`), to a run (the file or a
folder above it is named after the run, e.g. a contact sheet), or to the scale.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
LARGEST, ALL = 1_000_000, 9_000_000
"""Bytes of one picture and of all: the report stays below 15 MB when it is written out in base64."""


@dataclass(frozen=True)
class Picture:
    """One picture; without a `uri` it was left out, and `absence` says why."""

    path: str
    """Below the folder of the scale, without the ending."""
    uri: str = ""
    absence: str = ""

    @property
    def title(self) -> str:
        """E.g. `mlore/table02 curves`."""
        return self.path.removeprefix("figures/").replace("_", " ")


class Pictures:
    """All pictures of a scale. Where one is there as SVG and PNG, the smaller file is taken."""

    def __init__(self, folder: Path):
        self.folder, self._room = folder, ALL
        self._files: dict[str, Path] = {}
        self._shown: dict[str, Picture] = {}
        self._named: dict[str, list[str]] = {}
        for file in sorted(folder.rglob("*")):
            if file.suffix in KINDS and file.is_file():
                path = file.relative_to(folder).with_suffix("").as_posix()
                known = self._files.get(path)
                if known is None or file.stat().st_size < known.stat().st_size:
                    self._files[path] = file
        for path in self._files:
            for part in PurePosixPath(path).parts:
                self._named.setdefault(part, []).append(path)

    def of_table(self, table: str) -> list[Picture]:
        """Figure and training curves of a table, in this order, as far as they are there."""
        return [self._show(p) for p in (f"figures/{table}", f"figures/{table}_curves") if p in self._files]

    def of_run(self, run: str) -> list[Picture]:
        """Pictures in a file or folder named after a run."""
        return [self._show(p) for p in self._named.get(run, ())]

    def rest(self) -> list[Picture]:
        """Pictures that nobody asked for so far: those of the whole scale."""
        return [self._show(p) for p in self._files if p not in self._shown]

    def _show(self, path: str) -> Picture:
        if path not in self._shown:
            self._shown[path] = self._embed(path, self._files[path])
        return self._shown[path]

    def _embed(self, path: str, file: Path) -> Picture:
        size = file.stat().st_size
        if size > min(LARGEST, self._room):
            return Picture(path, absence=f"left out, {size / 1e6:.1f} MB: {file.relative_to(self.folder).as_posix()}")
        self._room -= size
        content = base64.b64encode(file.read_bytes()).decode("ascii")
        return Picture(path, f"data:{KINDS[file.suffix]};base64,{content}")
