"""What the stand-ins share."""

import os
import sys
import time
from pathlib import Path

import yaml

CALLS = Path("calls")


def announce(stage: str, key: str) -> None:
    """Leave a file per call; sleep or fail where the test asks for it."""
    folder = CALLS / f"{stage}@{key}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{time.time_ns()}_{os.getpid()}").touch()
    if f"{stage}@{key}" in os.environ.get("FAKE_FAIL", "").split():
        sys.exit("error: the fake stage was told to fail")
    if f"{stage}@{key}" in os.environ.get("FAKE_SLEEP", "").split():
        time.sleep(120)


def entry(plan: Path, section: str, key: str) -> dict:
    """One entry of the compiled plan."""
    return yaml.load(plan.read_text(), Loader=yaml.CSafeLoader)[section][key]


def write(path: Path, content: bytes) -> None:
    """Write under another name, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
