"""The command that counts: what it writes, and what it refuses before torch is imported or a file is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from densemoe.report.results import Results


def command(root, reports, *words, torch=True, params="params"):
    refuse = "" if torch else "import sys; sys.modules.update(torch=None, timm=None)\n"
    code = f"{refuse}import runpy; runpy.run_module('stages.measure_cost', run_name='__main__', alter_sys=True)"
    words = [*words, "--reports", str(reports), "--params", str(params)]
    env = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=root, env=env)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--scale", "tiny"), "Unknown scale 'tiny'; allowed are paper, pilot, smoke."),
        (("--scale", "smoke", "--only", "nothing"), "no 'nothing' under costs; allowed are nyud_"),
        ((), "the following arguments are required: --scale"),
    ],
)
def test_bad_input_is_refused_at_once(root, tmp_path, words, sentence):
    done = command(root, tmp_path / "reports", *words, torch=False)
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("channels: 40", "channels: 44", "compile the plan again instead of editing it"),
        (
            "of: model, protocol: 1}",
            "of: model, protocol: 2}",
            "protocol is 2, but this code counts by version 1 only.",
        ),
    ],
)
def test_a_plan_of_other_networks_or_another_version_is_refused(root, tmp_path, old, new, sentence):
    shutil.copytree(root / "params", tmp_path / "params")
    plan = tmp_path / "params/plan/smoke.yaml"
    text = plan.read_text()
    assert old in text
    plan.write_text(text.replace(old, new, 1))
    done = command(root, tmp_path / "reports", "--scale", "smoke", torch=False, params=tmp_path / "params")
    assert done.returncode == 2 and sentence in done.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_a_network_and_a_module_are_written_and_accepted(root, tmp_path, plans):
    plan = plans["smoke"]
    of_row = plan.tables["mlore/table02"]["rows"][-1]["cells"]["all"]["cost"]["key"]
    of_module = plan.tables["mlore/table01"]["rows"][0]["cells"]["moe"]["cost"]["key"]
    for key in (of_row, of_module):
        done = command(root, tmp_path / "reports", "--scale", "smoke", "--only", key)
        assert done.returncode == 0, done.stderr
        assert key in done.stdout
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert files == sorted(f"reports/smoke/costs/{key}.json" for key in (of_row, of_module))
    costs = Results.from_plan(tmp_path / "reports", plan).costs
    model, module = costs.get(of_row), costs.get(of_module)
    assert costs.refusals() == []
    # smoke scale: a sixteenth of the width, images of 64x64
    assert model.image == {"height": 64, "width": 64} and 0.5e6 < model.params["used"] < 1.5e6
    assert model.macs["merged"] < model.macs["top_k"] < model.macs["plain"] < 1e9
    assert module.of == "module" and module.fitted is not None and model.fitted is None
