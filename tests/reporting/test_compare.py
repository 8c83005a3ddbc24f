"""Runs side by side in a real browser: time moves, runs change, files come; and the sheets for the floor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastexcel
import polars as pl
import pytest

import clearway as cw
from clearway.core.errors import PlanError
from clearway.reporting import Sheets, render_comparison

SIZES = [(1440, 900), (390, 844)]


@pytest.fixture(scope="module")
def plan() -> cw.Plan:
    case = cw.Case.read("tiny").with_disruption("capacity facility 310100 2022-11-10 2022-11-12 factor=0.3")
    return cw.plan(case, usual=cw.plan(cw.Case.read("tiny").without_disruptions()))


@pytest.fixture(scope="module")
def page_file(plan: cw.Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    usual = cw.plan(plan.case.without_disruptions())
    runs = [
        cw.simulate(plan.case, policy="static", usual=usual, runs=2),
        cw.simulate(plan.case, plan, policy="reroute", runs=2),
        cw.simulate(plan.case, plan, runs=2),
    ]
    path = tmp_path_factory.mktemp("compare") / "report.html"
    path.write_text(render_comparison(runs, plan=plan, files=["instructions.csv"]), encoding="utf-8")
    return path


@pytest.mark.browser
@pytest.mark.parametrize("width,height", SIZES)
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_runs_side_by_side(browser: Any, page_file: Path, width: int, height: int, locale: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=locale, offline=True, accept_downloads=True
    )
    page = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: requests.append(request.url))
    page.goto(page_file.as_uri())
    page.wait_for_selector("#map canvas")
    page.wait_for_selector("#stages svg path", state="attached")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    shown = page.inner_text("body")
    words = ("Before and after", "Instructions", "instead of") if locale == "en-GB" else ("前后对比", "指令", "改发")
    assert all(word in shown for word in words)

    def picture(selector: str) -> str:
        return str(page.evaluate(f"document.querySelector('{selector} canvas').toDataURL()"))

    # the map follows the slider and the run, the clock beside it too
    before, strip = picture("#map"), picture("#heat-backlog")
    clock = page.inner_text("#clock")
    page.evaluate("const s = document.getElementById('time'); s.value = 3; s.dispatchEvent(new Event('input'))")
    assert page.inner_text("#clock") != clock
    changes = "([selector, old]) => document.querySelector(selector + ' canvas').toDataURL() !== old"
    page.wait_for_function(changes, arg=["#map", before])
    page.select_option("#run", "0")
    page.wait_for_function(changes, arg=["#heat-backlog", strip])
    assert page.locator("#heat-load canvas").count() == 1
    # instructions are found by word
    rows = (
        "Array.from(document.querySelectorAll('#instructions tbody tr')).filter(r => r.style.display !== 'none').length"
    )
    every = page.evaluate(rows)
    page.fill("#find", "420100")
    assert 0 < page.evaluate(rows) < every
    # downloads hold what the page shows
    with page.expect_download() as waiting:
        page.click("button[data-file='measures.csv']")
    measures = pl.read_csv(Path(waiting.value.path()).read_bytes())
    assert measures.width == 4 and "overflow_hours" in measures["measure"].to_list()
    with page.expect_download() as waiting:
        page.click("button[data-file='backlog.csv']")
    backlog = pl.read_csv(Path(waiting.value.path()).read_bytes())
    assert backlog["waiting"].sum() > 0
    page.click("#language")
    assert any(word in page.inner_text("body") for word in words) is False
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_sheets_hold_the_sort_plan(plan: cw.Plan, tmp_path: Path) -> None:
    sheets = Sheets.of(plan)
    assert plan.sort_plan is not None and plan.changes is not None
    written = sheets.write(tmp_path, "facility", ["420100"])
    assert {p.name for p in written} == {"420100.en.html", "420100.zh.html", "420100.xlsx"}
    hops = plan.sort_plan.hops.filter(pl.col("facility") == "420100")
    book = fastexcel.read_excel(tmp_path / "420100.xlsx")
    floor = book.load_sheet(1).to_polars()
    assert len(floor) == len(hops)
    assert floor.columns[0] == "day 日期"
    usual = floor[floor.columns[-1]].drop_nulls()
    kept = plan.changes.filter(pl.col("kept") & (pl.col("facility") == "420100"))
    assert len(usual) >= len(kept) > 0
    told = book.load_sheet(0).to_polars()
    assert len(told) == len(sheets.instructions("facility", "420100"))
    english = (tmp_path / "420100.en.html").read_text(encoding="utf-8")
    assert "What to do" in english and 'class="changed"' in english and "instead of" in english
    assert "分拣方案" in (tmp_path / "420100.zh.html").read_text(encoding="utf-8")


def test_sheets_by_bureau(plan: cw.Plan, tmp_path: Path) -> None:
    sheets = Sheets.of(plan)
    assert "420100" in sheets.known("bureau")
    sheets.write(tmp_path, "bureau", ["420100"])
    assert "facility" in (tmp_path / "420100.en.html").read_text(encoding="utf-8")
    with pytest.raises(PlanError, match="no facility 'nowhere'"):
        sheets.instructions("facility", "nowhere")
    with pytest.raises(PlanError, match="no sheets by 'colour'"):
        sheets.instructions("colour", "red")


@pytest.mark.browser
def test_a_sheet_prints_on_paper(browser: Any, plan: cw.Plan, tmp_path: Path) -> None:
    Sheets.of(plan).write(tmp_path, "facility", ["420100"])
    page = browser.new_page()
    page.goto((tmp_path / "420100.en.html").as_uri())
    assert len(page.pdf(format="A4")) > 5000
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    page.close()
