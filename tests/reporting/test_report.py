"""The report in a real browser, at two widths, in two languages, with the network off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import clearway as cw
from clearway.reporting import render_report

pytestmark = pytest.mark.browser
SIZES = [(1280, 900), (390, 844)]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of tiny with a closure that overflows a yard, beside the undisturbed plan."""
    case = cw.Case.read("tiny").with_disruption(
        "capacity facility 310100 2022-11-10 2022-11-12 factor=0.02 rows=storage,sort,deliver"
    )
    plan = cw.plan(case)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(plan, beside=cw.plan(cw.Case.read("tiny"))), encoding="utf-8")
    return path


@pytest.mark.parametrize("width,height", SIZES)
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_report_works_offline(browser: Any, page_file: Path, width: int, height: int, locale: str) -> None:
    """No error, no request, both charts drawn, no sideways scrolling, the language of the reader."""
    context = browser.new_context(viewport={"width": width, "height": height}, locale=locale, offline=True)
    page = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    page.wait_for_selector("#map canvas")
    page.wait_for_selector("#course svg path", state="attached")
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    shown = page.inner_text("body")
    assert ("Bottlenecks" in shown) == (locale == "en-GB")
    assert ("瓶颈" in shown) == (locale == "zh-CN")
    drawn = page.evaluate(
        "() => { const c = document.querySelector('#map canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        " const seen = new Set(); for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 16) | (d[i+1] << 8) | d[i+2]); return seen.size; }"
    )
    assert drawn > 50
    page.click("#language")
    assert ("瓶颈" in page.inner_text("body")) == (locale == "en-GB")
    context.close()


def test_without_coordinates(browser: Any, tmp_path: Path) -> None:
    """A network that gives no coordinates has a report too, without an error."""
    from dataclasses import replace

    import polars as pl

    case = cw.Case.read("tiny")
    nowhere = pl.lit(None, pl.Float64)
    blind = replace(
        case,
        places=case.places.with_columns(nowhere.alias("lon"), nowhere.alias("lat")),
        facilities=case.facilities.with_columns(nowhere.alias("lon"), nowhere.alias("lat")),
    )
    path = tmp_path / "report.html"
    path.write_text(render_report(cw.plan(blind)), encoding="utf-8")
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("#course svg path", state="attached")
    assert errors == []
    page.close()


def test_script_cannot_be_broken_out_of(browser: Any, tmp_path: Path) -> None:
    """A facility named like markup stays text."""
    from dataclasses import replace

    import polars as pl

    case = cw.Case.read("tiny")
    evil = "</script><script>window.evil = 1</script><img src=x onerror='window.evil = 1'>"
    case = replace(case, facilities=case.facilities.with_columns(pl.lit(evil).alias("name")))
    path = tmp_path / "report.html"
    path.write_text(render_report(cw.plan(case)), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("#map canvas")
    page.mouse.move(400, 500)
    assert page.evaluate("window.evil === undefined")
    page.close()
