"""The review page in a real browser, in both languages and on a phone: changes explained, orders highlighted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clearway.notices import Notice, read_notice, standard_reader
from clearway.reporting import render_review
from tests.conftest import ROOT
from tests.reporting.conftest import quiet_page


@pytest.fixture(scope="module")
def notice() -> Notice:
    return read_notice(ROOT / "samples" / "season.txt")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_review(browser: Any, notice: Notice, tmp_path: Path, width: int, lang: str) -> None:
    """Every order stands in the table and in the text, every mark says why, nothing is fetched, nothing is wider."""
    path = tmp_path / "review.html"
    path.write_text(render_review(notice, lang), encoding="utf-8")
    with quiet_page(browser, path, width) as page:
        assert page.locator("#orders tbody tr").count() == len(notice.orders)
        assert page.locator("mark").count() == len(notice.orders)
        for order in notice.orders:
            assert order.text in (page.locator(f"#t{order.n}").text_content() or "")
        heading = page.locator(".pair.head div").first
        if width > 700:
            assert heading.inner_text() == {"zh": "原文", "en": "page as it stood"}[lang]
        page.locator("del[data-k=reading]").first.click()
        assert {"zh": "拼音", "en": "pinyin"}[lang] in page.locator("#why").inner_text()
        page.keyboard.press("Escape")
        assert page.locator("#why").inner_text() == ""
        page.locator("#lang").click()
        assert page.locator("h2").first.inner_text().startswith({"zh": "Orders", "en": "要求"}[lang])
        page.locator("#orders tbody a").first.click()
        assert page.url.endswith("#t1")


@pytest.mark.browser
def test_a_real_pdf(browser: Any, tmp_path: Path) -> None:
    """A page printed to PDF is read back to its paragraphs."""
    clean = (ROOT / "samples" / "season.clean.txt").read_text(encoding="utf-8")
    page = browser.new_page()
    page.set_content("".join(f"<p style='text-indent:2em'>{line}</p>" for line in clean.splitlines()))
    path = tmp_path / "a.pdf"
    page.pdf(path=str(path), format="A4")
    page.close()
    notice = read_notice(path)
    assert notice.format == "pdf"
    assert [o.text for o in notice.orders] == [
        o.text for o in read_notice(ROOT / "samples" / "season.clean.txt").orders
    ]


def test_a_notice_without_orders() -> None:
    """The page says that there is nothing to do."""
    empty = standard_reader().read("全省快递业务量同比增长9%，行业运行总体平稳。".encode(), "a.txt")
    assert 'id="none"' in render_review(empty)
