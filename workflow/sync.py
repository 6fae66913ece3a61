"""Carry what one engine knows to the other: python -m workflow.sync record|adopt|scale [SCALE].

record: after Snakemake. Writes dvc.lock and DVC's cache for the stages that Snakemake considers done, and only those.
        `make reproduce` calls it once at its end; after a plain `snakemake` call it by hand.
adopt:  after `dvc pull`, `dvc checkout` or `dvc repro`. Tells Snakemake that the stages DVC finds unchanged are done.
scale:  the scale that DVC works on, one line of dvc.yaml; with a name, rewrites that line.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.pipeline import ADOPTING, Pipeline, description, scales
from workflow.records import is_foreign

if TYPE_CHECKING:
    from dvc.repo import Repo

ROOT = Path(__file__).resolve().parents[1]
_SCALE_LINE = re.compile(r"^(\s*- params/plan/)(\w+)(\.yaml\s*)$", re.MULTILINE)


def dvc_scale(root: Path = ROOT) -> str:
    """The scale that dvc.yaml names."""
    return Path(description(root)["vars"][0]).stem


def set_dvc_scale(scale: str, root: Path = ROOT) -> bool:
    """Rewrite the line of dvc.yaml; True if it named another scale. SystemExit for a scale without a plan."""
    if scale not in scales(root):
        raise SystemExit(f"error: there is no scale '{scale}'; allowed are {', '.join(scales(root))}.")
    if dvc_scale(root) == scale:
        return False
    file = root / "dvc.yaml"
    text, changed = _SCALE_LINE.subn(rf"\g<1>{scale}\g<3>", file.read_text(encoding="utf-8"))
    if changed != 1:
        raise SystemExit(f"error: {file} must have one line `- params/plan/SCALE.yaml` under vars; found {changed}.")
    partial = file.with_suffix(".yaml.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
    return True


def snakemake(scale: str, *args: str) -> str:
    """Standard output of a Snakemake that runs no job. SystemExit with its message when it fails."""
    profile = ["--workflow-profile", "workflow/profiles/local"]
    command = [sys.executable, "-m", "snakemake", *profile, "--config", f"scale={scale}", *args]
    env = {**os.environ, ADOPTING: "1"}
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, env=env, check=False)
    if done.returncode:
        raise SystemExit(f"error: snakemake {' '.join(args[:2])} failed:\n{done.stderr.strip()}")
    return done.stdout


def record(scale: str) -> None:
    """Write dvc.lock for the stages of a scale that Snakemake finds up to date."""
    from dvc.exceptions import DvcException

    pipeline = Pipeline(ROOT, scale)
    repo = _open()
    if repo is None:
        print("dvc.lock: not recorded, this folder is no git repository")
        return
    if set_dvc_scale(scale):
        print(f"dvc.yaml: DVC now works on the scale {scale}")
    rows = [line.split("\t") for line in snakemake(scale, "--nolock", "--summary").splitlines()[1:]]
    done = {row[0] for row in rows if row[-1] == "no update"}
    try:
        with repo, repo.lock:
            ready = _write(repo, pipeline, done)
    except DvcException as error:
        raise SystemExit(
            f"error: DVC could not record the results ({error}). They are all there; `python -m workflow.sync record` "
            "or the next run records them."
        ) from None
    print(f"dvc.lock: {ready} of {len(pipeline.stages)} stages are done and recorded")


def _write(repo: Repo, pipeline: Pipeline, done: set[str]) -> int:
    stages = [s for s in repo.index.stages if getattr(s, "name", None) in pipeline.stages]
    ready = [s for s in stages if all(_is_made(out.def_path, done) for out in s.outs)]
    for stage in ready:
        stage.save()
        stage.commit(relink=False)  # linking to the cache would change time stamps, and Snakemake would run again
    if ready:
        ready[0].dvcfile.dump_stages(ready, update_pipeline=False)
    return len(ready)


def _is_made(out: str, done: set[str]) -> bool:
    return out in done and (ROOT / out).exists() and not is_foreign(ROOT, out)


def _open() -> Repo | None:
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import SCMError

    logging.getLogger("dvc").setLevel(logging.WARNING)
    try:
        return Repo(str(ROOT))
    except (NotDvcRepoError, SCMError):
        return None


def adopt() -> None:
    """Mark as current, for Snakemake, the stages of DVC's scale that DVC finds unchanged."""
    scale = dvc_scale()
    repo = _open()
    if repo is None:
        raise SystemExit("error: this folder is no git repository, so DVC has no records to adopt.")
    with repo:
        changed = set(_names(repo.status()))
    pipeline = Pipeline(ROOT, scale)
    unchanged = _unchanged(pipeline, changed)
    if not unchanged:
        raise SystemExit(f"error: DVC finds no stage of the scale {scale} unchanged; see `dvc status`.")
    outs = [out for stage in unchanged for out in stage.outs]
    snakemake(scale, "--nolock", "--touch", "--forceall", "--cores", "1", "--quiet", "all", "--", *outs)
    print(f"Snakemake: {len(unchanged)} of {len(pipeline.stages)} stages are current")


def _names(status: dict[str, Any]) -> list[str]:
    return [name.rpartition(":")[2] for name in status]


def _unchanged(pipeline: Pipeline, changed: set[str]) -> list[Any]:
    """Stages that are unchanged with all stages before them."""
    return [s for s in pipeline.stages.values() if not changed & {n.name for n in pipeline.needed(s.outs[:1])}]


def main() -> None:
    """Parse and call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "adopt", "scale"))
    parser.add_argument("scale", nargs="?", help="for record (default: DVC's scale) and scale")
    args = parser.parse_args()
    if args.what == "record":
        record(args.scale or dvc_scale())
    elif args.what == "adopt":
        adopt()
    elif args.scale is None:
        print(dvc_scale())
    else:
        changed = set_dvc_scale(args.scale)
        print(f"dvc.yaml: DVC {'now works' if changed else 'already works'} on the scale {args.scale}")


if __name__ == "__main__":
    main()
