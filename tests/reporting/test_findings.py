"""The page of findings in a real browser, in both languages and on a phone."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from clearway.cases import Case
from clearway.records import Lake
from clearway.reporting import render_findings
from clearway.rules import Findings, check
from clearway.world import make_world
from tests.reporting.conftest import quiet_page

FIRST, LAST = date(2022, 7, 4), date(2022, 7, 10)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """A made-up week of July with two breaches of each rule."""
    folder = tmp_path_factory.mktemp("findings")
    made = make_world(Case.read("china-2022/tiny"), FIRST, LAST, 1, items=20, each=2).write(folder / "world")
    lake = Lake.open(folder / "lake")
    for part in ("records", "later"):
        lake.ingest(sorted((made / part).glob("*.parquet")), origin="generated")
    return check(lake, FIRST, LAST)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_findings(browser: Any, findings: Findings, tmp_path: Path, width: int, lang: str) -> None:
    """Sums, breaches and the board say what the findings say; binding ones first; nothing is fetched or wider."""
    path = tmp_path / "findings.html"
    path.write_text(render_findings(findings, lang), encoding="utf-8")
    with quiet_page(browser, path, width) as page:
        states = findings.summary()["states"]
        sums = [cell.inner_text() for cell in page.locator("#sums tbody tr").first.locator("td.num").all()]
        assert sums[0] == f"{states['breached']:,}" and sums[4] == f"{states['met']:,}"
        rows = page.locator("#breaches tbody tr")
        assert rows.count() == len(findings.frame.filter(findings.frame["state"] == "breached"))
        binding = [row.get_attribute("class") != "advisory" for row in rows.all()]
        assert binding == sorted(binding, reverse=True) and sum(binding) == len(findings.breaches)
        assert page.locator("table.map td.b").count() >= findings.breaches["rule"].n_unique()
        words = rows.filter(has=page.locator("td:first-child", has_text="sec-realname-check")).first.inner_text()
        assert {"zh": "实名", "en": "real name"}[lang] in words
        heading = page.locator("h1")
        before = heading.inner_text()
        page.locator("#lang").click()
        assert heading.inner_text() != before


@pytest.mark.browser
def test_nothing_to_judge_is_said(browser: Any, tmp_path: Path) -> None:
    """An empty lake gives a page that says so, not an empty one."""
    path = tmp_path / "findings.html"
    path.write_text(render_findings(check(Lake.open(tmp_path / "lake"), FIRST, LAST), "en"), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert "nothing to judge" in page.locator("#none").inner_text()
    page.close()
