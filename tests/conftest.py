"""What all tests share: where the shared data lies, and how a test without its means is skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def skip(reason: str) -> None:
    """Skip with a reason, or fail where no test may be skipped (CI)."""
    if os.environ.get("CLEARWAY_NO_SKIP"):
        pytest.fail(f"may not be skipped here: {reason}")
    pytest.skip(reason)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long proofs run only when asked for with ``-m soak``."""
    if "soak" in (config.getoption("markexpr") or ""):
        return
    kept = [item for item in items if item.get_closest_marker("soak") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture
def shared() -> Path:
    """The folder of shared data beside the repository; it is no part of it, so a test may skip without it anywhere."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the folder shared/ with real data is not beside the repository; put it there to run this test")
    return folder
