"""Run one command on a device of its own: python -m workflow.device [--none] COMMAND...

Snakemake counts `gpu`, but gives no job a device; without this every job of a machine with several would take the
first. Each job holds the lock of one device until it ends. A cluster job (SLURM names the devices itself), a machine
without a device and `--none` (a job that needs no device) just run the command. Where a warm process listens,
`python -m MODULE` is a fork of it.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from shutil import which

from workflow import warm

LOCKS = Path(".snakemake/devices")


def visible_devices() -> list[str]:
    """Identifiers for CUDA_VISIBLE_DEVICES: what that variable allows already, otherwise all NVIDIA devices."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [name.strip() for name in allowed.split(",") if name.strip() not in ("", "-1", "NoDevFiles")]
    if which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return [str(i) for i, line in enumerate(x for x in listed.stdout.splitlines() if x.startswith("GPU "))]


def take_device(devices: list[str]) -> str:
    """Wait for a free device and hold its lock; the lock passes to the command and is free when that ends."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    while True:
        for name in devices:
            lock = os.open(LOCKS / name.replace("/", "_"), os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            os.set_inheritable(lock, True)
            return name
        time.sleep(1)


def main() -> None:
    """Choose a device, become the command."""
    command = sys.argv[1:]
    needs_device = command[0] != "--none"
    if not needs_device:
        command.pop(0)
    if needs_device and "SLURM_JOB_ID" not in os.environ and (devices := visible_devices()):
        os.environ["CUDA_VISIBLE_DEVICES"] = take_device(devices)
    elif (path := os.environ.get(warm.SOCKET)) and command[:2] == ["python", "-m"]:
        code = warm.call(path, command[2], command[3:])
        if code is not None:
            raise SystemExit(code)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
