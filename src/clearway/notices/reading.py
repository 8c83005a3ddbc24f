"""Read a notice: open, repair, choose the article, find the orders.

In:     a file, bytes or text
Out:    Notice
Not:    writing files (files.py), the review page (reporting)
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from clearway.core.errors import Faults
from clearway.notices.errors import NoticeFaultError
from clearway.notices.lexicon import Lexicon
from clearway.notices.orders import Actors, OrderFinder
from clearway.notices.pages import LIMIT_MB, Finder, Page, open_page, told_date
from clearway.notices.repair import (
    Accidents,
    Characters,
    Draft,
    Spam,
    close_gaps,
    drop_pieces,
    drop_readings,
    mend_punctuation,
)
from clearway.notices.types import Notice, Order, Repair

# what a site adds to the title of its pages
_SITE_TAIL = re.compile(
    r"(?<=.{8})(?:\s*[_|｜]\s*|\s*[-－—–]{1,2}\s*|\s+[-－—–]\s+)[^_|｜，。]{2,16}"
    r"(?:网|公司|官网|网站|平台|资讯|频道|新闻|动态|门户|集团|中心|在线)$"
)
_ROUNDS = 3  # a piece can lie within another


class Classifier(Protocol):
    """A further opinion on orders, e.g. of a language model; named by an entry point clearway.notices.classifier."""

    def __call__(self, clean: str, orders: tuple[Order, ...]) -> tuple[Order, ...]:
        """Orders of a clean text, given those found by rule; each text a substring of ``clean``."""
        ...


class Reader:
    """Everything compiled that reading needs; read any number of pages with one."""

    def __init__(self, lexicon: Lexicon | None = None, classifier: Classifier | None = None) -> None:
        self.lexicon = lexicon or Lexicon.standard()
        self._characters = Characters(self.lexicon)
        self._accidents = Accidents(self.lexicon.phrases, self._characters.simplified)
        self._spam = Spam(self.lexicon)
        self._finder = Finder(self.lexicon, self._spam)
        self._orders = OrderFinder(self.lexicon)
        self._classifier = classifier

    def read(self, data: bytes, name: str) -> Notice:
        """Read the bytes of a page; ``name`` is its file name. Raises NoticeFaultError."""
        return self.read_page(open_page(data, name), Path(name).stem)

    def read_or_fault(self, source: Path | bytes, faults: Faults) -> Notice | None:
        """Read a file or bytes; what cannot be read is a fault with the file's name, and None comes back."""
        name = "notice" if isinstance(source, bytes) else str(source)
        try:
            if isinstance(source, Path) and (size := source.stat().st_size) > LIMIT_MB << 20:
                raise NoticeFaultError("page_too_large", size=size >> 20, limit=LIMIT_MB)  # before it fills memory
            return self.read(source if isinstance(source, bytes) else source.read_bytes(), name)
        except NoticeFaultError as error:
            faults.add(error.code, name, **error.details)
        except OSError as error:
            faults.add("unreadable", name, reason=error.strerror or str(error))
        return None

    def read_page(self, page: Page, name: str) -> Notice:
        """Read an opened page."""
        with _no_collection():
            return self._read_page(page, name)

    def _repaired(self, text: str) -> Draft:
        """A page's text with every line of it repaired, those around the article too: their words are known so."""
        draft = Draft(text)
        self._characters.tidy(draft)
        drop_readings(draft)
        close_gaps(draft)
        self._characters.simplify(draft)
        self._accidents.restore(draft)
        mend_punctuation(draft)
        return draft

    def _read_page(self, page: Page, name: str) -> Notice:
        draft = self._repaired(page.text)
        lines = draft.text.split("\n")
        article = self._finder.find(lines, page)
        spans = _spans(lines)
        left = []
        for i, (kind, sure) in sorted(article.left.items()):
            start, end = spans[i]
            left.append(Repair(draft.place(start), draft.place(end - 1) + 1, "", kind, sure))
        if article.title is not None:
            tail = _SITE_TAIL.search(lines[article.title])
            if tail:
                start = spans[article.title][0]
                draft.apply([(start + tail.start(), start + tail.end(), "", "navigation", 0.85)])
                lines = draft.text.split("\n")
                spans = _spans(lines)
        title = lines[article.title].strip() if article.title is not None else None
        for _ in range(_ROUNDS):
            body = [spans[i] for i in article.kept if i != article.title]
            again = drop_pieces(draft, self._spam, title, body)
            if again:
                close_gaps(draft)  # spaces that stood around a piece
            lines = draft.text.split("\n")
            spans = _spans(lines)
            if not again:
                break
        kept = [i for i in article.kept if lines[i].strip()]
        clean_lines = [lines[i].strip() for i in kept]
        clean = "\n".join(clean_lines)
        where = tuple(draft.place(spans[i][0] + len(lines[i]) - len(lines[i].lstrip())) for i in kept)
        repairs = _outside(draft.repairs, left) + left
        repairs.sort()

        day, day_text = article.date, article.date_text
        if day is None:
            day, day_text = told_date(clean_lines[title is not None :])
        actors = Actors(self._orders.actors, clean)
        orders, issuers = self._orders.find(clean_lines, actors, 0 if title is not None else None, day)
        found = tuple(orders)
        if self._classifier is not None:
            found = tuple(o for o in self._classifier(clean, found) if o.text in clean)
        return Notice(
            name=name,
            format=page.format,
            encoding=page.encoding,
            page=page.text,
            clean=clean + ("\n" if clean else ""),
            clean_from=where,
            repairs=tuple(repairs),
            title=title,
            issuers=tuple(issuers),
            date=day,
            date_text=day_text,
            source=article.source,
            source_url=article.source_url,
            orders=found,
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for circular garbage meanwhile: a large page makes a million repairs, none of which is circular."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _spans(lines: list[str]) -> list[tuple[int, int]]:
    out, at = [], 0
    for line in lines:
        out.append((at, at + len(line)))
        at += len(line) + 1
    return out


def _outside(repairs: list[Repair], left: list[Repair]) -> list[Repair]:
    """Repairs that are not within a line left out: the line's own entry covers them."""
    out = []
    gone = sorted((r.start, r.end) for r in left)
    k = 0
    for repair in sorted(repairs):
        while k < len(gone) and gone[k][1] <= repair.start:
            k += 1
        if not (k < len(gone) and gone[k][0] <= repair.start and repair.end <= gone[k][1]):
            out.append(repair)
    return out


@lru_cache(maxsize=1)
def standard_reader() -> Reader:
    """The reader with the package's own words."""
    return Reader()


def read_notice(
    source: str | Path | bytes, *, lexicon: Path | None = None, classifier: Classifier | None = None
) -> Notice:
    """Read one notice.

    Parameters
    ----------
    source
        A file (.html, .txt, .docx, .pdf), or the bytes of one.
    lexicon
        A folder of words to add; see lexicon/README.md.
    classifier
        A further opinion on the orders found.

    Raises
    ------
    InputError
        If the page cannot be read; the fault names the file and the reason.
    """
    faults = Faults()
    reader = reader_with(lexicon, classifier)
    notice = reader.read_or_fault(source if isinstance(source, bytes) else Path(source), faults)
    faults.require()
    assert notice is not None
    return notice


def reader_with(lexicon: Path | None = None, classifier: Classifier | None = None) -> Reader:
    """A reader with words added and a further opinion, where there are any; raises InputError for faulty words."""
    if lexicon is None and classifier is None:
        return standard_reader()
    return Reader(None if lexicon is None else Lexicon.read(lexicon), classifier)
