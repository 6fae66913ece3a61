"""Where a trained model comes from: commit, versions, machine, resolved variant, hours. Imports no torch."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from densemoe.params.variant import Variant

PACKAGES = ("densemoe", "torch", "timm", "numpy")
_CODE = ("src", "stages")


def commit_of_code(folder: Path | None = None) -> dict[str, Any]:
    """`commit`: the commit of the repository that holds `folder` (by default this package), None outside git.
    `dirty`: whether src/ or stages/ differ from it, None outside git.
    """  # fmt: skip
    folder = folder or Path(__file__).parent
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    top = _git(folder, "rev-parse", "--show-toplevel")
    if not commit or not top:
        return {"commit": None, "dirty": None}
    changes = _git(Path(top), "status", "--porcelain", "--", *_CODE)
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def now() -> str:
    """UTC time to the second, e.g. 2026-01-31T12:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def this_session() -> dict[str, Any]:
    """What to remember of the process that begins to train now."""
    return {**commit_of_code(), "started": now()}


def provenance(
    *,
    run: str,
    scale: str,
    variant: Variant,
    device: str,
    threads: int,
    seconds: float,
    sessions: list[dict[str, Any]],
) -> dict[str, Any]:
    """The record of a finished training, as plain data.

    Args:
        run: name of the run.
        scale: scale of its plan.
        variant: resolved variant.
        device: the machine's name of the device.
        threads: CPU threads.
        seconds: time trained, over all processes.
        sessions: `this_session` of every process that trained, the first one first, each with the `step` it began at.

    """
    return {
        "run": run,
        "scale": scale,
        "variant": variant.model_dump(mode="json"),
        "commit": sessions[-1]["commit"],
        "dirty": sessions[-1]["dirty"],
        "versions": _versions(),
        "device": device,
        "threads": threads,
        "hours": round(seconds / 3600, 6),
        "resumed_at": [session["step"] for session in sessions[1:]],
        "sessions": sessions,
        "started": sessions[0]["started"],
        "finished": now(),
    }


def imported_provenance(
    *, run: str, scale: str, variant: Variant, imported: dict[str, str], left_out: dict[str, list[str]]
) -> dict[str, Any]:
    """The record of a run whose weights were trained elsewhere; what only a training knows is None.

    Args:
        run: name of the run.
        scale: scale of its plan.
        variant: resolved variant that the weights are taken to be of; its k and gate order are no part of a checkpoint.
        imported: `file` and `sha256` of the checkpoint.
        left_out: keys of the checkpoint that were not taken, by reason.

    """
    return {
        "run": run,
        "scale": scale,
        "variant": variant.model_dump(mode="json"),
        **commit_of_code(),
        "versions": _versions(),
        "imported": {**imported, "keys_left_out": left_out},
        "device": None,
        "threads": None,
        "hours": None,
        "resumed_at": [],
        "sessions": [],
        "started": None,
        "finished": now(),
    }


def _versions() -> dict[str, str | None]:
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(folder: Path, *arguments: str) -> str | None:
    """Output of a git command, or None if it fails or there is no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
