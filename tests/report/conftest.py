"""A reports folder to fill."""

from __future__ import annotations

import pytest
from report_plan import Folder


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path / "reports")
