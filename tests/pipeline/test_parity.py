"""Both engines run the same stages; forms are kept; a dry run is quick and imports no torch."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.pipeline.project import ROOT
from workflow.pipeline import Pipeline, description, plan_file, scales, shown_by

SCALES = ("paper", "pilot", "smoke")
WITHOUT_COSTS = ("render_figure@smoke_mlore_table03", "render_table@smoke_mlore_table03")  # they show none


def test_there_are_three_scales():
    assert tuple(scales(ROOT)) == SCALES


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    """Rule, wildcards, inputs, outputs and command of every job of a dry run in an empty copy."""
    from tests.pipeline.project import Project

    project = Project.make(tmp_path_factory.mktemp("dry") / "project")
    text = project.run(
        "snakemake", "-n", "--forceall", "--printshellcmds", "--nolock", "--cores", "1", "--quiet", "reason"
    )
    jobs = {}
    for rule, body in re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)(?=.*Shell command|\[|\S|$)", text, re.M):
        fields = dict(re.findall(r"^ {4}(\w+): (.*)$", body, re.M))
        if rule != "all":
            jobs[frozenset(fields["output"].split(", "))] = (rule, fields)
    commands = set(re.findall(r"python -m stages\.\w+ .*?(?= --workers| >)", text))
    return project, jobs, commands


def dvc_stages(project):
    """Name -> command, dependencies and outputs, as DVC itself reads dvc.yaml."""
    code = (
        "import json\nfrom dvc.repo import Repo\n"
        "print(json.dumps({s.name: [s.cmd, [d.def_path for d in s.deps], [o.def_path for o in s.outs]]"
        " for s in Repo('.').index.stages}))"
    )
    return json.loads(project.python("-c", code).splitlines()[-1])


def test_both_engines_have_the_same_stages(dry_run):
    project, jobs, commands = dry_run
    stages = dvc_stages(project)
    plan = project.plan()
    # data: got and prepared; tables: rendered and drawn
    sections = ("data", "data", "runs", "measures", "scores", "routing", "tables", "figures", "routing_figures")
    expected = sum(len(plan[section]) for section in sections) + 5  # costs, claims, overview, index, HTML
    assert len(stages) == len(jobs) == expected == 2 * 2 + 8 + 8 + 5 + 1 + 2 * 2 + 5
    assert {cmd for cmd, _, _ in stages.values()} == commands
    for name, (_, deps, outs) in stages.items():
        rule, fields = jobs[frozenset(outs)]
        assert rule == name.partition("@")[0]
        inputs = set(filter(None, fields.get("input", "").split(", ")))
        for path in inputs:  # nothing that DVC does not know of
            assert any(path == dep or path.startswith(f"{dep}/") for dep in deps), (name, path)
        if name in WITHOUT_COSTS:
            assert "reports/smoke/costs" not in inputs
            deps.remove("reports/smoke/costs")
        for dep in deps:  # and nothing missing
            assert any(path == dep or path.startswith(f"{dep}/") for path in inputs), (name, dep)


@pytest.mark.parametrize("scale", SCALES)
def test_a_table_waits_for_its_own_measures_and_costs_only(scale):
    pipeline = Pipeline(ROOT, scale)
    plan = yaml.safe_load(plan_file(ROOT, scale).read_text())
    seen, counted, routed = 0, 0, set()
    for key, entry in plan["tables"].items():
        stage = pipeline.stages[f"render_table@{key}"]
        shown = shown_by(ROOT / "params" / "plan" / entry["file"]) & (set(plan["measures"]) | {scale})
        made = {pipeline.producer[p].key for p in pipeline.inputs(stage) if p in pipeline.producer}
        assert made == shown
        drawn = pipeline.inputs(pipeline.producer[f"reports/{scale}/figures/{entry['name']}.png"])
        makers = {pipeline.producer[p].group: set() for p in drawn if p in pipeline.producer}
        for path in drawn:
            if path in pipeline.producer:
                makers[pipeline.producer[path].group].add(pipeline.producer[path].key)
        routed |= makers.pop("measure_routing", set())
        assert {stage: keys - shown for stage, keys in makers.items() if stage != "train"} == {
            stage: set() for stage in makers if stage != "train"
        }
        assert makers.get("train", set()) <= {key.rpartition("__")[0] for key in shown}
        seen += len(shown)
        counted += scale in shown
    assert len(plan["tables"]) == 23
    assert seen > len(plan["measures"]) > 40 and counted == 7
    assert routed == set(plan["routing"]) and len(routed) == 4


def test_claims_and_tolerances_are_inputs_of_what_they_decide():
    # file by file: the time stamp of a folder does not tell of an edited file in it
    pipeline = Pipeline(ROOT, "smoke")
    claims = set(pipeline.inputs(pipeline.stages["render_claims@smoke"]))
    files = {p.relative_to(ROOT).as_posix() for p in (ROOT / "params/claims").glob("*.yaml")}
    assert len(files) == 2 and files | {"params/tolerances.yaml"} <= claims
    assert "reports/smoke/tables/mlore/table11.md" in claims
    assert "params/tolerances.yaml" in pipeline.inputs(pipeline.stages["render_table@smoke_mlore_table11"])
    assert "reports/smoke/claims.md" in pipeline.inputs(pipeline.stages["render_index@smoke"])
    shown = pipeline.inputs(pipeline.stages["render_html@smoke"])
    assert {"reports/smoke/claims.json", "reports/smoke/README.md", "reports/smoke/tables/mlore/table11.md"} < set(
        shown
    )
    assert len([p for p in shown if p.startswith("reports/smoke/curves/")]) == len(
        [s for s in pipeline.stages if s.startswith("train@")]
    )


def test_stages_of_different_scales_have_different_names_and_outputs():
    # they share dvc.lock and the folders data and runs
    pipelines = [Pipeline(ROOT, scale) for scale in SCALES]
    names = [name for p in pipelines for name in p.stages]
    outs = [out for p in pipelines for out in p.producer]
    assert len(names) == len(set(names)) > 300
    assert len(outs) == len(set(outs)) > 600


def test_dvc_yaml_names_one_plan_and_the_resolver_of_dvc_agrees():
    (named,) = description(ROOT)["vars"]
    assert named in {f"params/plan/{scale}.yaml" for scale in SCALES}


def test_yaml_1_1_and_1_2_read_the_same():  # PyYAML (ours, Snakemake) and ruamel (DVC)
    from dvc.fs import localfs
    from dvc.utils.serialize import load_path

    files = [ROOT / "dvc.yaml", *sorted((ROOT / "params").rglob("*.yaml"))]
    assert len(files) > 100
    for file in files:
        assert yaml.safe_load(file.read_text()) == load_path(str(file), localfs), file


def test_lint_finds_nothing():
    done = _python("-m", "snakemake", "--lint", "--nolock")
    assert "your workflow is in a good condition" in done.stderr, done.stderr


def test_snakefmt_finds_nothing():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("snakefmt")), "--check", "Snakefile", "workflow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_dry_run_of_the_paper_is_quick_and_imports_no_torch(record_property):
    begin = time.perf_counter()
    done = _python(
        "-X", "importtime", "-m", "snakemake", "-n", "--forceall", "--nolock", "--quiet", "rules",
        "--config", "scale=paper", "--workflow-profile", "workflow/profiles/local",
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    record_property("seconds", seconds)
    runs = yaml.safe_load(plan_file(ROOT, "paper").read_text())["runs"]
    assert re.search(rf"^train +{len(runs)}$", done.stdout + done.stderr, re.M)
    modules = re.findall(r"import time:.*\| +(\S+)$", done.stderr, re.M)
    assert "yaml" in modules
    assert not {"torch", "timm", "dvc.repo"} & set(modules)
    assert seconds < 15  # 3 s on a quiet machine


def _python(*arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
