"""Checkpoints on disk: complete or absent, damaged ones passed over, foreign ones refused."""

import errno
import os

import pytest
import torch

from densemoe.params import atomic
from densemoe.params.errors import InputError
from densemoe.train.checkpoint import Checkpointer
from densemoe.train.curve import Curve

SESSION = {"commit": "c", "dirty": False, "started": "2026-01-01T00:00:00Z"}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Case:
    """A linear layer whose weights tell which checkpoint was loaded."""

    def __init__(self, folder, run="a_run", **options):
        self.model = torch.nn.Linear(300, 1)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.curve = Curve(["total"], 100)
        self.said: list[str] = []
        self.clock = Clock()
        settings = {"every_steps": 20, "every_seconds": 60.0, "say": self.said.append, "clock": self.clock, **options}
        self.checkpoints = Checkpointer(folder, run, session=SESSION, **settings)

    def save(self, step: int):
        torch.nn.init.constant_(self.model.weight, step)
        return self.checkpoints.save(step, self.model, self.optimizer, self.curve)

    def restore(self) -> int:
        step = self.checkpoints.restore(self.model, self.optimizer, self.curve)
        if step:
            assert (self.model.weight == step).all()
        return step


def names(folder) -> list[str]:
    return sorted(path.name[:12] for path in folder.iterdir())


def test_the_last_two_are_kept_and_the_newest_is_loaded(tmp_path):
    case = Case(tmp_path / "resume")
    assert case.restore() == 0
    for step in (9, 10, 100):
        case.save(step)
    assert names(tmp_path / "resume") == ["curve.csv", "step-0000010", "step-0000100"]
    assert Case(tmp_path / "resume").restore() == 100


def test_the_live_curve_is_beside(tmp_path):
    case = Case(tmp_path)
    case.curve.add(0, 0.1, {"total": 2.0})
    case.save(1)
    assert (tmp_path / "curve.csv").read_text() == case.curve.text


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped"])
def test_a_damaged_one_is_passed_over_with_a_warning(tmp_path, damage):
    case = Case(tmp_path)
    case.save(20)
    newest = case.save(40)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes({"truncated": content[: len(content) // 2], "empty": b"", "flipped": content}[damage])
    again = Case(tmp_path)
    assert again.restore() == 20
    assert [newest.name in line and "damaged" in line for line in again.said] == [True, False]
    again.save(40)
    assert not newest.exists()  # the damaged one went, not the good one of step 20
    assert names(tmp_path) == ["curve.csv", "step-0000020", "step-0000040"]


def test_without_any_sound_one_training_starts_anew(tmp_path):
    case = Case(tmp_path)
    for step in (20, 40):
        case.save(step).write_bytes(b"")
    again = Case(tmp_path)
    assert again.restore() == 0
    assert len(again.said) == 2


def test_one_of_another_run_is_refused(tmp_path):
    path = Case(tmp_path, run="other_run").save(20)
    with pytest.raises(InputError, match="is a checkpoint of run other_run, not of a_run"):
        Case(tmp_path).restore()
    assert path.exists()


def test_one_that_does_not_fit_the_model_is_refused(tmp_path):
    Case(tmp_path).save(20)
    case = Case(tmp_path)
    case.model = torch.nn.Linear(4, 1)
    with pytest.raises(InputError, match=r"does not fit what this version of the code builds .* size mismatch"):
        case.restore()


def test_one_of_another_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("densemoe.train.checkpoint.FORMAT", 0)
    Case(tmp_path).save(20)
    monkeypatch.undo()
    with pytest.raises(InputError, match="has format 0, this version reads format 1"):
        Case(tmp_path).restore()


@pytest.mark.parametrize("where", ["write", "fsync"])
def test_a_full_disk_leaves_nothing_behind_and_the_old_one_loadable(tmp_path, monkeypatch, where):
    case = Case(tmp_path)
    case.save(20)
    if where == "write":
        (tmp_path / ".checkpoint.partial").symlink_to("/dev/full")
    else:

        def fsync(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(atomic.os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left on device") as caught:
        case.save(40)
    monkeypatch.undo()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / ".checkpoint.partial"))
    assert names(tmp_path) == ["curve.csv", "step-0000020"]
    assert Case(tmp_path).restore() == 20


def test_when_one_is_due(tmp_path):
    case = Case(tmp_path)
    case.restore()
    assert not case.checkpoints.due(19)
    assert case.checkpoints.due(20)
    case.clock.now += 60
    assert case.checkpoints.due(1)
    case.save(1)
    assert not case.checkpoints.due(20)
    assert case.checkpoints.due(21)


def test_a_slow_disk_is_written_to_for_a_twentieth_of_the_time(tmp_path, monkeypatch):
    case = Case(tmp_path)

    def slow(*_):
        case.clock.now += 10

    monkeypatch.setattr("densemoe.train.checkpoint.write_text", slow)
    case.save(20)
    case.clock.now += 199
    assert not case.checkpoints.due(1000)
    case.clock.now += 1
    assert case.checkpoints.due(1000)


def test_time_and_sessions_add_up(tmp_path):
    first = Case(tmp_path)
    first.clock.now += 30
    first.save(20)
    first.clock.now += 500  # lost with the process
    second = Case(tmp_path)
    second.restore()
    second.clock.now += 5
    assert second.checkpoints.seconds == 35
    assert second.checkpoints.sessions == [{"step": 0, **SESSION}, {"step": 20, **SESSION}]


def test_clear_removes_the_folder(tmp_path):
    case = Case(tmp_path / "resume")
    case.checkpoints.clear()  # nothing there: nothing to do
    case.save(1)
    case.checkpoints.clear()
    assert not (tmp_path / "resume").exists()
