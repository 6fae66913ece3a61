"""An archive served by a host on this machine -> commands -> batches: the same bytes as scenes made in place.

At the real sizes, in the exact layout of the real archives.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from densemoe.data.flavour import MARKER
from densemoe.data.get import get_data
from densemoe.data.loaders import TrainLoader, ValLoader
from densemoe.data.packed import Reader
from densemoe.data.prepare import prepare_dataset
from densemoe.data.raw import LAYOUTS, ids_sha256, read_splits
from densemoe.data.scenes import SCENES_VERSION
from densemoe.data.transforms import NEEDS
from densemoe.params.errors import InputError
from tests.data.download.conftest import FILE, TOP, content, tar_of
from tests.data.download.server import Resource, Server

REPOSITORY = Path(__file__).parents[2]
SIZE = {"pascal_context": [375, 500], "nyud_v2": [425, 560]}
FRAME = {"pascal_context": [500, 500], "nyud_v2": [425, 560]}
CROP = {"pascal_context": (512, 512), "nyud_v2": (448, 576)}


def command(stage, cwd, *arguments):
    environment = {
        "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    call = [sys.executable, "-m", f"stages.{stage}", "--data", "mine", "--plan", "plan.yaml", *arguments]
    return subprocess.run(call, cwd=cwd, env=environment, capture_output=True, text=True)


def workplace(root, dataset, splits, url):
    """A folder with a plan and the facts of a data set of few images, which is served at `url`."""
    mirrors = [{"kind": "http", "url": url}]
    facts = {
        "outputs": {task: 1 for task in NEEDS[dataset]},
        "splits": {split: {"images": len(ids), "ids_sha256": ids_sha256(ids)} for split, ids in splits.items()},
        "frame": FRAME[dataset],
        "one_size": dataset == "nyud_v2",
        "place_by_hand": "Unpack it.",
        "licence": "Licence: research only.",
        "archives": [{"file": FILE[dataset], "flavour": LAYOUTS[dataset].flavour, "mirrors": mirrors}],
    }
    (root / "params/datasets").mkdir(parents=True)
    (root / f"params/datasets/{dataset}.yaml").write_text(yaml.safe_dump({"title": dataset, "facts": facts}))
    plan = {"data": {"mine": {"dataset": dataset, "options": {"kind": "archive"}}}}
    (root / "plan.yaml").write_text(yaml.safe_dump(plan))
    return root


@pytest.fixture(scope="module", params=sorted(TOP))
def both(request, tmp_path_factory):
    """Data set, folders `direct` and `fetched` with packed data, the served layout, what the commands said."""
    dataset, root = request.param, tmp_path_factory.mktemp(request.param)
    options = {"version": SCENES_VERSION, "size": SIZE[dataset], "train_images": 4, "val_images": 2, "kind": "scenes"}
    raw = root / TOP[dataset]
    get_data(dataset, options, raw, None, root / "none")
    prepare_dataset(dataset, raw, root / "direct", tuple(FRAME[dataset]), flavour="scenes")
    (raw / MARKER).unlink()
    archive = tar_of(raw)
    with Server() as server:
        server.pages[f"/{FILE[dataset]}"] = Resource(archive, cuts=[len(archive) // 3])
        fetched = workplace(root / "fetched", dataset, read_splits(dataset, raw), server.url(f"/{FILE[dataset]}"))
        said = [command("get_data", fetched), command("get_data", fetched)]
        # the cut and what followed it; nothing for the second command
        assert len(server.seen) == 2
    said.append(command("prepare", fetched, "--workers", "2"))
    return dataset, root / "direct", fetched, raw, said


@pytest.mark.slow
def test_what_the_commands_say(both):
    dataset, _, fetched, raw, said = both
    assert [done.returncode for done in said] == [0] * 3, [done.stderr for done in said]
    assert [done.stdout for done in said] == [f"data/{kind}/mine is complete\n" for kind in ("raw", "raw", "packed")]
    first, *others = (done.stderr for done in said)
    assert first.splitlines()[0] == "Licence: research only."
    assert first.splitlines()[1].startswith(f"{FILE[dataset]} from http://127.0.0.1:")
    assert others == [""] * 2
    assert content(fetched / "data/archives/mine") == content(raw)
    assert sorted(p.name for p in (fetched / "data/archives").iterdir()) == sorted([FILE[dataset], "mine"])
    assert (fetched / f"params/datasets/{dataset}.lock").is_file()


@pytest.mark.slow
def test_the_same_bytes(both):
    dataset, direct, fetched, *_ = both
    packed = [content(folder) for folder in (direct, fetched / "data/packed/mine")]
    assert len(packed[0]) == 6
    metas = [{name: json.loads(found.pop(name)) for name in sorted(found) if name.endswith("json")} for found in packed]
    assert packed[0] == packed[1]
    flavours = [{meta.pop("flavour") for meta in found.values()} for found in metas]
    assert metas[0] == metas[1]
    assert flavours == [{"scenes"}, {LAYOUTS[dataset].flavour}]


@pytest.mark.slow
def test_the_same_batches_from_either_codec(both):
    dataset, direct, fetched, *_ = both
    compact = fetched / "compact"
    prepare_dataset(dataset, fetched / "data/raw/mine", compact, tuple(FRAME[dataset]), codec="compact")
    small, large = (sum(p.stat().st_size for p in folder.rglob("*.bin")) for folder in (compact, direct))
    assert small < large / 3
    batches = []
    for folder in (direct, compact, fetched / "data/packed/mine"):
        train, val = (Reader(folder / split) for split in ("train", "val"))
        train.verify()
        options = {"crop": CROP[dataset], "tasks": tuple(NEEDS[dataset]), "batch_size": 2}
        batches.append([*TrainLoader(train, seed=1, start_step=0, stop_step=3, **options), *ValLoader(val, **options)])
    assert [len(found) for found in batches] == [4] * 3
    for first, *others in zip(*batches, strict=True):
        for other in others:
            assert first.keys() == other.keys()
            assert all(torch.equal(first[k], other[k]) if k != "id" else first[k] == other[k] for k in first)


@pytest.mark.slow
def test_each_is_refused_in_the_place_of_the_other(both):
    dataset, direct, fetched, *_ = both
    flavour = LAYOUTS[dataset].flavour
    with pytest.raises(InputError, match=f"holds the flavour 'scenes' of {dataset}, but '{flavour}' is needed"):
        Reader(direct / "val", flavour)
    with pytest.raises(InputError, match=f"holds the flavour '{flavour}' of {dataset}, but 'scenes' is needed"):
        Reader(fetched / "data/packed/mine/val", "scenes")
