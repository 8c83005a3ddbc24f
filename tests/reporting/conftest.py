"""A real browser, started once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    yield from started_browser()


def started_browser() -> Iterator[Any]:
    """A browser that fetches nothing of its own."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        skip("Chromium is missing; type: sudo apt-get install chromium")
    with sync_playwright() as play:
        flags = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ]
        yield play.chromium.launch(executable_path=chromium, args=flags)
