"""The README's pictures: what `make demo` shows, taken in a real browser.

    python -m scripts.picture [--page out/demo/report.html]

In:     the demo's page
Out:    docs/img/compare.jpg, small enough for a repository
Not:    the page itself (reporting)
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH, HEIGHT, SCALE, QUALITY = 1280, 1500, 0.75, 60


def main() -> None:
    """Take the upper part of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, default=Path("out/demo/report.html"))
    parser.add_argument("--out", type=Path, default=Path("docs/img/compare.jpg"))
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE, locale="en-GB")
        page.goto(asked.page.resolve().as_uri())
        page.wait_for_selector("#map canvas")
        page.wait_for_selector("#stages svg path", state="attached")
        page.screenshot(path=asked.out, type="jpeg", quality=QUALITY)
        browser.close()
    print(f"{asked.out}: {asked.out.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
