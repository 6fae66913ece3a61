"""A fork of the warm process behaves like the command itself: output, folder, environment, exit code, signals."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from workflow import warm

COMMAND = """
import os, signal, sys, time
print("out", os.getcwd(), os.environ["MINE"], sys.argv[1:], flush=True)
print("err", file=sys.stderr, flush=True)
if sys.argv[1] == "wait":
    signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
    open("pid", "w").write(str(os.getpid()))
    time.sleep(60)
sys.exit({"ok": 0, "three": 3, "text": "a sentence"}[sys.argv[1]])
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a module to run, and a warm process that imports nothing heavy."""
    (tmp_path / "command.py").write_text(COMMAND)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.pathsep.join(sys.path)}"}
    server = tmp_path / "server.py"
    server.write_text("import sys\nfrom workflow import warm\nwarm._HEAVY = ()\nwarm.serve(sys.argv[1])\n")
    path = f"{tempfile.mkdtemp(prefix='densemoe-')}/warm"  # tmp_path may be too long for a socket
    process = subprocess.Popen([sys.executable, server, path], env=environment, stdin=subprocess.PIPE, cwd=tmp_path)
    while not os.path.exists(path):
        time.sleep(0.01)
    yield tmp_path, {**environment, warm.SOCKET: path, "MINE": "here", "CUDA_VISIBLE_DEVICES": ""}
    process.stdin.close()
    assert process.wait(5) == 0  # it ends when the one that started it does
    shutil.rmtree(os.path.dirname(path))


def start(place, *arguments):
    folder, environment = place
    command = [sys.executable, "-m", "workflow.device", "python", "-m", "command", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("argument", "code", "error"), [("ok", 0, ""), ("three", 3, ""), ("text", 1, "a sentence\n")])
def test_output_folder_environment_and_exit_code(place, argument, code, error):
    process = start(place, argument)
    out, err = process.communicate(timeout=120)
    assert out == f"out {place[0]} here ['{argument}']\n"
    assert (err, process.returncode) == (f"err\n{error}", code)


def waiting(place):
    process = start(place, "wait")
    file = place[0] / "pid"
    while not (file.exists() and file.read_text()):
        time.sleep(0.01)
    return process, int(file.read_text())


def gone(pid):
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_signal_reaches_the_command(place):
    process, pid = waiting(place)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(10) == 7 and gone(pid)


def test_a_killed_caller_takes_its_command_along(place):
    process, pid = waiting(place)
    process.kill()
    assert gone(pid)
    process.communicate()


def test_a_killed_command_is_told_as_its_signal(place):
    process, pid = waiting(place)
    os.kill(pid, signal.SIGKILL)
    assert process.wait(10) == 128 + signal.SIGKILL
    process.communicate()


def test_without_anybody_listening_the_command_is_run_itself(place):
    folder, environment = place
    process = start((folder, environment | {warm.SOCKET: str(folder / "nobody")}), "three")
    out, _ = process.communicate(timeout=120)
    assert out.startswith("out ") and process.returncode == 3
