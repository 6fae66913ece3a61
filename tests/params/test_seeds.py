"""Several seeds of a table or scale: one run per seed, the others untouched."""

from __future__ import annotations

import shutil

import pytest

from densemoe.params.errors import InputError
from densemoe.params.files import Params
from densemoe.params.plan import compile_plan

TABLE = "mlore/table11"


@pytest.fixture
def edited(root, tmp_path):
    """Compiles a copy of params in which one file was edited."""

    def compiled(file: str, old: str, new: str, scale: str = "smoke"):
        folder = tmp_path / "params"
        if not folder.exists():
            shutil.copytree(root / "params", folder, ignore=shutil.ignore_patterns("plan"))
        path = folder / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        return compile_plan(Params(folder), scale)

    return compiled


def test_a_table_with_three_seeds_adds_two_runs_a_row_and_task(edited, plans):
    plan = edited(f"tables/{TABLE}.yaml", "source:", "seeds: [0, 1, 2]\nsource:")
    before = plans["smoke"]
    # 5 rows and the 5 single-task baselines of the gain, twice more each
    assert set(plan.runs) > set(before.runs) and len(plan.runs) == len(before.runs) + 2 * (5 + 5)
    assert {n: t for n, t in plan.tables.items() if n != TABLE} == {
        n: t for n, t in before.tables.items() if n != TABLE
    }
    for row, old in zip(plan.tables[TABLE]["rows"], before.tables[TABLE]["rows"], strict=True):
        cell = row["cells"]["all"]
        repeats = cell.pop("repeats")
        assert cell == old["cells"]["all"]  # seed 0 is the run that was there
        assert len(repeats) == 2
        for seed, repeat in enumerate(repeats, start=1):
            named = [repeat["run"], *repeat["baseline"].values()]
            assert [plan.runs[r].variant.seed for r in named] == [seed] * 6
            assert all(plan.measures[r, "plain"] is None for r in named)


def test_seeds_of_a_scale_hold_for_every_table_and_win(edited, plans):
    edited(f"tables/{TABLE}.yaml", "source:", "seeds: [0, 1, 2]\nsource:")
    plan = edited("scales/smoke.yaml", "title: smoke\n", "title: smoke\nseeds: [3, 4]\n")
    assert {p.variant.seed for p in plan.runs.values() if p.trained} == {3, 4}
    trained = [p for p in plans["smoke"].runs.values() if p.trained]
    assert len([p for p in plan.runs.values() if p.trained]) == 2 * len(trained)
    # nothing is trained to count a module, so no seed enters
    modules = {n for n, p in plans["smoke"].runs.items() if not p.trained}
    assert modules and modules <= set(plan.runs)
    assert not any("repeats" in row["cells"]["moe"] for row in plan.tables["mlore/table01"]["rows"])


def test_a_row_may_not_set_a_seed_beside_the_tables(edited):
    edited(f"tables/{TABLE}.yaml", "source:", "seeds: [0, 1]\nsource:")
    with pytest.raises(InputError, match=r"row 'k=3' sets 'seed', but the table declares seeds \[0, 1\]"):
        edited(f"tables/{TABLE}.yaml", "set: {decoder.router.k: 3}", "set: {decoder.router.k: 3, seed: 5}")
