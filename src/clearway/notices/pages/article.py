"""Which lines of a page are the article, and what the page says of its date and source.

In:     repaired lines, what the page's markup says
Out:    Article: numbers of the kept lines, the title's, for each other line why it was left out, the page's facts
Not:    pieces within lines (fragments.py)
Words:  body = a line with a sentence of the article; likeness = share of a line's character pairs that the body has
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from clearway.notices.lexicon import AnyOf, Lexicon, pairs_in
from clearway.notices.pages.opening import Page
from clearway.notices.repair.spam import Spam

_SPACE = re.compile(r"\s+")
_HAN = re.compile("[㐀-鿿]")
_SENTENCE = re.compile(r"[。！？；]|：$|[，、].*[，、]")
_ITEM = re.compile(
    r"^(?:[一二三四五六七八九十]{1,3}[、是要]|[（(][一二三四五六七八九十\d]{1,3}[)）]|\d{1,2}[.．、](?!\d)|第[一二三四五六七八九十]{1,3}[章条节]|附件|附[:：])"
)
_SALUTATION = re.compile(r"[：:]$")
_SIGNED = re.compile(
    r"^(?:\d{4}年\d{1,2}月\d{1,2}日|[二〇○零一三四五六七八九十]{4}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}日)$"
)
_DATE = re.compile(
    r"(20[0-3]\d)\s*[-年/.]\s*(\d{1,2})\s*[-月/.]\s*(\d{1,2})日?(?:\s*(?:\d{1,2}[:：]\d{2}(?:[:：]\d{2})?))?"
)
_FULL_DATE = re.compile(r"(20\d\d)年(\d{1,2})月(\d{1,2})日")
_OPENING = 60  # characters of a first paragraph in which it tells its date
_DATED = re.compile(r"(?:日期|时间)\s*[:：]\s*(?=(20\d\d))")
_SOURCE = re.compile(
    r"(?:来源|出处)\s*[:：]\s*([^\s|｜\[【（(]{2,30}?)(?=\s|$|[|｜\[【（(]|作者|编辑|责任|发布|发表|日期|时间|浏览|阅读|点击|字号|字体)"
)
_URL = re.compile(r"https?://[^\s<>\"'，。；）)]+")
_KINDS = ("related", "disclaimer", "footer", "source_line", "navigation", "widget")
_TITLE_LIKENESS = 0.34
_TRADE_LIKENESS = 0.12  # a line that names the trade or a bureau needs less
_PLAIN_LIKENESS = 0.55
# four or more short words side by side: a menu; three may be the clauses of a title
_MENU = re.compile(r"[㐀-鿿A-Za-z]{2,4}(?:[\s|｜·/]+[㐀-鿿A-Za-z]{2,4}){3,}")
_SUBTITLE = re.compile("[—–-]{1,2}[㐀-鿿]")
_TRADE = re.compile("邮政|快递|寄递|邮件|快件|邮管局|[省市县州]局|包裹|物流")


@dataclass
class Article:
    """Numbers of lines; ``left`` says for each line not kept of which kind it is and how sure that is."""

    kept: list[int] = field(default_factory=list)
    title: int | None = None
    left: dict[int, tuple[str, float]] = field(default_factory=dict)
    date: str | None = None
    date_text: str | None = None
    source: str | None = None
    source_url: str | None = None


class Finder:
    """Line rules, compiled once."""

    def __init__(self, lexicon: Lexicon, spam: Spam) -> None:
        self._patterns = {kind: AnyOf(lexicon["page"][kind]) for kind in _KINDS}
        self._words = lexicon["page"]["disclaimer_words"]
        self._spam = spam

    def find(self, lines: list[str], page: Page) -> Article:
        """Choose the lines of the article."""
        article = Article()
        bare = [_SPACE.sub("", line) for line in lines]
        kinds = [self._kind(line, text) if text else "empty" for line, text in zip(lines, bare, strict=True)]
        self._facts(lines, bare, kinds, article)
        end = self._end(bare, kinds)
        body = [i for i in range(end) if kinds[i] == "" and self._is_body(bare[i])]
        if page.kept and any(i in page.kept for i in body):
            # the extractor knows the layout: what it leaves out stays only between lines that it keeps
            inside = [i for i in body if i in page.kept]
            first, last = inside[0], inside[-1]
            if page.heading is not None and page.heading < first:
                first = page.heading  # whom a notice addresses stands between its title and its text
            kept = {i for i in body if i in page.kept or first < i < last}
            for i in set(body) - kept:
                if not self._continues(bare[i], [bare[k] for k in inside]):
                    kinds[i] = "layout"
            body = [i for i in body if kinds[i] == ""]
        pairs = _pairs("".join(bare[i] for i in body))
        article.title = self._title(bare, kinds, body, pairs, page)
        taken = set(body)
        if article.title is not None:
            taken.add(article.title)
            between = range(article.title + 1, body[0])
            taken |= {i for i in between if kinds[i] == "" and _SUBTITLE.match(bare[i])}
        taken |= self._between(bare, kinds, body, pairs, end)
        for i, kind in enumerate(kinds):
            if i in taken or kind == "empty":
                continue
            if kind == "":
                kind = "outside" if i < end else "related"
            article.left[i] = (kind.replace("_", "-"), 0.7 if kind in ("outside", "layout") else 0.95)
        article.kept = sorted(taken)
        if article.title is not None and article.kept[0] != article.title:
            article.kept.remove(article.title)
            article.kept.insert(0, article.title)
        return article

    def _kind(self, line: str, bare: str) -> str:
        """Which kind of line around the article this is, or '' for none."""
        if self._spam.is_spam(bare):
            return "spam"
        long = len(bare) > 60 and "。" in bare
        if long and not any(word in bare for word in self._words):
            return ""
        for kind in ("source_line", "related", "disclaimer", "footer", "navigation", "widget"):
            found = self._patterns[kind].search(bare) or (kind == "navigation" and self._patterns[kind].search(line))
            if not found:
                continue
            if not long or (kind in ("disclaimer", "footer") and self._disclaims(bare)):
                return kind
        if self._disclaims(bare):
            return "disclaimer"
        if _MENU.fullmatch(line.strip()):
            return "navigation"
        if _URL.match(bare) or (not _HAN.search(bare) and not _SIGNED.match(bare)):
            return "navigation" if not re.fullmatch(r"[\d\s:：/.\-年月日]+", bare) else "source_line"
        return ""

    def _disclaims(self, bare: str) -> bool:
        return sum(word in bare for word in self._words) >= (2 if len(bare) < 150 else 3)

    def _is_body(self, bare: str) -> bool:
        if len(bare) < 10 and not bare.endswith("。"):
            return False
        if "。" in bare or bare[-1] in "；！？：":
            return True
        return bool(len(bare) >= 25 and re.search("[，；]", bare)) or bool(_ITEM.match(bare) and len(bare) >= 12)

    def _end(self, bare: list[str], kinds: list[str]) -> int:
        """The first line after which there is no article: related news or comments after its body."""
        body = [len(text) if kind == "" and self._is_body(text) else 0 for text, kind in zip(bare, kinds, strict=True)]
        # what follows each line: characters of sentences, lines that only a page's end has
        sentences, marked = 0, 0
        only_chrome = [False] * len(kinds)
        for i in range(len(kinds) - 1, -1, -1):
            sentences += body[i]
            marked += kinds[i] in ("disclaimer", "footer", "related")
            only_chrome[i] = sentences == 0 or (marked >= 3 and sentences < 150)
        seen = False
        for i, kind in enumerate(kinds):
            seen = seen or body[i] >= 20
            if seen and kind == "related":
                return i
            if seen and kind in ("disclaimer", "footer", "widget", "navigation") and only_chrome[i]:
                return i
        return len(kinds)

    def _title(
        self, bare: list[str], kinds: list[str], body: list[int], pairs: frozenset[str], page: Page
    ) -> int | None:
        """The line that names the article: marked up, or before the body and most like it."""
        if not body:
            return None
        heading = page.heading
        if heading is not None and heading < body[0] and kinds[heading] == "" and _names(bare[heading], pairs):
            return heading
        best, best_score = None, 0.0
        for i in range(body[0]):
            text = bare[i]
            if kinds[i] != "" or not 6 <= len(text) <= 90 or text[-1] in "。；：，":
                continue
            score = _likeness(text, pairs) + (
                0.1 if re.search(r"(?:通知|公告|通告|意见|方案|提示|倡议书|办法|工作|会议?|检查|调研)$", text) else 0
            )
            # of two alike, the longer one and the one nearer the body
            score += min(len(text), 40) / 400
            needed = _TRADE_LIKENESS if _TRADE.search(text) and len(text) >= 10 else _TITLE_LIKENESS
            if _likeness(text, pairs) >= needed and score >= best_score:
                best, best_score = i, score
        return best

    def _between(self, bare: list[str], kinds: list[str], body: list[int], pairs: frozenset[str], end: int) -> set[int]:
        """Short lines that belong to the article: headings between paragraphs, whom it addresses, a signature."""
        taken: set[int] = set()
        if not body:
            return taken
        known = set(body)
        for i in range(body[0], min(end, body[-1] + 6)):
            text = bare[i]
            if kinds[i] != "" or i in known or not text:
                continue
            heading = i < body[-1] and len(text) >= 4 and _likeness(text, pairs) >= _PLAIN_LIKENESS
            if _ITEM.match(text) or heading or (i < body[-1] and text.endswith("：")):
                taken.add(i)
        # whom a notice addresses, or the verb of its first list
        first = next((i for i in range(body[0] - 1, -1, -1) if bare[i]), None)
        if first is not None and kinds[first] == "" and bare[first].endswith("：") and len(bare[first]) >= 4:
            taken.add(first)
        return taken

    def _continues(self, text: str, inside: list[str]) -> bool:
        """Whether a paragraph that an extractor left out reads like those it kept."""
        return len(text) > 60 and _likeness(text, _pairs("".join(inside))) > 0.5

    def _facts(self, lines: list[str], bare: list[str], kinds: list[str], article: Article) -> None:
        """Date, source and address from the lines that say them."""
        for i, line in enumerate(lines):
            if kinds[i] == "source_line" or (kinds[i] in ("", "navigation", "widget") and len(bare[i]) < 60):
                dated = _DATE.search(line)
                if article.date is None and dated and (kinds[i] == "source_line" or _DATED.search(line)):
                    day = _iso(dated)
                    if day:
                        article.date, article.date_text = day, dated[0].strip()
                said = _SOURCE.search(line)
                if article.source is None and said:
                    article.source = said[1].strip("：: 。")
                elif article.source is None and dated and kinds[i] == "source_line":
                    rest = line[dated.end() :].strip(" |｜-—")
                    if 3 <= len(rest) <= 20 and re.search("(?:局|公司|网|报|社|中心|协会|部|厅)$", rest):
                        article.source = rest
            if article.source_url is None and kinds[i] == "disclaimer" and re.search("原文|本文|链接|地址|网址", line):
                url = _URL.search(line)
                if url:
                    article.source_url = url[0]


def _iso(found: re.Match[str]) -> str | None:
    """Year, month and day that were found, where a calendar has that day."""
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    except ValueError:
        return None


def told_date(paragraphs: list[str]) -> tuple[str | None, str | None]:
    """The date that an article itself tells: in full as its signature or in its first paragraph; else as printed."""
    signed = (_FULL_DATE.fullmatch(line.strip()) for line in reversed(paragraphs[-2:]))
    opening = paragraphs[0][:_OPENING] if paragraphs else ""
    for found in (*signed, _FULL_DATE.search(opening)):
        day = _iso(found) if found else None
        if found and day:
            return day, found[0]
    said = re.search(r"\d{1,2}月\d{1,2}日|近日|日前|连日来|近期", opening)
    return None, said[0] if said else None


def _names(heading: str, pairs: frozenset[str]) -> bool:
    """Whether a heading names the article: it may be the site's name, which the article does not resemble."""
    alike = _likeness(heading, pairs) >= _TRADE_LIKENESS or _TRADE.search(heading) is not None
    return len(heading) >= 5 and alike


def _pairs(text: str) -> frozenset[str]:
    return frozenset(pairs_in(text))


def _likeness(text: str, pairs: frozenset[str]) -> float:
    own = list(pairs_in(text))
    return sum(pair in pairs for pair in own) / len(own) if own else 0.0
