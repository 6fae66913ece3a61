"""Reproduce tables: python -m workflow.reproduce [--scale S] [--profile P] [--table PAPER/TABLE,...] [--cores N].

Compiles the plan, lets Snakemake run what is missing or changed, tells DVC, and ends with the path of the index or of
the tables asked for. Can be stopped at any time; the same command goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import yaml

from densemoe.params.errors import InputError, allowed
from densemoe.params.files import Params
from densemoe.params.plan import compile_plan, write_plan
from workflow import leftovers, sync, warm
from workflow.device import visible_devices
from workflow.pipeline import Pipeline
from workflow.progress import Progress

ROOT = sync.ROOT
STATE = ROOT / ".snakemake"
UNRECORDED = STATE / "densemoe.unrecorded"
"""Lies there from the start of a run until DVC knows of its results."""
AFTER_FAILURE = STATE / "densemoe.after_failure"
"""Reports that were rendered at the end of a run with failed jobs, one path a line."""


def refuse(sentence: str) -> NoReturn:
    """End with a sentence; nothing has been touched."""
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(2)


def check(args: argparse.Namespace) -> list[str]:
    """The names of the tables asked for. Ends with a sentence for a name that does not exist."""
    params = Params(ROOT / "params")
    profiles = [p.parent.name for p in (ROOT / "workflow" / "profiles").glob("*/config.yaml")]
    tables = [name.strip() for name in args.table.split(",") if name.strip()]
    if args.scale not in params.names("scales"):
        refuse(f"SCALE '{args.scale}' does not exist; allowed are {allowed(params.names('scales'))}.")
    if args.profile not in profiles:
        refuse(f"PROFILE '{args.profile}' does not exist; allowed are {allowed(profiles)}.")
    for table in tables:
        if table not in params.names("tables"):
            refuse(f"TABLE '{table}' does not exist; allowed are {allowed(params.names('tables'))}.")
    if args.cores != "all" and not (args.cores.isdecimal() and int(args.cores) > 0):
        refuse(f"CORES '{args.cores}' is not a number of cores; allowed are 'all' and whole numbers of at least 1.")
    return tables


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold this folder's lock. What a killed run left behind is cleared away first."""
    STATE.mkdir(exist_ok=True)
    file = os.open(STATE / "densemoe.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 20).decode().strip()
        refuse(f"this folder is being reproduced already (process {holder}); wait for it or stop it.")
    was_killed = os.pread(file, 20, 0).strip() != b""
    if ended := leftovers.end_processes(ROOT):
        print(f"ended {ended} processes that a killed run had left behind")
    if was_killed and any((STATE / "locks").glob("*")):
        print("removed the lock of a killed run")
        sync.snakemake(sync.dvc_scale(), "--unlock")
    os.pwrite(file, f"{os.getpid():<20}".encode(), 0)
    try:
        yield
    finally:
        os.ftruncate(file, 0)
        os.close(file)


def recompile(scale: str) -> None:
    """Bring params/plan in step with the tables, and say what changed."""
    try:
        changed = write_plan(compile_plan(Params(ROOT / "params"), scale), ROOT / "params")
    except InputError as error:
        refuse(str(error))
    for path in changed:
        print(f"plan: {path.relative_to(ROOT)} {'changed' if path.exists() else 'removed'}")


def command(args: argparse.Namespace, forced: list[str], targets: list[str]) -> list[str]:
    """The Snakemake command."""
    profile = f"workflow/profiles/{args.profile}"
    settings = yaml.safe_load((ROOT / profile / "config.yaml").read_text(encoding="utf-8"))
    done = [sys.executable, "-m", "snakemake", "--workflow-profile", profile, "--config", f"scale={args.scale}"]
    done += ["--quiet", "host", "reason"]
    if settings.get("executor", "local") == "slurm":
        if jobs := leftovers.cluster_jobs(ROOT):
            refuse(
                f"{len(jobs)} cluster jobs of an earlier run are not over and would write into the same files; wait "
                f"for them, or `scancel {' '.join(jobs)}`."
            )
        done += ["--slurm-jobname-prefix", leftovers.cluster_prefix(ROOT)]
    else:
        cores = os.cpu_count() or 1 if args.cores == "all" else int(args.cores)
        done += ["--cores", str(cores), "--resources", f"gpu={len(visible_devices()) or cores}"]
    if forced:
        done += ["--forcerun", *forced]
    return [*done, "--", *targets]


def run(snakemake: list[str]) -> tuple[int, Progress]:
    """Run Snakemake, show its progress, pass signals on. Returns its exit code and what happened."""
    progress = Progress(ROOT)
    environment = os.environ | leftovers.mark(ROOT)
    # stages say `python`: the one that runs this
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    with contextlib.ExitStack() as stack:
        if "--cores" in snakemake and not visible_devices():  # jobs on this machine's CPU: starting is their main cost
            environment |= stack.enter_context(warm.listening(ROOT, environment, ROOT / "runs" / "logs" / "warm.log"))
        return run_child(snakemake, environment, progress)


def run_child(snakemake: list[str], environment: dict[str, str], progress: Progress) -> tuple[int, Progress]:
    """Snakemake as a child of its own session, with this process's signals passed on."""
    child = subprocess.Popen(
        snakemake,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that Ctrl-C comes once, from here
    )
    stopped = []

    def pass_on(number: int, _: object) -> None:
        stopped.append(number)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)

    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, pass_on)
    for line in child.stdout:
        for text in progress.feed(line.rstrip("\n")):
            print(text, flush=True)
    code = child.wait()
    if stopped:
        print("stopped; the same command goes on from here", file=sys.stderr)
        raise SystemExit(128 + stopped[0])
    return code, progress


def reproduce(args: argparse.Namespace, tables: list[str]) -> int:
    """Everything between the lock's taking and its release."""
    recompile(args.scale)
    pipeline = Pipeline(ROOT, args.scale)
    pipeline.refuse_unadopted()
    page = next(path for path in pipeline.outputs("render_table") if path.endswith(".md"))
    results = [page.format(name=name) for name in tables] or pipeline.all_outputs("render_index")
    forced = pipeline.came_with_git(pipeline.needed(results))
    told = [path for path in forced if path not in _rendered_after_failure()]
    if told:
        print(f"{len(told)} results came with the checkout; they are made here again")
    snakemake = command(args, forced, results)
    was_unrecorded = UNRECORDED.exists()
    UNRECORDED.touch()
    code, progress = run(snakemake)
    if progress.done or was_unrecorded:
        sync.record(args.scale)
    UNRECORDED.unlink(missing_ok=True)
    AFTER_FAILURE.unlink(missing_ok=True)
    if progress.failed and not tables:
        render_what_is_there(args.scale, progress)
    return summary(code, progress, results)


def render_what_is_there(scale: str, progress: Progress) -> None:
    """Tables, claims and index without the runs that failed: the index names those and their rows.

    Snakemake does not render what misses an input, and is not told of these files, so it makes them again.
    """
    failed = {}
    for job in progress.failed.values():
        parts = (part.partition("=") for part in job.fields.get("wildcards", "").split(", "))
        wildcards = {name: value for name, _, value in parts}
        failed[wildcards.get("run") or wildcards.get("key") or job.rule] = progress.describe(job)
    file = STATE / "densemoe.failed.json"
    file.write_text(json.dumps(failed), encoding="utf-8")
    command = ["-m", "stages.render_all", "--plan", f"params/plan/{scale}.yaml", "--failed", str(file)]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    file.unlink()
    AFTER_FAILURE.write_text(done.stdout, encoding="utf-8")
    sys.stderr.write(done.stderr)
    if done.returncode == 0:
        print(f"rendered without what failed: reports/{scale}/README.md", file=sys.stderr)


def _rendered_after_failure() -> set[str]:
    return set(AFTER_FAILURE.read_text(encoding="utf-8").splitlines()) if AFTER_FAILURE.exists() else set()


def summary(code: int, progress: Progress, results: list[str]) -> int:
    """Say what happened; 0 when all is there."""
    if code == 0:
        print(f"{progress.done} jobs done" if progress.done else "already up to date, nothing was run")
        print(*results, sep="\n")
        return 0
    for job in progress.failed.values():
        print(f"failed: {progress.describe(job)}", file=sys.stderr)
    print(f"{progress.done} jobs done, {len(progress.failed)} failed; the same command goes on", file=sys.stderr)
    return 1


def main() -> None:
    """Parse, check, reproduce."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="smoke", help="folder params/scales")
    parser.add_argument("--profile", default="local", help="folder workflow/profiles")
    parser.add_argument("--table", default="", help="e.g. mlore/table02, several with commas; empty: all")
    parser.add_argument("--cores", default="all", help="of this machine; without effect on a cluster")
    args = parser.parse_args()
    tables = check(args)
    with only_one():
        code = reproduce(args, tables)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
