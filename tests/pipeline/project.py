"""A small copy of the project in a git repository of its own: real engines, few rows, real or stand-in stages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "dvc.yaml", ".dvc", ".dvcignore", ".gitignore", "params", "src", "stages", "workflow")

TABLES = {
    "mlore/table02": """\
title: Components
source: {paper: mlore, table: 2}
columns: [semseg.miou, boundary.ods_f, cost.params_m]
counting: {params: used}
base: {method: mlore, dataset: pascal_context, backbone: vit_base}
rows:
  - label: Baseline
    set: {method: baseline}
    paper: {semseg.miou: "77.38"}
  - label: MLoRE
    paper: {semseg.miou: "79.26"}
  - label: three experts
    set: {decoder.router.k: 3}  # of fifteen
plot:
  - {kind: activation, title: Tasks and experts, row: MLoRE, modules: last}
""",
    "mlore/table03": """\
title: On the other data set
source: {paper: mlore, table: 3}
columns: [semseg.miou, gain]
baseline: {method: single_task}
base: {method: mlore, dataset: nyud_v2, backbone: vit_base}
rows:
  - label: MLoRE
    paper: {semseg.miou: "79.26", gain: "1.0"}
""",
}

CLAIMS = """\
paper: mlore
claims:
  - id: mlore_is_best
    section: "4.2"
    says: MLoRE is the best
    kind: best
    row: "{row}"
    columns: [semseg.miou]
"""


def claimed_row(tables: dict[str, str]) -> str:
    """A row for the one claim, of the first table: the paper's own, or the first."""
    name, text = next(iter(tables.items()))
    labels = [row["label"] for row in yaml.safe_load(text)["rows"]]
    return f"{name.partition('/')[2]}: {'MLoRE' if 'MLoRE' in labels else labels[0]}"


class Project:
    """The copy in `folder`, and the commands that a person would type there."""

    def __init__(self, folder: Path):
        self.folder = folder

    @classmethod
    def make(cls, folder: Path, tables: dict[str, str] | None = None, fake: bool = True) -> Project:
        """Copy the project, replace its tables, plan the smoke scale, commit."""
        folder.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", *PARTS],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        replaced = ("params/tables", "params/claims", "params/plan")
        names = [n for n in listed.stdout.splitlines() if not n.startswith(replaced)]
        assert len(names) > 50
        for name in names:
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        tables = tables or TABLES
        for name, text in tables.items():
            file = folder / "params" / "tables" / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        claims = folder / "params" / "claims" / "mlore.yaml"
        claims.parent.mkdir()
        claims.write_text(CLAIMS.format(row=claimed_row(tables)))
        if fake:
            for file in (Path(__file__).parent / "fake_stages").glob("*.py"):
                shutil.copy(file, folder / "stages")
        with (folder / ".gitignore").open("a") as ignored:
            ignored.write("/calls/\n")
        project = cls(folder)
        project.python("-m", "stages.plan", "--scale", "smoke", "--write")
        project.run("git", "init", "-q", "-b", "main")
        project.commit("first")
        return project

    def copy(self, folder: Path) -> Project:
        """A copy with all time stamps and records, under another path."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def clone(self, folder: Path) -> Project:
        """A clone, as another person gets it."""
        subprocess.run(["git", "clone", "-q", str(self.folder), str(folder)], check=True)
        return Project(folder)

    @property
    def environment(self) -> dict[str, str]:
        """Only the copy is importable, with this interpreter in front."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DENSEMOE", "SNAKEMAKE", "DVC", "FAKE"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
        return kept | {
            "PYTHONPATH": f"{self.folder}/src{os.pathsep}{self.folder}",
            "PATH": path,
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *command: str, code: int | None = 0, **environment: str) -> str:
        """Standard output and error of a command; asserts its exit code."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout
        return done.stdout

    def python(self, *command: str, code: int | None = 0, **environment: str) -> str:
        """Run this interpreter."""
        return self.run(sys.executable, *command, code=code, **environment)

    def reproduce(self, *arguments: str, code: int | None = 0, **environment: str) -> str:
        """What `make reproduce` calls."""
        return self.python("-m", "workflow.reproduce", "--cores", "2", *arguments, code=code, **environment)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        """Start `make reproduce` and do not wait."""
        return subprocess.Popen(
            [sys.executable, "-m", "workflow.reproduce", "--cores", "2", *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def dvc(self, *arguments: str) -> str:
        """Run DVC."""
        return self.python("-m", "dvc", *arguments)

    def commit(self, message: str) -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "-A")
        self.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)

    def calls(self) -> dict[str, int]:
        """How often each stand-in ran since the last look."""
        folder = self.folder / "calls"
        found = {d.name: len(list(d.iterdir())) for d in sorted(folder.glob("*"))}
        shutil.rmtree(folder, ignore_errors=True)
        return found

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file."""
        file = self.folder / name
        text = file.read_text()
        assert text.count(old) == 1, (name, old, text.count(old))
        file.write_text(text.replace(old, new))

    def plan(self, scale: str = "smoke") -> dict:
        """The compiled plan."""
        return yaml.safe_load((self.folder / "params" / "plan" / f"{scale}.yaml").read_text())

    def stamps(self, pattern: str) -> dict[str, int]:
        """Time stamps of files, to see which were written anew."""
        return {str(f.relative_to(self.folder)): f.stat().st_mtime_ns for f in sorted(self.folder.glob(pattern))}
