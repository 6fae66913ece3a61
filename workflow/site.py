"""One cluster as its site.yaml says, checked against the cluster itself, and as the profile that Snakemake reads."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from densemoe.params.atomic import write_text
from densemoe.params.errors import InputError, allowed
from densemoe.params.estimate import ASSUMED_FLOPS
from densemoe.params.files import parse, read_yaml
from workflow import slurm

MECHANICS = "slurm"
"""The profile whose config.yaml every cluster shares."""
RULES = ("get_data", "prepare", "train", "evaluate", "score_run", "measure_cost", "measure_routing")
"""Rules that run as cluster jobs; the others run where Snakemake does."""
_START_MINUTES = 15  # importing, reading data, saving: not in the estimate
_MOST_WARNED = 60  # SLURM sends its warning up to so many seconds early


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Closed):
    """What a job of one rule asks for; None is filled in from `default`."""

    partition: str | None = None
    gpus: int | None = Field(None, ge=0)
    cpus: int | None = Field(None, ge=1)
    memory_mb: int | None = Field(None, ge=1)
    minutes: int | None = Field(None, ge=1)


class Gpu(_Closed):
    """The GPU that trainings run on."""

    model: str | None = Field(None, pattern=r"^[A-Za-z0-9_.]+$")
    tflops: float = Field(gt=0)


class Site(_Closed):
    """A cluster, as written in site.yaml."""

    account: str | None = None
    gpu: Gpu
    margin: float = Field(1.5, ge=1)
    warning_seconds: int = Field(300, ge=1, le=65535)
    extra: str = ""
    rules: dict[str, Asked]
    snakemake: dict[str, Any] = {}

    def asked(self, rule: str) -> Asked:
        """What jobs of a rule ask for. `minutes` may still be None for training: then the estimate decides."""
        default = self.rules["default"].model_dump()
        own = self.rules[rule].model_dump(exclude_unset=True) if rule in self.rules else {}
        return Asked(**default | own)


def site_file(root: Path, profile: str) -> Path:
    """Where the site of a profile is written down."""
    return root / "workflow" / "profiles" / profile / "site.yaml"


def profiles(root: Path) -> list[str]:
    """Names that PROFILE may have: folders with a site, and those with a profile of Snakemake's."""
    folder = root / "workflow" / "profiles"
    return sorted({p.parent.name for name in ("config", "site") for p in folder.glob(f"*/{name}.yaml")})


def read_site(root: Path, profile: str) -> Site:
    """The site of a profile. Raises InputError naming file and key."""
    file = site_file(root, profile)
    where = file.relative_to(root).as_posix()
    site = parse(Site, read_yaml(file), where)
    if unknown := sorted(set(site.rules) - {"default", *RULES}):
        raise InputError(f"{where}: rules.{unknown[0]} is no rule; allowed are {allowed(('default', *RULES))}.")
    if "default" not in site.rules:
        raise InputError(f"{where}: rules.default is missing; it fills in what a rule leaves out.")
    for rule in RULES:
        asked = site.asked(rule)
        absent = [k for k, v in asked.model_dump().items() if v is None and (k, rule) != ("minutes", "train")]
        if absent:
            raise InputError(f"{where}: rules.{rule} has no '{absent[0]}', and neither has rules.default.")
    return site


class Cluster:
    """A site on the machine where it is true: limits of its partitions, and what SLURM refuses."""

    def __init__(self, root: Path, profile: str):
        self.root, self.profile = root, profile
        self.where = site_file(root, profile).relative_to(root).as_posix()
        self.site = read_site(root, profile)
        if missing := slurm.absent():
            raise InputError(f"PROFILE {profile} needs {', '.join(missing)} on PATH: run this on a login node.")
        try:
            self.limits = slurm.limits()
        except slurm.SlurmError as error:
            raise InputError(f"PROFILE {profile}: SLURM does not answer: {error}.") from None

    def check(self, hours: Mapping[str, float]) -> None:
        """Ask SLURM whether it would ever run a job of each rule. Raises InputError for the first that it refuses."""
        for rule in RULES:
            partition = self.site.asked(rule).partition
            if partition not in self.limits:
                raise InputError(
                    f"{self.where}: rules.{rule}: there is no partition '{partition}'; allowed are "
                    f"{allowed(self.limits)}."
                )
            limit, warned = self.limits[partition], self.site.warning_seconds + _MOST_WARNED
            if rule == "train" and limit is not None and limit * 60 <= warned:
                raise InputError(
                    f"{self.where}: warning_seconds is {self.site.warning_seconds}, but partition '{partition}' ends "
                    f"jobs after {limit * 60} s and warns up to {_MOST_WARNED} s early; no training would get anywhere."
                )
            asked = self._sbatch(rule, hours)
            if why := slurm.refusal(asked):
                raise InputError(f"{self.where}: rules.{rule}: SLURM refuses `sbatch {shlex.join(asked)}`: {why}.")

    def minutes(self, rule: str, hours: float = 0.0) -> int:
        """Minutes that a job asks for: as written, or for training from its estimate in hours at the assumed speed."""
        asked = self.site.asked(rule)
        wanted = asked.minutes
        if wanted is None:
            on_this_gpu = hours * ASSUMED_FLOPS / (self.site.gpu.tflops * 1e12 * max(1, asked.gpus))
            wanted = math.ceil(on_this_gpu * 60 * self.site.margin) + _START_MINUTES
            wanted = max(wanted, math.ceil((self.site.warning_seconds + _MOST_WARNED) / 60) + _START_MINUTES)
        limit = self.limits[asked.partition]
        return wanted if limit is None else min(wanted, limit)

    def write_profile(self, folder: Path, hours: Mapping[str, float]) -> Path:
        """Write Snakemake's profile for this cluster into `folder` and return that.

        `hours` are the estimated GPU-hours of each run at the assumed speed.
        """
        own = self.root / "workflow" / "profiles" / self.profile / "config.yaml"
        mechanics = own if own.exists() else self.root / "workflow" / "profiles" / MECHANICS / "config.yaml"
        threads = {rule: self.site.asked(rule).cpus for rule in RULES}
        profile = {
            **read_yaml(mechanics),
            **self.site.snakemake,
            "default-resources": {"slurm_extra": repr(self._extra()), **self._resources("default", {})},
            "set-threads": threads,
            "set-resources": {rule: self._resources(rule, hours) for rule in RULES},
        }
        head = f"# Written by `make reproduce` from {self.where}; edit that.\n"
        write_text(folder / "config.yaml", head + yaml.safe_dump(profile, sort_keys=False, width=2**20))
        return folder

    def _resources(self, rule: str, hours: Mapping[str, float]) -> dict[str, Any]:
        asked = self.site.asked(rule)
        resources: dict[str, Any] = {
            "slurm_partition": asked.partition,
            "mem_mb": asked.memory_mb,
            "runtime": self.minutes(rule),
            "gpu": asked.gpus,
            "nodes": 1,
        }
        if rule == "train" and asked.minutes is None:
            # an expression of Snakemake's: each run has a time of its own. (No braces: its parser fails on them.)
            minutes = [(run, self.minutes(rule, own)) for run, own in sorted(hours.items())]
            resources["runtime"] = f"dict({minutes})[wildcards.key]"
        if self.site.account:
            resources["slurm_account"] = self.site.account
        if asked.gpus and self.site.gpu.model:
            resources["gpu_model"] = self.site.gpu.model
        if rule in ("train", "evaluate", "measure_routing"):
            resources["workers"] = asked.cpus - 1
        return resources

    def _extra(self) -> str:
        # the warning goes to the trainer (without `B:`), which saves and has the job requeued under the same number
        own = f"--requeue --open-mode=append --signal=USR1@{self.site.warning_seconds}"
        return f"{own} {self.site.extra}".strip()

    def _sbatch(self, rule: str, hours: Mapping[str, float]) -> list[str]:
        asked = self.site.asked(rule)
        longest = max((self.minutes(rule, h) for h in hours.values()), default=self.minutes(rule))
        options = [f"--partition={asked.partition}", f"--time={longest}", f"--mem={asked.memory_mb}"]
        options += ["--ntasks=1", "--nodes=1", f"--cpus-per-task={asked.cpus}"]
        if asked.gpus:
            options.append(f"--gpus={self.site.gpu.model + ':' if self.site.gpu.model else ''}{asked.gpus}")
        if self.site.account:
            options.append(f"--account={self.site.account}")
        return [*options, *shlex.split(self.site.extra)]
