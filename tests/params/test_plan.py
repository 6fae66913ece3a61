"""The compiled plan: counts, sharing, names, committed files in step, nothing of torch."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from densemoe.params.estimate import forward_macs
from densemoe.params.files import Params
from densemoe.params.naming import run_name
from densemoe.params.plan import as_files, compile_plan, data_of, out_of_step, write_plan
from densemoe.params.variant import Variant

SCALES = ["paper", "pilot", "smoke"]
# 55 table runs and 15 figure-only runs of the audit and 10 single-task baselines, ATRC of Tables 5 and 14 being one
RUNS = 79
BUILT = 64
MODULES = 12


@pytest.mark.parametrize("scale", SCALES)
def test_counts_are_the_same_at_every_scale(plans, scale):
    runs = plans[scale].runs
    trained = {n: p for n, p in runs.items() if p.trained}
    assert len(trained) == RUNS
    assert len([p for p in trained.values() if p.pending is None]) == BUILT
    assert len(runs) - len(trained) == MODULES
    assert len(data_of(plans[scale])) == 2


def test_the_default_run_fills_eight_rows_of_tables(plans):
    shared = [[u for u in p.uses if "table" in u.table] for p in plans["paper"].runs.values()]
    rows = max(([u for u in uses if "baseline" not in u.label] for uses in shared), key=len)
    assert sorted(u.table[-2:] for u in rows) == ["02", "03", "04", "08", "09", "10", "11", "12"]


def test_sharing_is_the_same_at_every_scale(plans):
    def uses(plan):
        return sorted(sorted((u.table, u.label) for u in p.uses) for p in plan.runs.values())

    assert uses(plans["smoke"]) == uses(plans["paper"]) == uses(plans["pilot"])


def test_scales_differ_by_overrides_alone(plans, params):
    for scale in ("smoke", "pilot"):
        for planned in plans[scale].runs.values():
            owners = {k for k, v in planned.resolved.owner_of.items() if v == f"scale {scale}"}
            assert owners, "the scale sets something in every run"
            assert all(k.startswith(("data", "encoder", "decoder", "recipe")) for k in owners)
    assert all("scale" not in o for p in plans["paper"].runs.values() for o in p.resolved.owner_of.values())


def test_gain_tables_have_one_single_task_run_per_task(plans):
    checked = 0
    for table in plans["paper"].tables.values():
        for row in table["rows"]:
            for cell in row["cells"].values():
                if "gain" in table["columns"]:
                    runs = cell["baseline"]
                    variants = {t: plans["paper"].runs[r].variant for t, r in runs.items()}
                    dataset = plans["paper"].runs[cell["run"]].variant.dataset
                    assert all(v.tasks == (t,) and v.dataset == dataset for t, v in variants.items())
                    assert len(runs) == (5 if dataset == "pascal_context" else 4)
                    checked += 1
    assert checked == 36 + 3 + 2 + 18  # ViT-B rows of MLoRE, HRNet18, TaskExpert, Figures 3 and 6


def test_names_are_pinned(plans, root):
    """A renamed run is a run trained again: names change only with a decision."""
    names = "".join(f"{scale} {name}\n" for scale in SCALES for name in sorted(plans[scale].runs))
    assert (root / "tests/params/run_names.txt").read_text(encoding="utf-8") == names


def test_names_are_usable_as_keys_and_unique_across_scales(plans):
    names = [n for plan in plans.values() for n in plan.runs]
    assert len(names) == len(set(names)) == 3 * (RUNS + MODULES)
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", n) for n in names)


def test_a_later_knob_at_its_default_renames_nothing(plans):
    from typing import Literal

    class Later(Variant):
        knob: Literal["as_before", "new"] = "as_before"

    variant = next(iter(plans["smoke"].runs.values())).variant
    text = variant.model_dump_json()
    assert run_name(Later.model_validate_json(text)) == run_name(variant)
    changed = Later.model_validate_json(text[:-1] + ', "knob": "new"}')
    assert run_name(changed) != run_name(variant)


def test_committed_plan_is_in_step(plans, root):
    for plan in plans.values():
        assert out_of_step(plan, root / "params") == [], "run `python -m stages.plan --scale NAME --write`"


def test_write_plan_touches_only_what_changed(tmp_path, plans):
    first = write_plan(plans["smoke"], tmp_path)
    assert len(first) == 1 + 23
    stale = tmp_path / "plan/smoke/mlore_table99.yaml"
    stale.write_text("old")
    table = tmp_path / "plan/smoke/mlore_table02.yaml"
    before = {p: p.stat().st_mtime_ns for p in first}
    table.write_text(table.read_text() + "# edited by hand\n")
    assert sorted(write_plan(plans["smoke"], tmp_path)) == sorted([table, stale])
    assert not stale.exists()
    assert all(p.stat().st_mtime_ns == before[p] for p in first if p != table)


def test_plan_reads_back_as_the_same_variants(plans, tmp_path):
    import json

    import yaml

    text = as_files(plans["smoke"], tmp_path)[tmp_path / "plan" / "smoke.yaml"]
    index = yaml.safe_load(text)
    assert len(index["runs"]) == BUILT
    for name, run in index["runs"].items():
        assert run_name(Variant.model_validate_json(json.dumps(run["variant"]))) == name
    assert len(index["measures"]) == BUILT and len(index["tables"]) == 23 and len(index["pending"]) == RUNS - BUILT


def test_estimate_agrees_with_the_counts_of_the_public_model(plans, params):
    """GiMAC of the un-merged network as computed from the public code, see docs/models.md."""
    expected = {"mlore/table05:Ours": 769.83, "mlore/table07:ours": 113.77, "mlore/table06:Ours": 1309.25}
    expected |= {"mlore/table02:+ SPE": 847.03, "mlore/table02:Baseline": 390.94, "mlore/table02:+ MoE": 2770.9}
    found = {}
    for planned in plans["paper"].runs.values():
        for use in planned.uses:
            key = f"{use.table}:{use.label}"
            if key in expected:
                outputs = params.dataset(planned.variant.dataset).outputs
                found[key] = forward_macs(planned.variant, outputs) / 2**30
    assert found == pytest.approx(expected, rel=1e-3)


def test_no_torch_is_imported(root):
    code = (
        "import sys; from densemoe.params.files import Params; from densemoe.params.plan import compile_plan;"
        "compile_plan(Params('params'), 'paper'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def copy_params(root: Path, to: Path) -> Params:
    import shutil

    shutil.copytree(root / "params", to / "params", ignore=shutil.ignore_patterns("plan"))
    return Params(to / "params")


def names_of(params: Params) -> set[str]:
    return set(compile_plan(params, "smoke").runs)


def test_editing_one_row_changes_exactly_its_runs(root, tmp_path):
    params = copy_params(root, tmp_path)
    before = names_of(params)
    file = tmp_path / "params/tables/mlore/table11.yaml"
    text = file.read_text()
    file.write_text(text.replace("set: {decoder.router.k: 3}", "set: {decoder.router.k: 4}"))
    after = names_of(Params(tmp_path / "params"))
    # Figure 3 still needs k=3, so one run joins and none leaves
    assert len(after - before) == 1 and not before - after
    assert "n15k4" in (after - before).pop()


def test_labels_and_comments_rename_nothing(root, tmp_path):
    params = copy_params(root, tmp_path)
    before = names_of(params)
    file = tmp_path / "params/tables/mlore/table11.yaml"
    file.write_text("# a comment\n" + file.read_text().replace('"k=6"', '"k = six"'))
    assert names_of(Params(tmp_path / "params")) == before
