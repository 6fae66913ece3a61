"""A few of the random kills of `python -m benchmarks.random_kills`, whose report shows fifty."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_trainings_killed_at_random_moments_end_with_the_same_bytes(root, tmp_path):
    # in a process of its own: it forks, and other tests' threads must not be there
    command = [sys.executable, "-m", "benchmarks.random_kills", "--kills", "10", "--seed", "7"]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "report.json")],
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{root}/src{os.pathsep}{root}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["kills"], report["identical"]) == (10, 10)
    assert (
        report["kills_by_what_they_met"]["checkpoints"] >= 3
    )  # the moments are not all before the first or at the end
