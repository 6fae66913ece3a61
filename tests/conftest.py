"""Shared fixtures: the repository's root and its params."""

from __future__ import annotations

from pathlib import Path

import pytest

from densemoe.params.files import Params
from densemoe.params.plan import Plan, compile_plan

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def params() -> Params:
    return Params(ROOT / "params")


@pytest.fixture(scope="session")
def plans(params: Params) -> dict[str, Plan]:
    return {scale: compile_plan(params, scale) for scale in params.names("scales")}
