"""A throw-away SLURM cluster on this machine: real daemons, declared nodes and GPUs, everything below one folder.

Needs no systemd and no cgroups and can run beside others. What its daemons and jobs need is found through SLURM_CONF;
nothing outside the folder is read or written. CPUs, memory and GPUs are what is declared, not what the machine has.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PACKAGES = "slurmctld slurmd slurm-client slurmdbd munge mariadb-server-core mariadb-client-core"
COMMANDS = (
    "slurmctld",
    "slurmd",
    "slurmdbd",
    "sacctmgr",
    "sbatch",
    "munged",
    "mariadbd",
    "mariadb-install-db",
    "mariadb",
)
INSTALL = f"apt-get update && apt-get install -y --no-install-recommends {PACKAGES}"
DAEMONS_PATH = f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin"  # where Debian keeps daemons


def missing() -> list[str]:
    """Commands that are not installed."""
    return [name for name in COMMANDS if shutil.which(name, path=DAEMONS_PATH) is None]


def install() -> str:
    """Install what is missing from Debian's packages; the reason why that cannot be, or nothing."""
    if not missing():
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"{', '.join(missing())} not installed; on Debian, as root: {INSTALL}"
    # no service of a package may start: the cluster's daemons are its own
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(INSTALL, shell=True, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or missing():
        return f"`{INSTALL}` failed: {(done.stderr or done.stdout).strip()[-500:]}"
    return ""


def free_port(taken: set[int]) -> int:
    """A TCP port of this machine that nobody listens on and that was not given out before."""
    while True:
        port = 20000 + secrets.randbelow(12000)  # below those that the kernel hands out by itself
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in taken:
                taken.add(port)
                return port


def wait_for(what: str, is_so, seconds: float = 60.0, interval: float = 0.1):
    """The first true value of `is_so()`; an assertion with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if value := is_so():
            return value
        assert time.monotonic() < deadline, f"after {seconds:g} s not so: {what}"
        time.sleep(interval)


SLURM_CONF = """\
ClusterName=throwaway
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job is held back
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
Epilog={folder}/bin/epilog
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
DefMemPerCPU=1000
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
KillWait=20
InactiveLimit=0
SlurmctldTimeout=60
SlurmdTimeout=60
# what outlives its killed step is ended by the epilog; the node stays in service
UnkillableStepTimeout=300
ReturnToService=1
MinJobAge=3600
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting}
AccountingStoragePass={folder}/munge/socket
AccountingStoreFlags=job_comment
AccountingStorageTRES=gres/gpu
NodeName=node0 NodeHostname=localhost NodeAddr=127.0.0.1 Port={node} CPUs=32 RealMemory=131072 Gres=gpu:{model}:{gpus}
PartitionName=DEFAULT Nodes=ALL MaxTime=2-00:00:00 DefaultTime=60 State=UP PreemptMode=OFF
PartitionName=urgent PriorityTier=10
PartitionName=cpu PriorityTier=10
PartitionName=gpu Default=YES PriorityTier=1 PreemptMode=REQUEUE
"""

SLURMDBD_CONF = """\
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={accounting}
SlurmUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
PidFile={folder}/run/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm
"""

# What cgroups would do on a real cluster: no process outlives its job on a node.
EPILOG = """\
#!/bin/bash
grep -lsazFx "SLURM_JOB_ID=$SLURM_JOB_ID" /proc/[0-9]*/environ | while read -r environ; do
    pid=${{environ#/proc/}}; pid=${{pid%/environ}}
    [[ $pid == $$ ]] && continue
    grep -qsazFx "SLURM_CONF={folder}/slurm.conf" $environ && kill -KILL $pid 2>/dev/null
done
exit 0
"""


class Cluster:
    """One node with GPUs. Partition `gpu` is preempted by `urgent`; `cpu` is for the rest."""

    def __init__(self, gpus: int = 4, model: str = "h100"):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-", dir=memory))  # short: sockets' paths are limited
        self.gpus, self.model = gpus, model
        taken: set[int] = set()
        self._values = {
            "folder": self.folder,
            "user": getpass.getuser(),
            "gpus": gpus,
            "model": model,
            "password": secrets.token_hex(16),
            **{name: free_port(taken) for name in ("controller", "node", "accounting", "database")},
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SLURM")}
        self.environment = kept | {
            "SLURM_CONF": f"{self.folder}/slurm.conf",
            "PATH": f"{self.folder}/bin{os.pathsep}{DAEMONS_PATH}",
        }

    # Commands.

    def run(self, *command: object, check: bool = True, seconds: float = 60) -> str:
        """Standard output of a SLURM command on this cluster."""
        done = subprocess.run(
            [str(part) for part in command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout if done.returncode == 0 else ""

    def queue(self) -> dict[str, tuple[str, str]]:
        """Job -> (state, comment) of what is not over yet."""
        lines = self.run("squeue", "-h", "-o", "%i|%T|%k", check=False).splitlines()
        return {job: (state, comment) for job, state, comment in (line.split("|") for line in lines)}

    def accounted(self, *fields: str, all_attempts: bool = False) -> list[dict[str, str]]:
        """What sacct knows of jobs (not their steps): a dict for each, with every attempt if asked for."""
        options = ["-D"] if all_attempts else []
        text = self.run("sacct", "-n", "-X", "-P", "--allusers", *options, "-o", ",".join(fields))
        return [dict(zip(fields, line.split("|"), strict=True)) for line in text.splitlines()]

    def training(self) -> dict[str, str]:
        """The trainings that run now: job -> what the executor plugin says of it."""
        jobs = self.queue().items()
        return {job: what for job, (state, what) in jobs if state == "RUNNING" and "rule_train" in what}

    def attempts(self, job: str) -> list[str]:
        """How each attempt of a job ended; a requeued one has several."""
        rows = self.accounted("JobID", "State", all_attempts=True)
        return [row["State"].split()[0] for row in rows if row["JobID"] == job]

    # Daemons.

    def start(self) -> Cluster:
        """Write the configuration, start everything, wait until jobs can be submitted."""
        for name in ("bin", "dev", "log", "munge", "run", "spool", "state", "tmp", "mariadb"):
            (self.folder / name).mkdir()
        (self.folder / "munge").chmod(0o755)  # munged wants its socket's folder open to all
        try:
            self._configure()
            self._start_munge()
            self._start_accounting()
            self.start_controller()
            self.start_node()
        except BaseException:
            self.stop()
            raise
        return self

    def _configure(self) -> None:
        folder = self.folder
        (folder / "slurm.conf").write_text(SLURM_CONF.format(**self._values))
        _secret(folder / "slurmdbd.conf", SLURMDBD_CONF.format(**self._values).encode())
        _secret(folder / "munge" / "key", secrets.token_bytes(128))
        # slurmd gives up where it finds version 2 without systemd, or none; told version 1, it does not look
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        # SLURM wants device files and passes on the numbers in their names
        for number in range(self.gpus):
            (folder / "dev" / f"gpu{number}").symlink_to("/dev/null")
        files = f"File={folder}/dev/gpu[0-{self.gpus - 1}]"
        (folder / "gres.conf").write_text(
            f"AutoDetect=off\nNodeName=node0 Name=gpu Type={self.model} Flags=nvidia_gpu_env {files}\n"
        )
        _script(folder / "bin" / "epilog", EPILOG.format(folder=folder))
        # Snakemake's job step hides SLURM_CONF from the srun that it calls
        real = shutil.which("srun", path=DAEMONS_PATH)
        _script(folder / "bin" / "srun", f'#!/bin/sh\nexport SLURM_CONF={folder}/slurm.conf\nexec {real} "$@"\n')

    def _start_munge(self) -> None:
        at = self.folder / "munge"
        self._daemon("munged", "--force", "--num-threads=2", f"--key-file={at}/key", f"--socket={at}/socket",
                     f"--seed-file={at}/seed", f"--pid-file={self.folder}/run/munged.pid",
                     f"--log-file={self.folder}/log/munged.log")  # fmt: skip
        wait_for("munged answers", lambda: self.run("munge", "-n", "-S", at / "socket", check=False))

    def _start_accounting(self) -> None:
        folder, user = self.folder, self._values["user"]
        # small, and never waiting for the disk; a tmpdir of its own, since a server that starts clears it
        options = ["--no-defaults", f"--user={user}", f"--datadir={folder}/mariadb", f"--tmpdir={folder}/tmp",
                   "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
                   "--innodb-flush-method=nosync", "--aria-sync-log-dir=NEVER"]  # fmt: skip
        self._daemon("mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db")
        listens = [f"--pid-file={folder}/run/mariadbd.pid", f"--socket={folder}/run/mariadb.socket",
                   "--bind-address=127.0.0.1", f"--port={self._values['database']}", "--skip-name-resolve",
                   "--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900",
                   f"--log-error={folder}/log/mariadbd.log"]  # fmt: skip
        with (folder / "log" / "start.log").open("a") as log:
            subprocess.Popen(["mariadbd", *options, *listens], env=self.environment, stdin=subprocess.DEVNULL,
                             stdout=log, stderr=log, start_new_session=True)  # fmt: skip
        sql = ["mariadb", "--no-defaults", f"--socket={folder}/run/mariadb.socket", "--user=root", "-e"]
        wait_for("mariadbd answers", lambda: self.run(*sql, "select 1", check=False))
        password = self._values["password"]
        self.run(*sql, f"create database slurm; create user slurm@'127.0.0.1' identified by '{password}'; "
                       "grant all on slurm.* to slurm@'127.0.0.1';")  # fmt: skip
        self._daemon("slurmdbd")
        wait_for("slurmdbd answers", lambda: self.run("sacctmgr", "show", "cluster", check=False))  # at least a head
        self.run("sacctmgr", "-i", "add", "cluster", "throwaway")
        self.run("sacctmgr", "-i", "add", "account", "lab", "Cluster=throwaway")
        self.run("sacctmgr", "-i", "add", "user", user, "Account=lab", "Cluster=throwaway")

    def start_controller(self) -> None:
        """Start slurmctld, with the jobs that it knew before."""
        self._daemon("slurmctld", "-f", self.folder / "slurm.conf")
        wait_for("slurmctld answers", lambda: "is UP" in self.run("scontrol", "ping", check=False))

    def start_node(self) -> None:
        """Start slurmd and wait until the node takes jobs."""
        self._daemon("slurmd", "-N", "node0", "-f", self.folder / "slurm.conf")
        states = ["sinfo", "-h", "-N", "-p", "gpu", "-t", "idle,alloc,mix", "-o", "%N"]
        wait_for("the node takes jobs", lambda: "node0" in self.run(*states, check=False))

    def kill(self, daemon: str) -> None:
        """End one daemon at once, as a crash would."""
        pid = self._pid(self.folder / "run" / f"{daemon}.pid")
        assert pid, f"{daemon} is not running"
        os.kill(pid, signal.SIGKILL)
        wait_for(f"{daemon} is gone", lambda: not self._pid(self.folder / "run" / f"{daemon}.pid"))

    def node_down_and_back(self) -> None:
        """Set the node down, wait until nothing of a job is left on it, and take it into service again."""
        self.run("scontrol", "update", "NodeName=node0", "State=DOWN", "Reason=test")
        # with a step or an epilog still at work SLURM would refuse the same job's second launch, and hold it
        empty = 0
        while empty < 5:
            empty = 0 if {"slurmstepd", "epilog"} & set(self.processes().values()) else empty + 1
            time.sleep(0.5)
        self.run("scontrol", "update", "NodeName=node0", "State=RESUME")

    def _daemon(self, *command: object) -> None:
        with (self.folder / "log" / "start.log").open("a") as log:
            subprocess.run(
                [str(part) for part in command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                timeout=120,
            )

    def _pid(self, file: Path) -> int | None:
        """The process of a pid file if it is alive and this cluster's: its command line or environment names us."""
        try:
            pid = int(file.read_text())
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            words = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if stat != "Z" and str(self.folder).encode() in words else None

    def cancel_all(self) -> None:
        """End all jobs and wait until they are gone."""
        if jobs := self.queue():
            self.run("scancel", "-Q", *jobs, check=False)
            wait_for("all jobs are over", lambda: not self.queue(), seconds=40)

    def processes(self) -> dict[int, str]:
        """Every process of this cluster, of jobs too: its number and its name."""
        own = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if own in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "comm").read_text().strip()
        return found

    def stop(self) -> None:
        """End the jobs, then exactly the daemons of this folder, and remove it."""
        if self._pid(self.folder / "run" / "slurmctld.pid"):
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.cancel_all()
        run = self.folder / "run"
        files = sorted(run.glob("slurmd-*.pid"))
        files += [run / f"{name}.pid" for name in ("slurmctld", "slurmdbd", "mariadbd", "munged")]
        for file in files:
            self._end(file)
        for pid in self.processes():  # of a job that could not be ended
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, file: Path) -> None:
        for sign, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
            pid = self._pid(file)
            if pid is None:
                return
            os.kill(pid, sign)
            deadline = time.monotonic() + seconds
            while self._pid(file) and time.monotonic() < deadline:
                time.sleep(0.05)


def _secret(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
