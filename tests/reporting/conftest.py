"""A real browser, started once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def quiet_page(browser: Any, path: Path, width: int) -> Iterator[Any]:
    """A page of a file; in the end it must have fetched nothing, said nothing wrong, and not be wider than asked."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(path.as_uri())
    yield page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert errors == []
    page.close()
