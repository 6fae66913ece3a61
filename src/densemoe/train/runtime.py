"""The machine a process computes on: device, threads, deterministic settings. The only place to know of other ranks."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from densemoe.params.errors import InputError

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Runtime:
    """Where and how this process computes."""

    device: torch.device
    threads: int
    rank: int = 0
    """Number of this process among those that train one model together; the random state of a step depends on it."""

    @property
    def device_name(self) -> str:
        """Model of the GPU or CPU, as the machine names it."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else _cpu_name()


def start(device: str, threads: int) -> Runtime:
    """Choose the device and set up torch for this process.

    Args:
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        threads: CPU threads of torch. Sums are split among them, so another number gives other last digits; whoever
            starts the process must not decide that through OMP_NUM_THREADS.

    Raises InputError if `cuda` is asked for and torch sees no GPU.

    """
    if device not in DEVICES:
        raise InputError(f"--device is '{device}'; allowed are {', '.join(DEVICES)}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device is cuda, but torch finds no usable GPU here; use --device auto or cpu.")
    torch.set_num_threads(threads)
    chosen = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    if chosen.type == "cpu":
        torch.use_deterministic_algorithms(True)
        # filling fresh memory is for finding bugs; no result here depends on it
        torch.utils.deterministic.fill_uninitialized_memory = False
    else:
        # Not use_deterministic_algorithms: it takes slow decompositions for the bilinear resizing of every prediction.
        # Runs on a GPU are therefore reproducible to rounding only.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    return Runtime(chosen, threads)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
