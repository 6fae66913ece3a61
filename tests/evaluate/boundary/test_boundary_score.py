"""A set of images: order, processes, resuming, few thresholds; files on disk and the command."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat
from scipy.ndimage import gaussian_filter

from densemoe.evaluate.boundary import files as files_module
from densemoe.evaluate.boundary import score as score_module
from densemoe.evaluate.boundary.counts import UNKNOWN
from densemoe.evaluate.boundary.files import MapFiles, id_set, read_id_list, require_id_set
from densemoe.evaluate.boundary.report import curve, summary
from densemoe.evaluate.boundary.score import score_set
from densemoe.params.errors import InputError

BOTH = ("max_cardinality", "seism_compat")


def case(seed, shape=(48, 64)):
    """A segmentation of blobs and a blurred, noisy prediction of its borders."""
    random = np.random.default_rng(seed)
    labels = sum((gaussian_filter(random.normal(size=shape), 6) > 0) << i for i in range(3))
    edges = sum(abs(d) > 0 for d in np.gradient(labels.astype(float))) > 0
    blurred = gaussian_filter(edges.astype(float), 1.2)
    noise = 0.1 * gaussian_filter(random.random(shape), 1)
    return (np.clip(blurred / blurred.max() * random.uniform(0.5, 1) + noise, 0, 1) * 255).astype(np.uint8), labels


@dataclass
class Memory:
    """Maps in memory that note what was read; fails at the read of `breaks_at`."""

    cases: dict
    breaks_at: str = ""
    reads: list = field(default_factory=list)
    prints: dict = field(default_factory=dict)

    def read(self, image_id):
        if image_id == self.breaks_at:
            raise KeyboardInterrupt
        self.reads.append(image_id)
        return self.cases[image_id]

    def fingerprint(self, image_id):
        return self.prints.get(image_id, "same")


@pytest.fixture(scope="module")
def cases():
    return {f"{i:03d}": case(i) for i in range(12)}


@pytest.fixture(scope="module")
def full(cases):
    return score_set(Memory(cases), list(cases), protocol="nyud", counts=BOTH)


def write_set(folder, cases, protocol="nyud"):
    predictions, truth = folder / "predictions", folder / "truth"
    predictions.mkdir(parents=True)
    truth.mkdir()
    for name, (prediction, labels) in cases.items():
        Image.fromarray(prediction).save(predictions / f"{name}.png")
        if protocol == "nyud":
            Image.fromarray(labels.astype(np.uint8)).save(truth / f"{name}.png")
        else:
            savemat(truth / f"{name}.mat", {"LabelMap": labels.astype(np.uint16)})
    return predictions, truth


def same(one, two):
    by_id = {image.image_id: image for image in two}
    assert len(by_id) == len(one) > 0
    for image in one:
        other = by_id[image.image_id]
        for count in BOTH:
            assert np.array_equal(image.matched[count], other.matched[count]), (image.image_id, count)
        assert np.array_equal(image.predicted, other.predicted)


def test_order_of_images_does_not_matter(cases, full):
    shuffled = list(np.random.default_rng(0).permutation(list(cases)))
    other = score_set(Memory(cases), shuffled, protocol="nyud", counts=BOTH)
    assert [image.image_id for image in other] == shuffled
    same(full, other)
    assert summary(full, protocol="nyud") == summary(other, protocol="nyud")


def test_number_of_processes_does_not_matter(tmp_path, cases, full):
    maps = MapFiles(*write_set(tmp_path, cases), "nyud")
    steps = []
    pooled = score_set(
        maps, list(cases), protocol="nyud", counts=BOTH, workers=2, progress=lambda *step: steps.append(step)
    )
    same(full, pooled)
    assert steps == [(i, 12) for i in range(1, 13)]


@pytest.mark.parametrize("count", [("max_cardinality",), ("seism_compat",), BOTH])
def test_only_ods_is_exact_with_fewer_thresholds(cases, full, count):
    few = score_set(Memory(cases), list(cases), protocol="nyud", counts=count, only_ods=True)
    everything, short = summary(full, protocol="nyud"), summary(few, protocol="nyud")
    for name in count:
        assert short[name] == {"ods": everything[name]["ods"]}
    if "max_cardinality" in count:
        assert short["metrics"] == everything["metrics"]
    done = np.mean([image.matched[count[0]] != UNKNOWN for image in few])
    assert done < 0.6
    assert 0.3 < everything["max_cardinality"]["ods"]["f"] < 1


@settings(max_examples=25, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 999), min_size=1, max_size=14, unique=True),
    protocol=st.sampled_from(["nyud", "pascal"]),
    count=st.sampled_from([("max_cardinality",), ("seism_compat",), BOTH]),
    kind=st.sampled_from(["lines", "noise", "coarse", "mixed"]),
    room=st.sampled_from([0, 20_000, 1 << 28]),
)
def test_only_ods_equals_the_full_curve_on_any_set(seeds, protocol, count, kind, room):
    """F, precision, recall and threshold; with room to keep all images ready, some, and none."""
    cases = {}
    for seed in seeds:
        prediction, labels = case(seed, (24, 32))
        random = np.random.default_rng(seed)
        if kind == "noise" or (kind == "mixed" and seed % 3 == 0):
            prediction = random.integers(0, 256, prediction.shape).astype(np.uint8)
        if kind == "coarse":  # few values: many thresholds are equal, and the first must be found
            prediction = prediction // 64 * 64
        if seed % 7 == 0:
            labels = np.zeros_like(labels)
        cases[str(seed)] = prediction, labels
    before, score_module._KEEP = score_module._KEEP, room
    try:
        few = score_set(Memory(cases), list(cases), protocol=protocol, counts=count, only_ods=True)
    finally:
        score_module._KEEP = before
    everything = score_set(Memory(cases), list(cases), protocol=protocol, counts=count)
    short, whole = summary(few, protocol=protocol), summary(everything, protocol=protocol)
    for name in count:
        assert short[name]["ods"] == whole[name]["ods"]


def test_only_ods_evaluates_few_thresholds_and_reads_no_image_twice(cases, monkeypatch):
    maps = Memory(cases)
    few = score_set(maps, list(cases), protocol="nyud", only_ods=True)
    assert sorted(maps.reads) == list(cases)
    assert np.mean([(image.matched["max_cardinality"] != UNKNOWN).sum() for image in few]) < 15
    monkeypatch.setattr(score_module, "_KEEP", 0)
    again = Memory(cases)
    unkept = score_set(again, list(cases), protocol="nyud", only_ods=True)
    assert len(again.reads) > len(cases)
    assert summary(unkept, protocol="nyud") == summary(few, protocol="nyud")


def test_only_ods_resumes_after_a_kill_and_in_more_processes(tmp_path, cases, full):
    journal = tmp_path / "boundary.jsonl"
    killed = Memory(cases, breaks_at="010")
    with pytest.raises(KeyboardInterrupt):
        score_set(killed, list(cases), protocol="nyud", counts=BOTH, journal=journal, only_ods=True)
    assert len(killed.reads) >= 8
    written = journal.read_text().splitlines()
    assert len(written) >= 1 + 8
    maps = MapFiles(*write_set(tmp_path, cases), "nyud")
    pooled = score_set(maps, list(cases), protocol="nyud", counts=BOTH, only_ods=True, workers=2)
    resumed = score_set(Memory(cases), list(cases), protocol="nyud", counts=BOTH, journal=journal, only_ods=True)
    assert journal.read_text().splitlines()[: len(written)] == written  # what was done counts
    for name in BOTH:
        expected = summary(full, protocol="nyud")[name]["ods"]
        assert summary(resumed, protocol="nyud")[name]["ods"] == expected
        assert summary(pooled, protocol="nyud")[name]["ods"] == expected


def test_only_ods_is_exact_when_the_first_images_mislead(monkeypatch):
    """The best threshold of the images looked at first is not the set's: a further pass finds it."""
    monkeypatch.setattr(score_module, "_PILOT", (1, 10))
    labels = case(0)[1]
    edges = (np.abs(np.diff(labels, axis=1, append=labels[:, -1:])) > 0).astype(np.uint8)
    clutter = np.zeros_like(edges)
    clutter[::6, ::2] = 1
    # pilot: clutter at 200, edges at 90; the others: edges at 250, clutter at 120
    pilot = np.maximum(edges * 90, clutter * 60)
    rest = np.maximum(edges * 250, clutter * 120)
    cases = {f"{i:02d}": ((pilot if i == 0 else rest).astype(np.uint8), labels) for i in range(6)}
    everything = score_set(Memory(cases), list(cases), protocol="nyud")
    maps = Memory(cases)
    few = score_set(maps, list(cases), protocol="nyud", only_ods=True)
    assert (
        summary(few, protocol="nyud")["max_cardinality"]["ods"]
        == (summary(everything, protocol="nyud")["max_cardinality"]["ods"])
    )
    counted = [(image.matched["max_cardinality"] != UNKNOWN).sum() for image in few]
    assert max(counted) > 1  # the first guess was not enough


def test_resumes_after_a_kill(tmp_path, cases, full):
    journal = tmp_path / "resume" / "boundary.jsonl"
    killed = Memory(cases, breaks_at="007")
    with pytest.raises(KeyboardInterrupt):
        score_set(killed, list(cases), protocol="nyud", counts=BOTH, journal=journal)
    assert killed.reads == list(cases)[:7]
    with journal.open("a") as file:
        file.write('{"image": "007", "matc')  # cut off while writing
    again = Memory(cases)
    same(full, score_set(again, list(cases), protocol="nyud", counts=BOTH, journal=journal))
    assert again.reads == list(cases)[7:]
    third = Memory(cases)
    same(full, score_set(third, list(cases), protocol="nyud", counts=BOTH, journal=journal))
    assert third.reads == []


def test_only_ods_then_the_full_curve_from_one_journal(tmp_path, cases, full):
    journal = tmp_path / "boundary.jsonl"
    score_set(Memory(cases), list(cases), protocol="nyud", counts=BOTH, journal=journal, only_ods=True)
    same(full, score_set(Memory(cases), list(cases), protocol="nyud", counts=BOTH, journal=journal))


def test_a_journal_counts_only_for_the_same_files_and_job(tmp_path, cases):
    journal = tmp_path / "boundary.jsonl"
    ids = list(cases)[:4]
    score_set(Memory(cases), ids, protocol="nyud", journal=journal)
    changed = Memory(cases, prints={ids[2]: "new"})
    score_set(changed, ids, protocol="nyud", journal=journal)
    assert changed.reads == [ids[2]]
    other = Memory(cases)
    score_set(other, ids, protocol="pascal", journal=journal)
    assert other.reads == ids


def test_ids_and_workers_are_checked(cases):
    for ids in ([], ["000", "000"]):
        with pytest.raises(InputError, match="expected one or more, none twice"):
            score_set(Memory(cases), ids, protocol="nyud")
    with pytest.raises(InputError, match="0 workers"):
        score_set(Memory(cases), ["000"], protocol="nyud", workers=0)


def test_summary_and_curve(full):
    result = summary(full, protocol="nyud")
    assert result["metrics"]["boundary.ods_f"] == 100 * result["max_cardinality"]["ods"]["f"]
    assert result["protocol"] == {"boundary": 1, "name": "nyud", "max_distance": 0.011}
    assert result["images"] == 12
    points = curve(full, "seism_compat")
    assert [p["threshold"] for p in points][:3] == [0.001, 0.01, 0.02]
    assert len(points) == 101
    assert max(p["f"] for p in points) == result["seism_compat"]["ods"]["f"]
    assert result["seism_compat"]["ods"]["f"] <= result["max_cardinality"]["ods"]["f"]


# --- files


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("protocol", ["pascal", "nyud"])
def test_reads_what_was_written(tmp_path, cases, protocol, zipped):
    predictions, truth = write_set(tmp_path, cases, protocol)
    if zipped:
        with zipfile.ZipFile(tmp_path / "maps.zip", "w") as archive:
            for path in predictions.iterdir():
                archive.write(path, path.name)
        predictions = tmp_path / "maps.zip"
    maps = MapFiles(predictions, truth, protocol)
    assert maps.predicted_ids() == list(cases)
    maps.check(list(cases))
    prints = set()
    for name, (prediction, labels) in cases.items():
        read = maps.read(name)
        assert np.array_equal(read[0], prediction)
        assert np.array_equal(read[1], labels)
        prints.add(maps.fingerprint(name))
    assert len(prints) == len(cases)


def spoil(path, kind):
    if kind == "16 bit":
        Image.fromarray(np.zeros((48, 64), np.uint16)).save(path)
    elif kind == "colour":
        Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(path)
    elif kind == "size":
        Image.fromarray(np.zeros((64, 48), np.uint8)).save(path)
    elif kind == "cut off":
        path.write_bytes(path.read_bytes()[:200])
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("16 bit", "mode I;16; expected a PNG with one 8-bit channel"),
        ("colour", "mode RGB; expected a PNG with one 8-bit channel"),
        ("size", "they must be equal"),
        ("cut off", "not a readable PNG"),
        ("gone", "is missing"),
    ],
)
@pytest.mark.parametrize("side", ["predictions", "truth"])
def test_a_bad_map_is_named(tmp_path, cases, kind, reason, side):
    maps = MapFiles(*write_set(tmp_path, cases), "nyud")
    path = tmp_path / side / "004.png"
    spoil(path, kind)
    with pytest.raises(InputError) as caught:
        score_set(maps, list(cases), protocol="nyud")
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


def test_a_bad_label_map_is_named(tmp_path, cases):
    maps = MapFiles(*write_set(tmp_path, cases, "pascal"), "pascal")
    path = maps.ground_truth / "004.mat"
    for content, reason in (
        ({"Other": np.zeros((48, 64), np.uint16)}, "no LabelMap"),
        ({"LabelMap": np.zeros((48, 64))}, "LabelMap of float64"),
    ):
        savemat(path, content)
        with pytest.raises(InputError, match=rf"004\.mat holds .*{reason}"):
            maps.read("004")
    path.write_bytes(b"not a mat file")
    with pytest.raises(InputError, match=r"004\.mat is not a readable"):
        maps.read("004")


def test_missing_ids_and_wrong_folders_are_one_sentence(tmp_path, cases):
    predictions, truth = write_set(tmp_path, cases)
    ids = list(cases)
    MapFiles(predictions, truth, "nyud").check(ids)
    with pytest.raises(InputError, match=r"predictions: 999\.png is missing \(1 of 13 files"):
        MapFiles(predictions, truth, "nyud").check([*ids, "999"])
    (truth / "003.png").unlink()
    with pytest.raises(InputError, match=r"truth: 003\.png is missing \(1 of 12"):
        MapFiles(predictions, truth, "nyud").check(ids)
    with pytest.raises(InputError, match=r"truth: holds no \.mat file; the protocol pascal needs"):
        MapFiles(predictions, truth, "pascal").check(ids)
    with pytest.raises(InputError, match="no such folder or zip"):
        MapFiles(tmp_path / "nowhere", truth, "nyud").check(ids)
    with pytest.raises(InputError, match="no such folder of ground truth"):
        MapFiles(predictions, tmp_path / "nowhere", "nyud").check(ids)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no map"):
        MapFiles(tmp_path / "empty", truth, "nyud").check(ids)
    (tmp_path / "some.zip").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="not a folder or a complete zip"):
        MapFiles(tmp_path / "some.zip", truth, "nyud").check(ids)


def test_known_lists_of_ids_are_recognised(tmp_path, monkeypatch):
    """The real lists are not here; the sums of a made-up one stand in for them."""
    ids = ["b", "a", "c"]
    known = {"test_new": (3, hashlib.sha256(b"a\nb\nc").hexdigest())}
    protocol = files_module.protocol_of("pascal")
    assert protocol.id_sets["test_new"][0] == 2498
    monkeypatch.setattr(files_module, "protocol_of", lambda name: type("P", (), {"id_sets": known}))
    assert id_set(ids, "pascal") == "test_new"
    require_id_set(ids, "test_new", "pascal")
    with pytest.raises(InputError, match=r"2 ids \(sha256 .*\) are not the 3 ids of 'test_new'"):
        require_id_set(ids[:2], "test_new", "pascal")
    with pytest.raises(InputError, match="allowed are test_new"):
        require_id_set(ids, "test", "pascal")
    path = tmp_path / "ids.txt"
    path.write_text("b\na\n\nc\n")
    assert read_id_list(path) == ids
    for text, reason in (("", "no id"), ("a\na", "twice"), ("../a", "plain name")):
        path.write_text(text)
        with pytest.raises(InputError, match=reason):
            read_id_list(path)
    with pytest.raises(InputError, match="no such list"):
        read_id_list(tmp_path / "none")


# --- the command


def command(root, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "stages.score_boundary", *map(str, arguments)],
        cwd=root,
        env={"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def test_the_command_prints_json(tmp_path, root, cases, full):
    predictions, truth = write_set(tmp_path, cases)
    folders = ("--predictions", predictions, "--ground-truth", truth, "--protocol", "nyud")
    done = command(root, *folders, "--curve")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    expected = summary(full, protocol="nyud")
    assert {key: result[key] for key in expected} == expected
    assert result["ids"]["set"] is None
    assert len(result["curve"]["max_cardinality"]) == 101

    (predictions / "004.png").unlink()
    listed = tmp_path / "ids.txt"
    listed.write_text("\n".join(cases))
    failed = command(root, *folders, "--ids", listed)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert failed.stderr.strip() == f"error: {predictions}: 004.png is missing (1 of 12 files are)."


@pytest.mark.slow
def test_dense_maps_stay_within_time_and_memory(root):
    """Noise against a segmentation of noise, 480x640, all thresholds: below 10 s of CPU time and 600 MB."""
    code = """
import re, time
from pathlib import Path
import numpy as np
from densemoe.evaluate.boundary import evaluate_pair
random = np.random.default_rng(0)
start = time.process_time()
counts = evaluate_pair(
    random.integers(0, 256, (480, 640)).astype(np.uint8), random.integers(0, 2, (480, 640)), protocol="nyud"
)["max_cardinality"]
seconds = time.process_time() - start
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
print(seconds, peak / 1024, counts.matched.max())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={"PYTHONPATH": str(root / "src"), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, megabytes, matched = map(float, done.stdout.split())
    assert matched > 100_000
    assert megabytes < 600
    assert seconds < 10 * 1.5  # half as much again for a machine that does other things too
