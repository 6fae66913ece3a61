"""What every stage command shares: errors as one sentence, the plan read without torch."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from densemoe.params.errors import InputError, allowed
from densemoe.params.files import read_yaml


def run(main: Callable[[], None]) -> None:
    """Run a command; bad input and a full disk end it with one sentence and exit code 2, not a traceback."""
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit fails again
        raise SystemExit(0) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(
            f"error: the disk is full while writing {error.filename or 'a file'}; {_AFTER_FULL_DISK}", file=sys.stderr
        )
        raise SystemExit(2) from None


_AFTER_FULL_DISK = "what was complete before is untouched. Free some room and run the same command again."


@contextmanager
def image_bar(name: str, images: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, silent where that is no terminal; call it with (images done, images to do)."""
    with tqdm(desc=name, unit="image", total=images, disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        yield show


def planned(plan: Path, section: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The compiled plan and one entry of it. Raises InputError when the name is not in the section."""
    index = read_yaml(plan)
    if not isinstance(index, dict) or not isinstance(entries := index.get(section), dict):
        raise InputError(f"{plan}: no section '{section}'; compile the plan again: python -m stages.plan --write.")
    if name not in entries:
        raise InputError(f"{plan}: no '{name}' under {section}; allowed are {allowed(entries)}.")
    return index, entries[name]
