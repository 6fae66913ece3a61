"""The import rules: who may import whom, who may know torch, torch.distributed and timm."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

# part of densemoe -> the other parts that it may import
ALLOWED = {
    "params": set(),
    "tasks": {"params"},
    "models": {"params"},
    "data": {"params", "tasks"},
    "train": {"params", "tasks"},
    "evaluate": {"params", "tasks"},
    "report": {"params"},
}


def imports(path: Path) -> list[str]:
    """Every module that a file imports, wherever the import stands."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
    return found


def sources(root: Path) -> dict[Path, list[str]]:
    return {p: imports(p) for p in sorted((root / "src/densemoe").rglob("*.py"))}


def test_parts_import_only_what_they_may(root):
    files = sources(root)
    assert len(files) > 50
    assert {p.parent.name for p in (root / "src/densemoe").glob("*/__init__.py")} == set(ALLOWED)
    for path, modules in files.items():
        part = path.relative_to(root / "src/densemoe").parts[0]
        if part == "__init__.py":
            continue
        for module in modules:
            if module.startswith("densemoe."):
                other = module.split(".")[1]
                assert other == part or other in ALLOWED[part], f"{path}: {part} imports {module}"


def test_nobody_imports_stages_or_workflow(root):
    for path, modules in sources(root).items():
        assert not any(m.split(".")[0] in ("stages", "workflow", "tests") for m in modules), path


def test_only_the_runtime_knows_torch_distributed(root):
    for path, modules in sources(root).items():
        if path.relative_to(root / "src/densemoe").as_posix() != "train/runtime.py":
            assert not any(m.startswith("torch.distributed") for m in modules), path


def test_only_the_backbones_know_timm(root):
    for path, modules in sources(root).items():
        if "models/backbones/" not in path.as_posix():
            assert not any(m.split(".")[0] == "timm" for m in modules), path


@pytest.mark.parametrize(
    "module",
    [
        "densemoe.params.plan",
        "densemoe.report.figures.of_table",
        "densemoe.report.index",
        "densemoe.report.tables",
        "densemoe.data.packed",
        "workflow.pipeline",
    ]
    + [f"stages.{s}" for s in ("plan", "get_data", "prepare", "train", "evaluate", "audit", "compare", "status")]
    + [f"stages.measure_{s}" for s in ("cost", "routing")]
    + [f"stages.render_{s}" for s in ("table", "figure", "overview", "claims", "index", "html", "all")],
)
def test_what_needs_no_model_imports_no_torch(root, module):
    code = f"import sys, {module}; print(sorted({{'torch', 'timm', 'torchvision'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
