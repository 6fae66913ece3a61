"""The record of where a model comes from."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import torch

from densemoe.params.files import parse, read_yaml
from densemoe.params.variant import Variant
from densemoe.train.provenance import commit_of_code, provenance, this_session

PLAN = Path(__file__).parents[2] / "params" / "plan" / "smoke.yaml"


@pytest.fixture
def repository(tmp_path) -> Path:
    (tmp_path / "src" / "package").mkdir(parents=True)
    (tmp_path / "src" / "package" / "code.py").write_text("x = 1\n")
    commands = (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"])
    for command in commands:
        subprocess.run(["git", "-C", tmp_path, *command], check=True)
    return tmp_path


def test_commit_and_changes_of_the_code(repository):
    package = repository / "src" / "package"
    clean = commit_of_code(package)
    assert re.fullmatch("[0-9a-f]{40}", clean["commit"])
    assert clean["dirty"] is False
    (repository / "notes.txt").write_text("not code\n")
    assert commit_of_code(package) == clean
    (package / "code.py").write_text("x = 2\n")
    assert commit_of_code(package) == {**clean, "dirty": True}


def test_outside_git_there_is_no_commit(tmp_path):
    assert commit_of_code(tmp_path) == {"commit": None, "dirty": None}


def test_without_a_commit_there_is_none(tmp_path):
    subprocess.run(["git", "-C", tmp_path, "init", "-q"], check=True)
    assert commit_of_code(tmp_path) == {"commit": None, "dirty": None}


def test_fields():
    run, entry = next(iter(read_yaml(PLAN)["runs"].items()))
    variant = parse(Variant, entry["variant"], str(PLAN))
    sessions = [
        {"step": 0, "commit": "a" * 40, "dirty": True, "started": "2026-01-01T00:00:00Z"},
        {"step": 40, **this_session()},
    ]
    record = provenance(
        run=run, scale="smoke", variant=variant, device="a CPU", threads=1, seconds=1800.0, sessions=sessions
    )
    assert json.loads(json.dumps(record)) == record
    assert record["hours"] == 0.5
    assert record["resumed_at"] == [40]
    assert (record["commit"], record["dirty"]) == (sessions[1]["commit"], sessions[1]["dirty"])
    assert record["started"] == "2026-01-01T00:00:00Z" <= record["finished"]
    assert record["versions"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert set(record["versions"]) == {"python", "densemoe", "torch", "timm", "numpy"}
    assert parse(Variant, record["variant"], "record") == variant
    assert set(record) >= {"run", "scale", "device", "threads", "sessions"}
