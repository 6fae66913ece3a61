"""Archives put there by hand are checked and never touched; the commands end bad input with one sentence."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densemoe.data.get import get_data
from densemoe.data.packed import Reader
from densemoe.data.raw import LAYOUTS, ids_sha256, locate
from densemoe.data.verify import check_archive
from densemoe.params.errors import InputError
from densemoe.params.files import DatasetFacts, Params, parse
from tests.data.raw_layouts import NYUD_SIZE, WRITE

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(params=sorted(LAYOUTS))
def archive(request, tmp_path):
    dataset, folder = request.param, tmp_path / "raw"
    splits = WRITE[dataset](folder)
    data = {
        "outputs": {"semseg": 21},
        "splits": {s: {"images": len(ids), "ids_sha256": ids_sha256(ids)} for s, ids in splits.items()},
        "frame": [40, 45],
        "place_by_hand": "Unpack THE archive.",
    }
    return dataset, folder, splits, parse(DatasetFacts, data, "test")


def content(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_complete_archive_is_linked_untouched(archive):
    dataset, folder, _, facts = archive
    before = content(folder)
    raw = folder.with_name("made") / "raw"
    for _ in range(2):  # a second time changes nothing
        get_data(dataset, {"kind": "archive"}, raw, facts, folder)
        assert raw.is_symlink() and content(raw / ".") == before == content(folder)
    assert len(before) > 30


def test_a_folder_in_the_place_of_the_link_is_kept(archive):
    dataset, folder, _, facts = archive
    own = folder.with_name("own")
    (own / "images").mkdir(parents=True)
    with pytest.raises(InputError, match=r"own is a folder of its own; move it to .*raw and run this again"):
        get_data(dataset, {"kind": "archive"}, own, facts, folder)
    assert (own / "images").is_dir()


def _shorten(folder, dataset, split):
    path = folder / LAYOUTS[dataset].split.format(split=split)
    path.write_text("\n".join(path.read_text().split()[:-1]))


def _reverse(folder, dataset, split):
    path = folder / LAYOUTS[dataset].split.format(split=split)
    path.write_text("\n".join(path.read_text().split()[::-1]))


def _nest(folder, *_):
    inner = folder.rename(folder.with_name("x"))
    folder.mkdir()
    inner.rename(folder / "ARCHIVE")


def _enlarge(folder, dataset, split):
    image = sorted((folder / {"nyud_v2": "images", "pascal_context": "JPEGImages"}[dataset]).iterdir())[0]
    Image.fromarray(np.zeros((480, 640, 3), np.uint8)).save(image)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_shorten, "lists 1 ids; the val split has 2"),
        (_reverse, "lists other ids than the val split: sha256"),
        (_nest, "one folder too deep, in ARCHIVE; move its content up"),
        (_enlarge, "is 480x640; images are at most 40x45, so this is another edition"),
        (lambda f, *_: f.rename(f.with_name("gone")), "Folder .* is missing"),
    ],
)
def test_incomplete_archives(archive, damage, reason):
    dataset, folder, _, facts = archive
    damage(folder, dataset, "val")
    with pytest.raises(InputError, match=rf"{reason}.* Unpack THE archive\. \(The folder is {folder}\.\)"):
        check_archive(dataset, folder, facts)


def test_missing_file_names_id_and_folder(archive):
    dataset, folder, splits, facts = archive
    (folder / {"nyud_v2": "edge", "pascal_context": "sal_distill"}[dataset] / f"{splits['val'][1]}.png").unlink()
    with pytest.raises(InputError, match=rf"Image '{splits['val'][1]}' has no .* Unpack THE archive"):
        check_archive(dataset, folder, facts)


def test_an_edition_of_nyud_that_nobody_knows(tmp_path):
    splits = WRITE["nyud_v2"](tmp_path)
    for path in sorted((tmp_path / "images").iterdir()):
        path.rename(path.with_suffix(".jpg"))
    facts = Params(REPOSITORY / "params").dataset("nyud_v2")
    fitting = facts.model_copy(
        update={"splits": {s: facts.splits[s].model_copy(update={"images": len(i), "ids_sha256": None})
                           for s, i in splits.items()}}
    )  # fmt: skip
    with pytest.raises(InputError, match=r"is of no flavour of nyud_v2 known here: images \.jpg, seg"):
        check_archive("nyud_v2", tmp_path, fitting)


def test_one_size_for_every_image(archive):
    dataset, folder, _, facts = archive
    if dataset == "nyud_v2":
        check_archive(dataset, folder, facts.model_copy(update={"frame": NYUD_SIZE, "one_size": True}))
    with pytest.raises(InputError, match="every image is 40x45, so this is another edition"):
        check_archive(dataset, folder, facts.model_copy(update={"one_size": True}))


@pytest.mark.parametrize("which", [0, -1])
def test_content_is_looked_into(archive, which):
    """Dtype and range of a label are checked without a checksum, here of the first and the last image of a split."""
    dataset, folder, splits, facts = archive
    path = locate(dataset, folder, splits["train"][which])["semseg"]
    Image.fromarray(np.full(np.array(Image.open(path)).shape, 60, np.uint8)).save(path)
    with pytest.raises(InputError, match=rf"{path.name} holds class 60; allowed are 0 to"):
        check_archive(dataset, folder, facts)


def test_unknown_kind(archive):
    dataset, folder, _, facts = archive
    with pytest.raises(InputError, match="Unknown kind of data 'url'; allowed are archive, scenes"):
        get_data(dataset, {"kind": "url"}, folder, facts, folder)


def command(stage, cwd, *arguments):
    environment = {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "OMP_NUM_THREADS": "1"}
    call = [sys.executable, "-m", f"stages.{stage}", "--params", str(REPOSITORY / "params"), *map(str, arguments)]
    return subprocess.run(call, cwd=cwd, env=environment, capture_output=True, text=True)


def test_commands_pack_what_the_plan_names(tmp_path):
    WRITE["nyud_v2"](tmp_path / "data/archives/mine")
    plan = tmp_path / "plan.yaml"
    plan.write_text("data: {mine: {dataset: nyud_v2, options: {kind: archive}}}\n")
    refused = command("get_data", tmp_path, "--data", "mine", "--plan", plan)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith(
        "error: data/archives/mine/gt_sets/train.txt lists 4 ids; the train split has 795. "
    )
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "data/raw").exists()
    (tmp_path / "data/raw").mkdir()
    (tmp_path / "data/raw/mine").symlink_to("../archives/mine")
    packed = command("prepare", tmp_path, "--data", "mine", "--plan", plan)
    assert (packed.returncode, packed.stdout) == (0, "data/packed/mine is complete\n")
    assert len(Reader(tmp_path / "data/packed/mine/val")) == 2
    unknown = command("prepare", tmp_path, "--data", "yours", "--plan", plan)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith(f"error: {plan}: ")
    assert "mine" in unknown.stderr
