"""What changed between two commits: a repository of its own, exact text, and every way in which a side can be odd."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from compared import Repository
from report_plan import TOLERANCES

from densemoe.params.errors import InputError
from densemoe.report.compare.cells import changed_number
from densemoe.report.compare.markdown import markdown
from densemoe.report.compare.options import changed_options, dotted
from densemoe.report.compare.revisions import concerned
from densemoe.report.compare.text import text
from densemoe.report.model import Cell

FEW = {"set": {"decoder.router.k": 3}, "paper": {"semseg.miou": "79.22", "normals.mean_deg": "13.70"}}
MANY = {"paper": {"semseg.miou": "79.26", "normals.mean_deg": "13.65"}}
K3 = "pascal_context_vitb_mlore_n15k3_d5c5c5fc"
K6 = "pascal_context_vitb_mlore_n15k6_165fb67d"
K9 = "pascal_context_vitb_mlore_n15k9_9d08257a"
K15 = "pascal_context_vitb_mlore_n15k15_15b6d003"


@pytest.fixture
def repository(root, tmp_path) -> Repository:
    """One commit: two rows with results and a file of code."""
    made = Repository(tmp_path / "repository", root / "params")
    made.table({"few": FEW, "many": MANY})
    made.write("src/model.py", "a = 1\n")
    for label, miou, normals in (("few", 79.30, 13.72), ("many", 79.40, 13.60)):
        made.metrics(label, miou, normals)
        made.trained(label, "a" * 40)
    made.commit()
    return made


def forget(repository: Repository, label: str) -> None:
    run = repository.run_of(label)
    shutil.rmtree(repository.root / f"reports/paper/metrics/{run}")
    (repository.root / f"reports/paper/provenance/{run}.json").unlink()


@pytest.fixture
def history(repository) -> tuple[Repository, list[str]]:
    """Three more commits: an option changed, a row added, a run removed."""
    names = ["HEAD~3"]
    forget(repository, "few")
    rows = {"few": FEW | {"set": {"decoder.router.k": 6}}, "many": MANY}
    repository.table(rows)
    repository.metrics("few", 78.10, 13.65)
    repository.trained("few", "b" * 40, dirty=True)
    names.append(repository.commit())
    repository.table(rows | {"all": {"set": {"decoder.router.k": 15}}})
    repository.metrics("all", 77.0, 13.9)
    repository.write("src/model.py", "a = 2\nb = 1\n")
    names.append(repository.commit())
    forget(repository, "many")
    del rows["many"]
    repository.table(rows | {"all": {"set": {"decoder.router.k": 15}}})
    names.append(repository.commit())
    return repository, names


OPTION_CHANGED = f"""\
HEAD~3 (FIRST) -> SECOND

paper scale
  mlore/table11: Top-k
    verdict: reproduced -> differs
    row few
      run {K3} -> {K6} because decoder.router.k changed from 3 to 6
      verdict: reproduced -> differs
      Semseg mIoU  79.30  ->  78.10  -1.20  WORSE than the tolerance of 0.5 allows
      Normal mErr  13.72  ->  13.65  -0.07  within tolerance
  runs that are new in the plan: {K6}
  runs that left the plan: {K3}
  runs by the commit of their weights: aaaaaaa (2) -> aaaaaaa (1), bbbbbbb with changes (1)

Numbers of rows on both sides: 1 worse beyond the tolerance, 1 within tolerance."""

ROW_ADDED = f"""\
SECOND -> THIRD

paper scale
  mlore/table11: Top-k
    row all [added]
      run {K15}
      Semseg mIoU 77.00, Normal mErr 13.90
  runs that are new in the plan: {K15}

code: 1 file differs
  M src/model.py  +2 -1

No number of a row on both sides changed."""

RUN_REMOVED = f"""\
THIRD -> the working tree

paper scale
  mlore/table11: Top-k
    row many [removed]
      run {K9}
      Semseg mIoU 79.40, Normal mErr 13.60
  runs that left the plan: {K9}
  runs by the commit of their weights: aaaaaaa (1), bbbbbbb with changes (1) -> bbbbbbb with changes (1)

No number of a row on both sides changed."""


def test_three_commits_give_exactly_this_text(history):
    repository, (first, second, third, _) = history
    comparisons = [repository.compare(first, second), repository.compare(second, third), repository.compare(third)]
    found = [text(c).replace(second, "SECOND").replace(third, "THIRD") for c in comparisons]
    found[0] = found[0].replace(found[0].partition("(")[2].partition(")")[0], "FIRST", 1)
    assert found == [OPTION_CHANGED, ROW_ADDED, RUN_REMOVED]
    assert [c.worse for c in comparisons] == [True, False, False]


def test_markdown_has_a_table_and_bold_what_is_worse(history):
    repository, (first, *_) = history
    page = markdown(repository.compare(first))
    assert (
        "| few   | Semseg mIoU |    79.30 |   78.10 |    -1.20 | **WORSE than the tolerance of 0.5 allows** |" in page
    )
    assert "| many  | Semseg mIoU |    79.40 |         |          | row removed" in page
    assert K3.replace("_", r"\_") in page  # else a run name turns slanted
    assert "- row **all**: added\n" in page


def test_the_other_way_round_removes_what_was_added_and_is_better(history):
    repository, (_, second, *_) = history
    back = repository.compare(second, "HEAD~3")
    (table,) = back.scales[0].tables
    assert [(row.label, n.outcome) for row in table.rows for n in row.numbers] == [
        ("few", "better"),
        ("few", "within tolerance"),
    ]
    assert not back.worse


def test_nothing_differs(repository):
    assert text(repository.compare("HEAD", "HEAD")).endswith("\n\nNothing that is reported differs.")
    assert text(repository.compare("HEAD")).endswith("\n\nNothing that is reported differs.")


def test_the_working_tree_counts_with_what_no_commit_has(repository):
    repository.metrics("few", 78.0, 13.72)
    repository.write("src/new.py", "x = 1\n")
    repository.trained("few", "c" * 40)
    found = repository.compare("HEAD")
    assert found.worse
    assert [(f.status, f.path, f.added) for f in found.code] == [("A", "src/new.py", 1)]
    assert f"other weights (aaaaaaa -> ccccccc): {K3}" in text(found)


def test_a_renamed_label_is_the_same_row(repository):
    repository.table({"3 experts": FEW, "many": MANY})
    (table,) = repository.compare("HEAD").scales[0].tables
    assert [(row.kind, row.label_before, row.label, row.numbers) for row in table.rows] == [
        ("changed", "few", "3 experts", ())
    ]


def test_a_corrupt_metrics_file_is_named_and_the_rest_compared(repository):
    repository.metrics("few", 78.0, 13.72).write_text('{"scale": "pa')
    repository.metrics("many", 78.0, 13.60)
    found = repository.compare("HEAD")
    told = text(found)
    assert f"in the working tree: reports/paper/metrics/{K3}/plain.json: is not complete" in told
    assert re.search("Semseg mIoU +79.30 +-> +unreadable +lost", told)
    assert re.search("Semseg mIoU +79.40 +-> +78.00 +-1.40 +WORSE", told)
    assert found.counts() | {"worse": 1, "lost": 2} == found.counts()


def test_imported_weights_are_told(repository):
    path = repository.trained("few", "a" * 40)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"imported": {"file": "x.pth", "sha256": "0123" * 16}}))
    assert f"other weights (aaaaaaa -> imported from x.pth, sha256 {'0123' * 3}): {K3}" in text(
        repository.compare("HEAD")
    )


def test_a_corrupt_record_of_a_training_is_named(repository):
    repository.trained("few", "b" * 40).write_text("[]")
    assert f"reports/paper/provenance/{K3}.json: is not a readable record" in text(repository.compare("HEAD"))


def test_a_plan_that_cannot_be_read_is_named(repository):
    (repository.root / "params/plan/paper.yaml").write_text("scale: [")
    told = text(repository.compare("HEAD"))
    assert "in the working tree: params/plan/paper.yaml line 2: not readable as YAML" in told
    assert "in the working tree: has no readable plan of the paper scale." in told


def test_a_side_without_results(repository):
    shutil.rmtree(repository.root / "reports")
    found = repository.compare("HEAD")
    assert "in the working tree: has no results at the paper scale." in text(found)
    assert found.counts()["lost"] == 4 and not found.worse


def test_a_commit_from_before_the_plan(root, tmp_path):
    repository = Repository(tmp_path / "repository", root / "params")
    repository.commit()
    repository.table({"few": FEW})
    repository.commit()
    told = text(repository.compare("HEAD~1", "HEAD"))
    assert "has no readable plan of the paper scale." in told and "no scale" not in told


def test_scales_are_never_mixed(repository):
    """The same numbers at another scale are that scale's: its file is compared with its own one alone."""
    repository.scale = "smoke"
    repository.table({"few": FEW, "many": MANY})
    repository.metrics("few", 10.0, 40.0)
    before = repository.commit()
    repository.metrics("few", 9.0, 40.0)
    found = repository.compare(before)
    assert [scale.scale for scale in found.scales] == ["smoke"]
    assert [(n.before, n.after) for n in found.numbers()] == [("10.00", "9.00")]
    assert "smoke scale (numbers of this scale say nothing about the methods)" in text(found)
    assert not repository.compare(before, scale="paper").scales
    assert concerned({"reports/smoke/metrics/a/plain.json", "docs/x"}, {"smoke", "paper"}) == {"smoke"}
    assert concerned({"params/tolerances.yaml"}, {"smoke", "paper"}) == {"smoke", "paper"}


def test_several_seeds_are_one_change_and_their_mean_one_number(repository):
    head = "seeds: [0, 1, 2]"
    repository.table({"few": FEW}, head)
    for seed, miou in enumerate((79.0, 79.3, 79.6)):
        repository.metrics("few", miou, 13.7, seed=seed)
    repository.commit()
    repository.table({"few": FEW | {"set": {"decoder.router.k": 6}}}, head)
    for seed, miou in enumerate((78.0, 78.3, 78.6)):
        repository.metrics("few", miou, 13.7, seed=seed)
    (change,) = repository.compare("HEAD").scales[0].tables[0].rows
    ((runs,), (number,)) = change.runs, change.numbers
    assert len(runs.before) == len(runs.after) == 3
    assert [(o.key, o.before, o.after) for o in runs.options] == [("decoder.router.k", "3", "6")]
    assert (number.before, number.after, number.difference) == ("79.30 ± 0.30", "78.30 ± 0.30", "-1.00")

    repository.commit()
    repository.table({"few": FEW | {"set": {"decoder.router.k": 6}}}, "seeds: [0, 1]")
    told = text(repository.compare("HEAD"))
    assert "because seed changed from 0, 1, 2 to 0, 1" in told
    assert "mean of 3 -> 2 seeds" in told


def test_an_edited_printed_number_and_tolerance_are_told(repository):
    repository.table({"few": FEW | {"paper": {"semseg.miou": "79.90"}}, "many": MANY})
    path = repository.root / "params/tolerances.yaml"
    path.write_text(path.read_text().replace("absolute: 0.15", "absolute: 0.05"))
    told = text(repository.compare("HEAD"))
    assert "printed Semseg mIoU: 79.22 -> 79.90" in told
    assert "printed Normal mErr: 13.70 -> none" in told
    assert "tolerance of normals.mean_deg: 0.15 (seed std 0.05) -> 0.05 (seed std 0.05)" in told


def test_numbers_of_two_protocols_are_not_compared(repository):
    path = repository.root / "params/protocol.yaml"
    path.write_text(path.read_text().replace("pixel_metrics: 1", "pixel_metrics: 2"))
    repository.table({"few": FEW, "many": MANY})
    repository.metrics("few", 70.0, 20.0, protocol=2)
    found = repository.compare("HEAD")
    assert [n.outcome for n in found.scales[0].tables[0].rows[0].numbers] == ["not comparable"] * 2
    assert "protocol of pixel metrics: 1 -> 2; its numbers are not compared" in text(found)
    assert not found.worse


def test_costs_count_with_their_relative_tolerance(repository):
    columns = "semseg.miou, cost.params_m"
    row = {"set": {"decoder.router.k": 3}}
    repository.table({"few": row}, "counting: {params: used}", columns)
    repository.cost("few", 100_000_000)
    repository.commit()
    repository.cost("few", 100_400_000)
    found = repository.compare("HEAD")
    assert [(n.title, n.outcome) for n in found.numbers()] == [("#Param (M)", "within tolerance")]
    repository.cost("few", 102_000_000)
    found = repository.compare("HEAD")
    assert [(n.before, n.after, n.outcome) for n in found.numbers()] == [("100.00", "102.00", "worse")]
    assert found.worse


def test_a_plan_of_older_code_is_read_as_far_as_it_goes(repository):
    """Without the sections and keys that came with costs and footnotes: numbers are compared, costs are new."""
    columns, rows = "semseg.miou, cost.params_m", {"few": {"set": {"decoder.router.k": 3}}}
    repository.table(rows, "counting: {params: used}", columns)
    for file in ("params/plan/paper.yaml", "params/plan/paper/mlore_table11.yaml"):
        path = repository.root / file
        content = yaml.safe_load(path.read_text())
        for key in ("modules", "costs", "choices", "notes"):
            content.pop(key, None)
        for row in content.get("rows", ()):
            del row["notes"], row["cells"]["all"]["cost"]
        path.write_text(yaml.safe_dump(content))
    repository.commit()
    repository.table(rows, "counting: {params: used}", columns)
    repository.metrics("few", 78.0, 13.72)
    repository.cost("few", 100_000_000)
    found = repository.compare("HEAD")
    assert [(n.title, n.before, n.outcome) for n in found.numbers()] == [
        ("Semseg mIoU", "79.30", "worse"),
        ("#Param (M)", "missing", "new"),
    ]
    assert not any(scale.problems for scale in found.scales)


@pytest.mark.parametrize(
    ("metric", "before", "after", "outcome"),
    [
        ("semseg.miou", 50.0, 49.5, "within tolerance"),
        ("semseg.miou", 50.0, 49.49, "worse"),
        ("normals.mean_deg", 13.0, 13.11, "worse"),  # lower is better
        ("normals.mean_deg", 13.0, 12.0, "better"),
        ("cost.macs", 100.0, 101.0, "within tolerance"),  # 1 % of the number before
        ("cost.macs", 100.0, 101.5, "worse"),
        ("depth.rmse", 0.5, 5.0, "no tolerance"),
        ("semseg.miou", 50.0, 50.0, None),
        ("semseg.miou", None, 50.0, "new"),
        ("semseg.miou", 50.0, None, "lost"),
        ("semseg.miou", None, None, None),
    ],
)
def test_outcomes(metric, before, after, outcome):
    cells = [
        Cell(metric, "missing") if v is None else Cell(metric, "value", v, by_seed={0: v}, shown=f"{v:.2f}")
        for v in (before, after)
    ]
    found = changed_number(*cells, {}, {}, TOLERANCES)
    assert (found and found.outcome) == outcome


def test_a_move_below_the_last_digit_is_told_with_its_size():
    cells = [Cell("semseg.miou", "value", v, by_seed={0: v}, shown="50.00") for v in (50.0, 50.001)]
    assert changed_number(*cells, {}, {}, TOLERANCES).difference == "+1.0e-03"


def test_options_that_go_with_another_kind_are_not_listed():
    before = dotted({"seed": 0, "router": {"kind": "noisy_top_k", "k": 9}, "ranks": [1, 2]})
    after = dotted({"seed": 1, "router": {"kind": "dense"}, "ranks": [1, 2], "version": 2})
    found = changed_options(before, after, without=("seed",))
    assert [(c.key, c.before, c.after) for c in found] == [
        ("router.kind", "noisy_top_k", "dense"),
        ("version", "its default", "2"),
    ]


def test_the_command_prints_json_and_ends_with_1_when_worse_and_2_on_bad_words(history, root):
    repository, (first, second, *_) = history

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        refuse = "import sys; sys.modules.update(torch=None, timm=None, scipy=None, pandas=None)\n"
        code = f"{refuse}import runpy; runpy.run_module('stages.compare', run_name='__main__', alter_sys=True)"
        env = {"PYTHONPATH": f"{root / 'src'}:{root}", "PATH": ""}
        # below the root of the repository
        command = [sys.executable, "-c", code, *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=repository.root / "src", env=env)

    done = command(first, second, "--format", "json")
    assert done.returncode == 1, done.stderr
    content = json.loads(done.stdout)
    assert content["counts"]["worse"] == 1 and content["scales"][0]["tables"][0]["rows"][0]["label"] == "few"
    assert command(second, "HEAD").returncode == 0
    bad = command("nonsense")
    assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1
    assert bad.stderr.startswith("error: 'nonsense' is not a commit of ")
    assert "allowed are paper." in command("HEAD", "--scale", "tiny").stderr


def test_a_folder_without_git(tmp_path):
    from densemoe.report.compare.revisions import Revisions

    with pytest.raises(InputError, match="is not inside a git repository"):
        Revisions(tmp_path, "HEAD", None)
