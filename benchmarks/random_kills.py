"""Trainings killed at random moments and taken up again: python -m benchmarks.random_kills [--kills 50] [--seed 0].

Each trial is a training of its own through the stage command, in a fork of this process (which has imported torch), so
that a trial lasts seconds. It is killed with SIGKILL at a moment drawn uniformly from the time that an undisturbed
training takes, from its first line to its last, and then run to the end. Weights and curve must be those of the
undisturbed training, byte for byte; the curve's last column, which tells of interruptions, is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from densemoe.data.get import get_data
from densemoe.data.prepare import prepare_dataset
from densemoe.params.atomic import write_json
from densemoe.params.files import Params, parse, read_yaml
from densemoe.params.naming import data_name, run_name
from densemoe.params.variant import Variant

ROOT = Path(__file__).resolve().parents[1]
PLAN = Path("params/plan/kills.yaml")
REPORT = Path("reports/benchmarks/random_kills.json")
ITERATIONS, EVERY_STEPS = 24, 4
METHODS = ("mlore_n5k3", "baseline", "single_semseg")


@dataclass(frozen=True)
class Trial:
    """One killed training."""

    run: str
    killed_after: float
    """Seconds after its start."""
    left: str
    """What the kill met: nothing, checkpoints, or a finished training."""
    same: bool
    """Whether the bytes are those of the undisturbed training."""


def main() -> None:
    """Run the trials and write the report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kills", default=50, type=int)
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--output", default=REPORT, type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="densemoe-kills-") as folder:
        trials = run_trials(Path(folder), args.kills, args.seed)
    same = sum(trial.same for trial in trials)
    document = {
        "scale": "smoke, smaller still",
        "seed": args.seed,
        "kills": len(trials),
        "identical": same,
        "kills_by_run": dict(Counter(trial.run for trial in trials)),
        "kills_by_what_they_met": dict(Counter(trial.left for trial in trials)),
    }
    write_json(args.output, document)
    print(f"{same} of {len(trials)} identical; {document['kills_by_what_they_met']}; {args.output} is written")
    raise SystemExit(same != len(trials))


def run_trials(folder: Path, kills: int, seed: int) -> list[Trial]:
    """Trials in turn over three runs. Nothing is left in `folder` but data and the undisturbed trainings."""
    import densemoe.models
    import densemoe.train.session  # noqa: F401  imported here, once for all forks

    draw = random.Random(seed)
    runs = prepare(folder)
    seconds, expected = {}, {}
    for run in runs:
        began = time.monotonic()
        assert wait(train(folder, run)) == 0, (folder / "log").read_text()
        seconds[run], expected[run] = time.monotonic() - began, outputs(folder, run)
    return [trial(folder, runs[i % len(runs)], draw, seconds, expected) for i in range(kills)]


def trial(
    folder: Path, run: str, draw: random.Random, seconds: dict[str, float], expected: dict[str, tuple[bytes, ...]]
) -> Trial:
    """Train in a folder of its own, kill, train to the end."""
    place = Path(tempfile.mkdtemp(dir=folder))
    for name in ("data", "params"):
        (place / name).symlink_to(folder / name)
    after = draw.uniform(0, seconds[run])
    process = train(place, run)
    time.sleep(after)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    wait(process)
    left = (
        "a finished training"
        if (place / "runs" / run / "model.safetensors").exists()
        else "checkpoints"
        if list((place / "runs" / run).glob("resume/step-*.pt"))
        else "nothing"
    )
    same = wait(train(place, run)) == 0 and outputs(place, run) == expected[run]
    shutil.rmtree(place)
    return Trial(run, after, left, same)


def prepare(folder: Path) -> list[str]:
    """Params, a plan of three small runs and their data; returns the names of the runs."""
    shutil.copytree(ROOT / "params", folder / "params", ignore=shutil.ignore_patterns("plan"))
    (folder / PLAN).parent.mkdir()
    variants = {run_name(v): v for v in map(variant, METHODS)}
    first = next(iter(variants.values()))
    data = data_name(first.dataset, first.data)
    entries = {
        name: {"title": name, "data": data, "variant": v.model_dump(mode="json", exclude_defaults=True)}
        for name, v in variants.items()
    }
    (folder / PLAN).write_text(yaml.safe_dump({"scale": "kills", "runs": entries}))
    facts = Params(folder / "params").dataset(first.dataset)
    options = first.data.model_dump(mode="json", exclude={"crop"})
    get_data(first.dataset, options, folder / "data/raw" / data, facts, folder / "none")
    prepare_dataset(first.dataset, folder / "data/raw" / data, folder / "data/packed" / data, facts.frame)
    return list(variants)


def variant(method: str) -> Variant:
    """A PASCAL-Context variant of the smoke plan, with fewer images and steps."""
    runs = read_yaml(ROOT / "params/plan/smoke.yaml")["runs"]
    plain = next(e["variant"] for name, e in runs.items() if name.startswith("pascal") and method in name)
    plain["data"].update(train_images=8, val_images=4)
    plain["recipe"].update(iterations=ITERATIONS, batch_size=2)
    return parse(Variant, plain, method)


def train(place: Path, run: str) -> int:
    """Begin `python -m stages.train` in a fork; returns its process number."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.chdir(place)
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.argv = ["train", "--run", run, "--plan", str(PLAN), "--device", "cpu"]
        sys.argv += ["--checkpoint-steps", str(EVERY_STEPS)]
        runpy.run_module("stages.train", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def wait(process: int) -> int:
    """The exit code of a fork."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def outputs(place: Path, run: str) -> tuple[bytes, ...]:
    """What must be the same; empty where it is not all there, or more is."""
    files = place / "runs" / run / "model.safetensors", place / f"reports/kills/curves/{run}.csv"
    if not all(file.exists() for file in files) or [p.name for p in files[0].parent.iterdir()] != [files[0].name]:
        return ()
    curve = b"\n".join(row.rpartition(b",")[0] for row in files[1].read_bytes().splitlines())
    return files[0].read_bytes(), curve


if __name__ == "__main__":
    main()
