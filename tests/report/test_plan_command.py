"""`python -m stages.plan`: what it shows, explains, writes and refuses; in time and without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from report_plan import Folder

from densemoe.params.errors import InputError
from densemoe.params.estimate import gpu_hours
from densemoe.report.explain import explain_run
from densemoe.report.plan_text import plan_text, view_text
from densemoe.report.plan_view import plan_view
from densemoe.report.results import Results

NEVER = ("torch", "timm", "torchvision", "pandas")


@pytest.fixture
def command(root, tmp_path):
    """Runs the command on a copy of params; an import of torch ends it."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        refuse = f"import sys; sys.modules.update(dict.fromkeys({NEVER!r}))\n"
        code = f"{refuse}import runpy; runpy.run_module('stages.plan', run_name='__main__', alter_sys=True)"
        places = ["--params", str(tmp_path / "params"), "--reports", str(tmp_path / "reports")]
        env = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
        return subprocess.run(
            [sys.executable, "-c", code, *places, *words], capture_output=True, text=True, cwd=tmp_path, env=env
        )

    shutil.copytree(root / "params", tmp_path / "params")
    return run


@pytest.fixture
def view(params, plans, tmp_path):
    """The smoke plan with nothing measured."""
    plan = plans["smoke"]
    return plan_view(params, plan, Results.from_plan(tmp_path / "reports", plan))


def main_run(plan) -> str:
    """The run of MLoRE itself, Table 2's last row."""
    return plan.tables["mlore/table02"]["rows"][-1]["cells"]["all"]["run"]


def test_every_table_row_run_and_measure_is_in_the_view(view, plans):
    plan = plans["smoke"]
    assert list(view["tables"]) == sorted(plan.tables)
    assert sum(len(t["rows"]) for t in view["tables"].values()) == 101
    assert set(view["runs"]) == set(plan.runs)
    shown = {(run, measure) for run, entry in view["runs"].items() for measure in entry["measures"]}
    assert shown == set(plan.measures)
    assert sum(view["totals"]["rows"].values()) == 101
    assert sum(view["totals"]["runs"].values()) == len(plan.runs)
    assert view["totals"]["rows"]["done"] == 0


def test_rows_that_share_a_run_name_each_other(view):
    rows = {r["label"]: r["cells"]["all"] for r in view["tables"]["mlore/table02"]["rows"]}
    assert rows["Baseline"]["run"] == rows["Baseline (start of the next rows)"]["run"]
    assert "mlore/table02: Baseline (start of the next rows)" in rows["Baseline"]["shared_with"]
    assert "mlore/table02: Baseline" not in rows["Baseline"]["shared_with"]
    # Table 11's k=9 is the full model of Table 2
    assert "mlore/table11: k=9" in rows["+ SPE"]["shared_with"]


def test_hours_are_those_of_the_estimate(params, plans, tmp_path):
    plan = plans["paper"]
    view = plan_view(params, plan, Results.from_plan(tmp_path / "reports", plan))
    run = main_run(plan)
    variant = plan.runs[run].variant
    expected = gpu_hours(variant, params.dataset(variant.dataset).outputs)
    assert view["runs"][run]["gpu_hours"] == pytest.approx(expected, rel=1e-3)
    missing = [r["gpu_hours"] for r in view["runs"].values() if r["state"] == "missing"]
    assert len(missing) == view["totals"]["runs"]["missing"] > 40
    assert view["totals"]["gpu_hours"]["missing"] == pytest.approx(sum(missing), rel=1e-3)
    untrained = [r for r in view["runs"].values() if not r["trained"]]
    assert [r["gpu_hours"] for r in untrained] == [0.0] * 12


def test_an_accepted_file_makes_a_run_done_and_a_refused_one_does_not(params, plans, tmp_path):
    plan = plans["smoke"]
    folder = Folder(tmp_path / "reports")
    run = main_run(plan)

    def state() -> tuple[str, str, int, list[str]]:
        view = plan_view(params, plan, Results.from_plan(folder.root, plan), "mlore/table02")
        row = view["tables"]["mlore/table02"]["rows"][-1]
        return row["state"], view["runs"][run]["state"], view["totals"]["runs"]["done"], view["refused"]

    assert state() == ("missing", "missing", 0, [])
    folder.put(run, {"semseg": {"miou": 50.0}})
    assert state() == ("done", "done", 1, [])
    folder.put(run, {"semseg": {"miou": 50.0}}, wrong={"protocol": {"pixel_metrics": 9}})
    row, of_run, done, refused = state()
    assert (row, of_run, done, len(refused)) == ("missing", "missing", 0, 1)


def test_text_and_json_say_the_same(view):
    text = plan_text(view)
    assert json.loads(view_text(view, "json")) == view
    for name, table in view["tables"].items():
        assert f"\n{name}  {table['title']}\n" in text
    for run in view["runs"]:
        assert run in text
    totals = view["totals"]["runs"]
    assert f"Runs ({totals['done']} done, {totals['missing']} missing, {totals['pending']} pending)" in text
    assert view["assumption"] in text
    assert "10 TFLOP/s" in text


def test_one_table_alone(params, plans, tmp_path):
    plan = plans["smoke"]
    view = plan_view(params, plan, Results.from_plan(tmp_path, plan), "mlore/table02")
    assert list(view["tables"]) == ["mlore/table02"]
    # baseline, standard experts, + LoRE, + GC, + SPE, and five single-task runs
    assert len(view["runs"]) == 10


def explained(params, plan, run) -> dict[str, dict]:
    return {k["key"]: k for k in explain_run(params, plan, run)["keys"]}


def test_explain_names_the_owner_and_the_source_of_each_value(params, plans):
    plan = plans["paper"]
    keys = explained(params, plan, main_run(plan))
    assert keys["recipe.clip_norm"] == {
        "key": "recipe.clip_norm",
        "value": 10.0,
        "set_by": "base.yaml",
        "from": "released code",
        "note": "global gradient norm 10",
    }
    assert (keys["decoder.router.k"]["value"], keys["decoder.router.k"]["set_by"]) == (9, "method mlore")
    assert keys["decoder.router.k"]["from"] == "paper"
    assert keys["encoder.patch"]["set_by"] == "base.yaml"
    # one line per leaf of the variant, each with an owner
    assert len(keys) > 40
    assert all(k["set_by"] for k in keys.values())


def test_explain_takes_the_note_of_the_condition_that_held(params, plans):
    plan = plans["paper"]
    large = plan.tables["mlore/table05"]["rows"][-1]["cells"]["all"]["run"]
    keys = explained(params, plan, large)
    assert keys["decoder.channels"]["value"] == 452
    assert keys["decoder.channels"]["note"].startswith("452 fits")
    # the note is that of the condition, not of the value outside it
    weight = keys["decoder.balance.weight"]
    assert (weight["value"], weight["note"]) == (3.0e-4, "3e-4 in the ViT-L PASCAL configuration")


def test_explain_says_what_a_row_and_the_scale_set(params, plans):
    plan = plans["smoke"]
    row = next(r for r in plan.tables["mlore/table11"]["rows"] if r["label"] == "k=3")
    keys = explained(params, plan, row["cells"]["all"]["run"])
    assert keys["decoder.router.k"]["value"] == 3
    # the first table that needs the run names its row
    assert keys["decoder.router.k"]["set_by"].endswith("mlore/figure03.yaml: row 'k=3'")
    assert keys["encoder.width"]["set_by"] == "scale smoke"
    assert keys["data.size"]["note"] == "embedded scenes, an eighth of the real size"


def test_every_run_of_every_scale_can_be_explained(params, plans):
    count = 0
    for plan in plans.values():
        for run in plan.runs:
            assert all(k["set_by"] != "default of the schema" for k in explain_run(params, plan, run)["keys"]), run
            count += 1
    assert count == sum(len(p.runs) for p in plans.values()) > 250


def test_unknown_names_are_one_sentence(params, plans, tmp_path):
    plan = plans["smoke"]
    with pytest.raises(InputError, match=r"Unknown table 'table2'; allowed are mlore/figure01, .*taskexpert/table02"):
        plan_view(params, plan, Results.from_plan(tmp_path, plan), "table2")
    with pytest.raises(InputError, match=r"Unknown run 'vit'.* nearest of the \d+ allowed are .*vit"):
        explain_run(params, plan, "vit")


def test_command_shows_the_paper_scale_in_time_without_torch(command):
    # five seconds on an idle machine; the limit here is on its own processor time
    before = os.times()
    done = command("--scale", "paper", "--format", "json")
    after = os.times()
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["tables"]) == 23
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 5


def test_command_shows_one_table_as_text(command):
    done = command("--table", "mlore/table02")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Scale smoke, ")
    assert done.stdout.count("\nmlore/") == 1


@pytest.mark.parametrize(("flag", "what"), [("--scale", "scale"), ("--table", "table"), ("--explain", "run")])
def test_command_refuses_unknown_names_in_one_sentence(command, flag, what):
    refused = command(flag, "tiny")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: Unknown {what} 'tiny'")
    assert (refused.stdout, refused.stderr.count("\n")) == ("", 1)


@pytest.mark.slow
def test_command_checks_and_writes(command, tmp_path):
    assert command("--check").returncode == 0
    file = tmp_path / "params/tables/mlore/table11.yaml"
    text = file.read_text()
    assert '"k=3"' in text
    file.write_text(text.replace('"k=3"', '"k = 3"'))
    checked = command("--check")
    assert checked.returncode == 1
    out_of_step = [line for line in checked.stdout.splitlines() if line.startswith("out of step: ")]
    # a label is in its table's file alone
    assert len(out_of_step) == 1
    assert out_of_step[0].endswith("params/plan/smoke/mlore_table11.yaml")
    written = command("--write")
    assert written.returncode == 0
    assert written.stdout == f"written: {tmp_path / 'params/plan/smoke/mlore_table11.yaml'}\n"
    again = command("--check")
    assert (again.returncode, again.stdout) == (0, "The plan of scale smoke is in step with params.\n")
