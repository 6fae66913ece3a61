"""Reproduce tables: python -m workflow.reproduce [--scale S] [--profile P] [--table PAPER/TABLE,...] [--cores N].

Compiles the plan, lets Snakemake run what is missing or changed, tells DVC, and ends with the paths of the HTML
report and the index, or of the tables asked for. Can be stopped at any time; the same command goes on.
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
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from densemoe.params.errors import InputError, allowed
from densemoe.params.estimate import gpu_hours
from densemoe.params.files import Params
from densemoe.params.plan import Plan, compile_plan, out_of_step, write_plan
from workflow import attach, leftovers, slurm, sync, warm
from workflow.device import visible_devices
from workflow.pipeline import Pipeline
from workflow.progress import Progress
from workflow.site import Cluster, profiles, site_file

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
    tables = [name.strip() for name in args.table.split(",") if name.strip()]
    if args.scale not in params.names("scales"):
        refuse(f"SCALE '{args.scale}' does not exist; allowed are {allowed(params.names('scales'))}.")
    if args.profile not in profiles(ROOT):
        refuse(f"PROFILE '{args.profile}' does not exist; allowed are {allowed(profiles(ROOT))}.")
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


def writable() -> None:
    """Refuse before anything is submitted where results could not be written."""
    for name in ("runs", "data", "reports"):
        try:
            (ROOT / name).mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=ROOT / name):
                pass
        except OSError as error:
            refuse(f"{name}/ cannot be written to ({error.strerror}); the results of all jobs go there.")


def compiled(scale: str) -> Plan:
    """The plan as params/ says it now."""
    try:
        return compile_plan(Params(ROOT / "params"), scale)
    except InputError as error:
        refuse(str(error))


def bring_in_step(plan: Plan, jobs: list[slurm.Queued]) -> None:
    """Bring params/plan in step with the tables, and say what changed. Refused while jobs of the old plan are alive."""
    params = ROOT / "params"
    if jobs and (changed := out_of_step(plan, params)):
        refuse(
            f"{changed[0].relative_to(ROOT)} would change while {len(jobs)} cluster jobs of the plan before are "
            f"not over; wait for them, end them (scancel {' '.join(job.job for job in jobs)}), or undo the edit."
        )
    for path in write_plan(plan, params):
        print(f"plan: {path.relative_to(ROOT)} {'changed' if path.exists() else 'removed'}")


def estimated_hours(plan: Plan) -> dict[str, float]:
    """GPU-hours of every run to train, at the assumed speed."""
    params = Params(ROOT / "params")
    trained = {name: p.variant for name, p in plan.runs.items() if p.trained and p.pending is None}
    return {name: gpu_hours(v, params.dataset(v.dataset).outputs) for name, v in trained.items()}


def cluster_profile(profile: str, plan: Plan) -> Path:
    """Ask SLURM whether the site is true, and write Snakemake's profile for it."""
    try:
        cluster = Cluster(ROOT, profile)
        hours = estimated_hours(plan)
        cluster.check(hours)
    except InputError as error:
        refuse(str(error))
    return cluster.write_profile(STATE / "densemoe" / "profile", hours)


def command(args: argparse.Namespace, profile: Path) -> list[str]:
    """The Snakemake command without its targets."""
    done = [sys.executable, "-m", "snakemake", "--workflow-profile", str(profile), "--config", f"scale={args.scale}"]
    done += ["--quiet", "host", "reason"]
    if on_cluster(args.profile):
        return [*done, "--slurm-jobname-prefix", leftovers.cluster_prefix(ROOT)]
    cores = os.cpu_count() or 1 if args.cores == "all" else int(args.cores)
    return [*done, "--cores", str(cores), "--resources", f"gpu={len(visible_devices()) or cores}"]


def on_cluster(profile: str) -> bool:
    """Whether the jobs of a profile are SLURM's."""
    return site_file(ROOT, profile).exists()


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

    before = {sign: signal.signal(sign, pass_on) for sign in (signal.SIGINT, signal.SIGTERM)}
    for line in child.stdout:
        for text in progress.feed(line.rstrip("\n")):
            print(text, flush=True)
    code = child.wait()
    for sign, handler in before.items():
        signal.signal(sign, handler)
    if stopped:
        print("stopped; the same command goes on from here", file=sys.stderr)
        raise SystemExit(128 + stopped[0])
    return code, progress


def reproduce(args: argparse.Namespace, tables: list[str]) -> int:
    """Everything between the lock's taking and its release."""
    plan = compiled(args.scale)
    writable()
    profile, jobs = Path(f"workflow/profiles/{args.profile}"), []
    if on_cluster(args.profile):
        profile = cluster_profile(args.profile, plan)
        jobs = slurm.queued(leftovers.cluster_prefix(ROOT))
    bring_in_step(plan, jobs)
    pipeline = Pipeline(ROOT, args.scale)
    snakemake = command(args, profile)
    page = next(path for path in pipeline.outputs("render_table") if path.endswith(".md"))
    whole = [out for group in ("render_html", "render_index") for out in pipeline.all_outputs(group)]
    results = [page.format(name=name) for name in tables] or whole
    figures = [file.format(name=name) for name in tables for file in pipeline.outputs("render_figure")]
    wanted = [*results, *figures]
    if on_cluster(args.profile):
        take_over(pipeline, jobs, snakemake, wanted)
    pipeline.refuse_unadopted()
    forced = pipeline.came_with_git(pipeline.needed(wanted))
    told = [path for path in forced if path not in _rendered_after_failure()]
    if told:
        print(f"{len(told)} results came with the checkout; they are made here again")
    if forced:
        snakemake += ["--forcerun", *forced]
    was_unrecorded = UNRECORDED.exists()
    UNRECORDED.touch()
    code, progress = run([*snakemake, "--", *wanted])
    if progress.done or was_unrecorded:
        sync.record(args.scale)
    UNRECORDED.unlink(missing_ok=True)
    AFTER_FAILURE.unlink(missing_ok=True)
    if progress.failed and not tables:
        render_what_is_there(args.scale, progress)
    return summary(code, progress, results)


def render_what_is_there(scale: str, progress: Progress) -> None:
    """Tables, claims, index and HTML report without the runs that failed: the index names those and their rows.

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


def take_over(pipeline: Pipeline, jobs: list[slurm.Queued], snakemake: list[str], results: list[str]) -> None:
    """Let the cluster jobs of a killed run come to their end, and keep what they made.

    What does not depend on them is submitted meanwhile.
    """
    keep(pipeline, jobs)
    if not jobs:
        return
    print(f"{len(jobs)} cluster jobs of the run before go on: {' '.join(job.job for job in jobs)}", flush=True)
    under_way = attach.outputs_under_way(pipeline, jobs)
    if under_way is not None:
        UNRECORDED.touch()
        run([*snakemake, "--omit-from", *under_way, "--", *results])
    try:
        attach.wait_until_over(leftovers.cluster_prefix(ROOT), lambda text: print(text, flush=True))
    except KeyboardInterrupt:
        print("stopped waiting; the cluster jobs go on, and so does the same command from here", file=sys.stderr)
        raise SystemExit(128 + signal.SIGINT) from None
    keep(pipeline, [])


def keep(pipeline: Pipeline, jobs: list[slurm.Queued]) -> None:
    """Tell Snakemake of jobs that came to a good end unseen; it would remove their outputs and submit them again."""
    if done := attach.finished(pipeline, jobs):
        outs = [out for stage in done for out in stage.outs]
        sync.snakemake(pipeline.scale, "--nolock", "--touch", "--force", "--cores", "1", "--quiet", "all", "--", *outs)
        print(f"{len(done)} jobs came to their end while nobody looked; their results are kept", flush=True)


def summary(code: int, progress: Progress, results: list[str]) -> int:
    """Say what happened; 0 when all is there."""
    if code == 0:
        print(f"{progress.done} jobs done" if progress.done else "already up to date, nothing was run")
        print(*results, sep="\n")
        return 0
    for job in progress.failed.values():
        print(f"failed: {progress.describe(job)}", file=sys.stderr)
    counts = f"{progress.done} jobs done, {len(progress.failed)} failed, {progress.left} still to do"
    print(f"{counts}; the same command goes on", file=sys.stderr)
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
