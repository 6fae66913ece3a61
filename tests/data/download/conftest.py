"""Served archives in the real layouts, made by the scenes' writer."""

import io
import shutil
import tarfile
import zipfile

import pytest

from densemoe.data.download import obtain, web
from densemoe.data.flavour import MARKER
from densemoe.data.raw import LAYOUTS, ids_sha256, read_splits
from densemoe.data.scenes import write_dataset
from densemoe.params.files import DatasetFacts, parse
from tests.data.download.server import Server

TOP = {"pascal_context": "PASCALContext", "nyud_v2": "NYUDv2"}
FILE = {dataset: f"{top}.tar.gz" for dataset, top in TOP.items()}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(web, "WAIT", 0.0)
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def layouts(tmp_path_factory):
    """Folders of five images of each data set, as the real archives unpack; the renderer's marker is taken out."""
    root = tmp_path_factory.mktemp("layouts")
    for dataset, top in TOP.items():
        write_dataset(dataset, root / top, (48, 64), 3, 2)
        (root / top / MARKER).unlink()
    return {dataset: root / top for dataset, top in TOP.items()}


def tar_of(folder, edit=None):
    """The folder as NAME.tar.gz; `edit` may add to the open archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        tar.add(folder, folder.name)
        if edit is not None:
            edit(tar)
    return buffer.getvalue()


def zip_of(folder, edit=None):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder.parent))
        if edit is not None:
            edit(file)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def archives(layouts):
    return {dataset: tar_of(folder) for dataset, folder in layouts.items()}


@pytest.fixture(params=sorted(TOP))
def dataset(request):
    return request.param


@pytest.fixture
def case(dataset, server, layouts, archives, tmp_path):
    return Case(dataset, server, layouts[dataset], archives[dataset], tmp_path)


@pytest.fixture
def nyud(server, layouts, archives, tmp_path):
    """Where the data set makes no difference."""
    return Case("nyud_v2", server, layouts["nyud_v2"], archives["nyud_v2"], tmp_path)


class Case:
    """One data set, its served archive and the folder it is fetched into."""

    def __init__(self, dataset, server, layout, body, root):
        self.dataset, self.server, self.layout, self.body, self.root = dataset, server, layout, body, root
        self.file = FILE[dataset]
        self.folder = root / "archives" / dataset
        self.lock = root / "params" / f"{dataset}.lock"
        self.said = []

    def facts(self, *mirrors, **known):
        """Facts with these mirrors; a string is a path of the server."""
        splits = read_splits(self.dataset, self.layout)
        listed = [{"kind": "http", "url": self.server.url(m)} if isinstance(m, str) else m for m in mirrors]
        data = {
            "outputs": {"semseg": 21},
            "splits": {s: {"images": len(ids), "ids_sha256": ids_sha256(ids)} for s, ids in splits.items()},
            "frame": [64, 64],
            "place_by_hand": "Unpack THE archive there.",
            "archives": [
                {"file": self.file, "flavour": LAYOUTS[self.dataset].flavour, "mirrors": listed, **known},
                {"file": "OTHER.tgz", "flavour": "another", "mirrors": [{"kind": "http", "url": "http://never"}]},
            ],
            "licence": "Licence: research only.",
            "citation": ["Somebody 2000"],
        }
        return parse(DatasetFacts, data, "test")

    def obtain(self, *mirrors, source=None, **known):
        obtain(self.dataset, self.facts(*mirrors, **known), self.folder, self.lock, source=source, say=self.said.append)

    def names(self):
        """What lies in the archives' folder."""
        return sorted(p.name for p in self.folder.parent.iterdir()) if self.folder.parent.is_dir() else []

    def copy(self):
        """A copy of the layout to damage."""
        return shutil.copytree(self.layout, self.root / "damaged" / self.layout.name)


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
