"""One throw-away cluster for the tests of a process."""

import fcntl

import pytest

from tests.slurm.cluster import Cluster, install


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A cluster with four GPUs; Debian's packages are installed where that is possible."""
    # processes of one test run must not install at the same time
    lock = tmp_path_factory.getbasetemp().parent / "slurm-install.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if reason := install():
            pytest.skip(reason)
    cluster = Cluster().start()
    try:
        yield cluster
    finally:
        cluster.stop()
        assert cluster.processes() == {}


@pytest.fixture(autouse=True)
def no_jobs_left(request):
    """A test that failed leaves no jobs to the next one."""
    yield
    if "cluster" in request.fixturenames:
        request.getfixturevalue("cluster").cancel_all()
