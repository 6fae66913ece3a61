"""One training as a command runs it: seed, model, loop, and at the end the files that others read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from densemoe.params.atomic import write_json, write_text
from densemoe.params.variant import Variant
from densemoe.tasks import make_loss
from densemoe.train.checkpoint import Checkpointer
from densemoe.train.curve import with_sessions
from densemoe.train.entry import Entry
from densemoe.train.interrupt import StopSignals, TrainingStopped
from densemoe.train.live import LiveSign
from densemoe.train.loop import Batch, train
from densemoe.train.progress import both, training_progress
from densemoe.train.provenance import provenance, this_session
from densemoe.train.runtime import Runtime
from densemoe.train.weights import save_weights


@dataclass(frozen=True)
class Places:
    """Where a training writes."""

    model: Path
    resume: Path
    curve: Path
    provenance: Path

    @classmethod
    def under(cls, runs: Path, reports: Path, entry: Entry) -> Places:
        """The usual places below the folder of all runs and the folder of all scales' reports."""
        run = entry.run
        return cls(
            model=runs / run / "model.safetensors",
            resume=runs / run / "resume",
            curve=reports / entry.scale / "curves" / f"{run}.csv",
            provenance=reports / entry.scale / "provenance" / f"{run}.json",
        )


def train_run(
    entry: Entry,
    build: Callable[[], nn.Module],
    loader_from_step: Callable[[int], Iterable[Batch]],
    places: Places,
    runtime: Runtime,
    *,
    checkpoint_steps: int,
    checkpoint_seconds: float,
    before_writing: Callable[[], None] = lambda: None,
    say: Callable[[str], None],
) -> None:
    """Train a run from where it stands and write curve, provenance and, last, the model; then remove `places.resume`.

    Args:
        entry: the run.
        build: makes the model, initialised from torch's generator, which is seeded with the variant's seed here.
        loader_from_step: first step -> batches of that step to the last.
        places: each file is replaced at once when training has ended, none before.
        runtime: device and threads, already set up.
        checkpoint_steps: a checkpoint is due after this many steps,
        checkpoint_seconds: or after this much time (see `Checkpointer`).
        before_writing: called before every file; raises if the run is somebody else's by now (`lock.RunLock.check`).
        say: takes warnings, and progress where standard error is no terminal for a bar; a line each.

    Raises as `loop.train` does.

    """
    variant, recipe = entry.variant, entry.variant.recipe
    checkpoints = Checkpointer(
        places.resume,
        entry.run,
        session=this_session(),
        every_steps=checkpoint_steps,
        every_seconds=checkpoint_seconds,
        before_writing=before_writing,
        say=say,
    )
    weight = recipe.boundary_positive_weight
    losses = {task: make_loss(task, boundary_positive_weight=weight) for task in variant.tasks}
    live = LiveSign(places.model.parent, entry.run, recipe.iterations)
    torch.manual_seed(variant.seed)
    model = build().to(runtime.device)
    with StopSignals() as stop, live:
        try:
            curve = train(
                model,
                loader_from_step,
                losses,
                recipe,
                balance_weight=balance_weight(variant),
                checkpoints=checkpoints,
                stop=stop,
                seed=variant.seed,
                rank=runtime.rank,
                device=runtime.device,
                progress=both(training_progress(recipe.iterations, say), live),
            )
        except RuntimeError:
            if stop.received is None:
                raise
            # the signal also ended a process that prepares batches, in the middle of a step
            raise TrainingStopped(
                stop.received,
                f"Stopped by {stop.name} in the middle of a step; of {recipe.iterations} steps {checkpoints.step} are "
                "saved. Run the same command again to go on.",
            ) from None
        before_writing()
        write_text(places.curve, with_sessions(curve.text, [session["step"] for session in checkpoints.sessions]))
        write_json(
            places.provenance,
            provenance(
                run=entry.run,
                scale=entry.scale,
                variant=variant,
                device=runtime.device_name,
                threads=runtime.threads,
                seconds=checkpoints.seconds,
                sessions=checkpoints.sessions,
            ),
        )
        save_weights(places.model, model, entry.run, recipe.iterations)
        checkpoints.clear()


def balance_weight(variant: Variant) -> float:
    """Weight of the load-balancing loss; 0 for a decoder without one."""
    options = getattr(variant.decoder, "balance", None)
    return 0.0 if options is None or options.kind == "none" else options.weight
