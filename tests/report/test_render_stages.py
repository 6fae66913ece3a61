"""The two rendering commands: where they write, what a bad file does to them, and that they never import torch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from report_plan import Folder


@pytest.fixture
def command(root, tmp_path):
    """Runs a stage on the committed smoke plan; an import of torch ends it."""

    def run(stage: str, *words: str) -> subprocess.CompletedProcess[str]:
        refuse = "import sys; sys.modules.update(torch=None, timm=None, torchvision=None)\n"
        code = f"{refuse}import runpy; runpy.run_module('stages.{stage}', run_name='__main__', alter_sys=True)"
        places = ["--plan", str(root / "params/plan/smoke.yaml"), "--reports", str(tmp_path / "reports")]
        env = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
        return subprocess.run(
            [sys.executable, "-c", code, *places, *words], capture_output=True, text=True, cwd=tmp_path, env=env
        )

    return run


def test_a_table_and_the_index_with_one_refused_file(command, plans, tmp_path):
    rows = plans["smoke"].tables["mlore/table02"]["rows"]
    good, bad = (rows[i]["cells"]["all"]["run"] for i in (0, 1))
    folder = Folder(tmp_path / "reports")
    folder.put(good, {"semseg": {"miou": 12.3}})
    folder.put(bad, {}).write_text('{"scale": "smo')
    sentence = f"refused: reports/smoke/metrics/{bad}/plain.json: is not complete, readable JSON"

    done = command("render_table", "--table", "smoke_mlore_table02")
    assert done.returncode == 0
    assert done.stderr.startswith(sentence)
    text = (tmp_path / "reports/smoke/tables/mlore/table02.md").read_text()
    assert "6 rows: 0 complete, 2 partial, 4 missing, 0 pending." in text
    assert " 12.30 |" in text
    assert "unreadable<sup>" in text

    done = command("render_index")
    assert done.returncode == 0
    assert done.stderr.startswith(sentence)
    index = (tmp_path / "reports/smoke/README.md").read_text()
    assert ": 1 done, " in index
    assert "## Refused metrics files" in index
    assert not list(tmp_path.rglob("*.partial"))


def test_every_kind_of_bad_file_is_refused_by_name_and_the_rest_is_rendered(command, plans, root, tmp_path):
    """Another protocol, another scale, other parameters than the name says, half a file; and one good file."""
    rows = plans["smoke"].tables["mlore/table11"]["rows"]
    runs = [r["cells"]["all"]["run"] for r in rows]
    folder = Folder(tmp_path / "reports")
    folder.put(runs[0], {"semseg": {"miou": 11.11}}, wrong={"protocol": {"pixel_metrics": 99}})
    folder.put(runs[1], {"semseg": {"miou": 22.22}}, wrong={"scale": "paper"})
    folder.put(runs[2], {"semseg": {"miou": 33.33}}, wrong={"run": runs[3]})
    folder.put(runs[3], {}).write_text('{"scale": "smo')
    folder.put(runs[4], {"semseg": {"miou": 44.44}})
    done = command("render_all")
    assert done.returncode == 0, done.stderr
    refused = sorted(line for line in done.stderr.splitlines() if line.startswith("refused: "))
    assert len(refused) == 4
    said = ["'protocol' is", "'scale' is", "'run' is", "is not complete"]
    for run, words in zip(runs[:4], said, strict=True):
        assert any(f"metrics/{run}/plain.json: {words}" in line for line in refused), (run, words)
    scale = tmp_path / "reports/smoke"
    forms = {form: len(list(scale.glob(f"tables/*/*{form}"))) for form in (".md", ".csv", ".tex")}
    assert forms == {".md": 23, ".csv": 23, ".tex": 23}
    for text in ((scale / f"tables/mlore/table11{form}").read_text() for form in forms):
        assert "44.44" in text
        assert not any(number in text for number in ("11.11", "22.22", "33.33"))
    index = (scale / "README.md").read_text()
    assert all(line.removeprefix("refused: ") in index.replace("\\", "") for line in refused)
    assert (scale / "claims.md").exists() and (scale / "claims.json").exists()
    # a second time nothing is written
    stamps = {p: p.stat().st_mtime_ns for p in scale.rglob("*.*")}
    assert command("render_all").returncode == 0
    assert {p: p.stat().st_mtime_ns for p in scale.rglob("*.*")} == stamps


def test_an_unknown_table_is_refused_and_nothing_is_written(command, tmp_path):
    done = command("render_table", "--table", "table02")
    assert done.returncode == 2
    assert "no 'table02' under tables; allowed are smoke_mlore_figure01" in done.stderr
    assert not (tmp_path / "reports").exists()


def test_importing_the_report_imports_no_torch(root):
    folder = root / "src/densemoe/report"
    names = sorted(".".join(p.relative_to(folder).with_suffix("").parts) for p in folder.rglob("*.py"))
    names = [n for n in names if not n.endswith("__init__")]
    assert len(names) > 25
    code = "import sys\n" + "".join(f"import densemoe.report.{n}\n" for n in names)
    code += "print([m for m in ('torch', 'torchvision', 'timm') if m in sys.modules])"
    env = os.environ | {"PYTHONPATH": str(root / "src")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "[]\n"
