"""A warm start: one process imports torch and timm once and forks for every command, instead of seconds of start each.

On a CPU at a small scale starting is most of a job's time. `reproduce` starts `python -m workflow.warm SOCKET` beside
Snakemake where there is no GPU, and `workflow.device` sends its command there; without a socket, or when nobody
answers, the command is run as it stands. The imports happen when the first command comes, so a run that has nothing to
train does not pay for them. A forked command is a process of its own with the caller's folder, environment and output;
it ends when the caller is killed, gets the caller's signals, and its exit code is the caller's.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

SOCKET = "DENSEMOE_WARM"
"""Environment variable: where the warm process listens."""

_HEAVY = ("densemoe.models.cost", "densemoe.data.loaders", "densemoe.evaluate.measure", "densemoe.train.session")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
_POLL = 0.02  # seconds between two looks at a command


def call(path: str, module: str, arguments: list[str]) -> int | None:
    """Run `python -m module arguments` in a fork of the warm process; its exit code, or None if nobody answers."""
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(path)
            request = {
                "module": module,
                "arguments": arguments,
                "folder": str(Path.cwd()),
                "environment": dict(os.environ),
            }
            text = json.dumps(request).encode()
            socket.send_fds(server, [len(text).to_bytes(4, "big")], [1, 2])
            server.sendall(text)
        except OSError:
            return None
        for sign in _SIGNALS:
            signal.signal(sign, lambda number, _: server.sendall(bytes([number])))
        reply = server.recv(1)
    return reply[0] if reply else 1  # the fork's keeper was killed


def serve(path: str) -> None:
    """Fork for every caller until standard input is closed, that is until the process that started this one ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the keepers are not waited for
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(128)
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            caller, _ = server.accept()
            for name in _HEAVY:
                importlib.import_module(name)
            if os.fork() == 0:
                server.close()
                _exit_with(_keep, caller)
            caller.close()


def _keep(caller: socket.socket) -> int:
    """Fork the command, watch it and the caller, and tell the caller how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, outputs, _, _ = socket.recv_fds(caller, 4, 2)
    text = b""
    while len(text) < int.from_bytes(size, "big"):
        text += caller.recv(1 << 16)
    command = os.fork()
    if command == 0:
        caller.close()
        _exit_with(_run, json.loads(text), outputs)
    while True:
        ended, status = os.waitpid(command, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            with contextlib.suppress(OSError):
                caller.sendall(bytes([code if code >= 0 else 128 - code]))
            return 0
        if select.select([caller], [], [], _POLL)[0]:
            numbers = caller.recv(16)
            if not numbers:  # the caller is gone
                os.kill(command, signal.SIGKILL)
                select.select([], [], [], _POLL)
            for number in numbers:
                os.kill(command, number)


def _run(request: dict, outputs: list[int]) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, own in ((os.open(os.devnull, os.O_RDONLY), 0), (outputs[0], 1), (outputs[1], 2)):
        os.dup2(number, own)
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    return 0


def _exit_with(work: Callable[..., int], *arguments: Any) -> NoReturn:
    """End this fork with the code that `work` returns or exits with; nothing of the parent's is run on the way out."""
    code = 1
    try:
        code = work(*arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


@contextlib.contextmanager
def listening(folder: Path, environment: dict[str, str], log: Path) -> Iterator[dict[str, str]]:
    """Start the warm process; yields the variable that tells callers where it listens.

    `folder` is where the project lies; the socket lies in a short temporary path, since its length is limited.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="densemoe-") as place, log.open("a") as output:
        path = f"{place}/warm"
        server = subprocess.Popen(
            [sys.executable, "-m", "workflow.warm", path],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield {SOCKET: path}
        finally:
            server.stdin.close()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    serve(sys.argv[1])
