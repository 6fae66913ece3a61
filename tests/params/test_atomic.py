"""Files appear whole or not at all."""

import json
import math

import pytest

from densemoe.params.atomic import replacing, write_json, write_text


def test_folders_are_made_and_content_is_replaced(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one\n")
    write_text(path, "two ü\n")
    assert path.read_text(encoding="utf-8") == "two ü\n"
    assert [each.name for each in path.parent.iterdir()] == ["b.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_half_way_changes_nothing(tmp_path, error):
    path = tmp_path / "b.txt"
    write_text(path, "one\n")
    with pytest.raises(error), replacing(path) as file:
        file.write(b"half")
        raise error
    assert path.read_text() == "one\n"
    assert [each.name for each in tmp_path.iterdir()] == ["b.txt"]


def test_json_is_sorted_and_refuses_nan(tmp_path):
    path = tmp_path / "m.json"
    write_json(path, {"b": 1, "a": {"d": 0.5, "c": None}})
    assert path.read_text() == '{\n "a": {\n  "c": null,\n  "d": 0.5\n },\n "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": math.nan})
    assert json.loads(path.read_text())["b"] == 1
