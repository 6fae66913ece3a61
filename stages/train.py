"""Train one run of a plan: python -m stages.train --run RUN --plan params/plan/SCALE.yaml."""

import argparse
import signal
import sys
from pathlib import Path

from densemoe.data.packed import Reader
from densemoe.train.entry import Entry, read_entry
from densemoe.train.flags import at_least
from densemoe.train.interrupt import TrainingStopped
from densemoe.train.lock import RunLock
from stages._cluster import job_is_over, own_job, requeue_own_job
from stages._command import planned, run
from stages._packed import packed_split


def main() -> None:
    """Train from the newest checkpoint in runs/RUN/resume, or from the start, and write runs/RUN/model.safetensors."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", required=True, help="name under `runs` in the plan")
    parser.add_argument("--plan", required=True, type=Path, help="compiled plan, params/plan/SCALE.yaml")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="(%(default)s)")
    parser.add_argument("--threads", default=1, type=int, help="CPU threads; other numbers, other last digits")
    parser.add_argument("--workers", default=0, type=int, help="processes that prepare batches (%(default)s)")
    parser.add_argument("--data-root", default=Path("data"), type=Path, help="folder of raw and packed data")
    parser.add_argument("--checkpoint-seconds", default=60.0, type=float, help="save after this time (%(default)s),")
    parser.add_argument("--checkpoint-steps", default=20, type=int, help="or these steps, if quick (%(default)s)")
    args = parser.parse_args()
    at_least(1, threads=args.threads, checkpoint_steps=args.checkpoint_steps)
    at_least(0, workers=args.workers, checkpoint_seconds=args.checkpoint_seconds)
    entry = read_entry(args.plan, *planned(args.plan, "runs", args.run), args.run)
    reader = packed_split(args.data_root, entry, "train")
    lock = RunLock(Path("runs") / entry.run, entry.run, job=own_job(), job_is_over=job_is_over, say=say)
    try:
        with lock:
            train(entry, reader, lock, args)
    except TrainingStopped as stopped:
        say(str(stopped))
        if stopped.number == signal.SIGUSR1 and (failure := requeue_own_job()):
            say(failure)
        raise SystemExit(stopped.exit_code) from None


def say(text: str) -> None:
    """A line for the log."""
    print(text, file=sys.stderr, flush=True)


def train(entry: Entry, reader: Reader, lock: RunLock, args: argparse.Namespace) -> None:
    """Import torch, which takes seconds, only now that the input is known to be good."""
    from densemoe.data.loaders import TrainLoader
    from densemoe.models import build_model
    from densemoe.train.runtime import start
    from densemoe.train.session import Places, train_run

    variant, recipe = entry.variant, entry.variant.recipe
    train_run(
        entry,
        lambda: build_model(variant, entry.outputs, variant.data.crop),
        lambda first: TrainLoader(
            reader,
            crop=variant.data.crop,
            tasks=variant.tasks,
            batch_size=recipe.batch_size,
            seed=variant.seed,
            start_step=first,
            stop_step=recipe.iterations,
            workers=args.workers,
        ),
        Places.under(Path("runs"), Path("reports"), entry),
        start(args.device, args.threads),
        checkpoint_steps=args.checkpoint_steps,
        checkpoint_seconds=args.checkpoint_seconds,
        before_writing=lock.check,
        say=say,
    )


if __name__ == "__main__":
    run(main)
