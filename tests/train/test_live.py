"""The live sign of a training: what it says, how rarely it is written, and that a disk that refuses it does no harm."""

from __future__ import annotations

import json
import os
import socket

import pytest

from densemoe.train.live import LiveSign


def test_it_says_step_losses_and_pace_every_few_seconds(tmp_path):
    seconds = iter([100.0, 102.0, 103.0, 106.9, 107.0, 111.9])
    sign = LiveSign(tmp_path / "a", "a", 40, every=5.0, clock=lambda: next(seconds))
    path = tmp_path / "a/progress.json"
    told = []
    for step in range(10, 15):  # a resumed run; steps end at 102, 103, 106.9, 107, 111.9
        sign(step, {"total": 1.5 + step})
        told.append(json.loads(path.read_text()))
    assert [content["step"] for content in told] == [11, 11, 11, 14, 14]
    assert told[0] == {
        "run": "a",
        "step": 11,
        "iterations": 40,
        "losses": {"total": 11.5},
        "seconds_per_step": 2.0,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "written": 102.0,
    }
    assert told[-1]["seconds_per_step"] == 7.0 / 4  # of this process alone
    assert [p.name for p in path.parent.iterdir()] == ["progress.json"]


def test_a_place_that_cannot_be_written_is_passed_over(tmp_path):
    (tmp_path / "a").write_text("a file where the folder should be")
    with LiveSign(tmp_path / "a", "a", 40) as sign:
        sign(0, {"total": 1.0})
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_it_is_gone_when_the_training_ends_however_that_comes(tmp_path):
    with pytest.raises(KeyboardInterrupt), LiveSign(tmp_path / "a", "a", 40) as sign:
        sign(0, {"total": 1.0})
        assert (tmp_path / "a/progress.json").exists()
        raise KeyboardInterrupt
    assert list((tmp_path / "a").iterdir()) == []
