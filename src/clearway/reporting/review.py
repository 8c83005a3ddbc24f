"""The review page of a notice: the page as it stood beside the clean text, every change explained, the orders marked.

In:     Notice
Out:    one self-contained HTML page in both languages
Not:    repairing or reading anything
Words:  mark = a change shown in its place
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import Any

from clearway import __version__
from clearway.notices import Lexicon, Notice, Order, Repair
from clearway.reporting.templates import template_of

MOST_MARKS = 20_000  # beyond that a browser is slow; the JSON has all
_LISTED = frozenset(("restored", "unclear", "spam", "fragment", "joined"))
_MOST_LISTED = 200


def render_review(notice: Notice, lang: str = "zh") -> str:
    """The review page; ``lang`` is the language it opens in, both are inside."""
    reasons = Lexicon.standard()["repairs"]
    topics = {k: {"zh": t["zh"], "en": t["en"]} for k, t in Lexicon.standard()["topics"].items()}
    counts = Counter(r.kind for r in notice.repairs)
    listed = [r for r in notice.repairs if r.kind in _LISTED]
    return template_of("review.html.j2").render(
        lang=lang,
        notice=notice,
        rows=_rows(notice),
        reasons=reasons,
        topics=topics,
        counts=counts.most_common(),
        listed=[{**r._asdict(), "before": notice.page[r.start : r.end][:80]} for r in listed[:_MOST_LISTED]],
        unlisted=max(0, len(listed) - _MOST_LISTED),
        cut=len(notice.repairs) > MOST_MARKS,
        version=__version__,
    )


def _rows(notice: Notice) -> list[dict[str, Any]]:
    """One row a line of the page: its pieces with their marks, and the clean line that came of it."""
    clean = notice.clean.rstrip("\n").split("\n") if notice.clean.strip() else []
    by_place = {place: k for k, place in enumerate(notice.clean_from)}
    places = sorted(by_place)
    repairs = list(notice.repairs[:MOST_MARKS])
    rows: list[dict[str, Any]] = []
    offsets = [0, *accumulate(len(line) + 1 for line in clean)]
    orders: dict[int, list[Order]] = {}
    for order in notice.orders:
        orders.setdefault(order.para, []).append(order)
    at, k = 0, 0
    for line in notice.page.split("\n"):
        end = at + len(line)
        marks: list[Repair] = []
        while k < len(repairs) and repairs[k].start <= end:
            if repairs[k].end >= at:
                marks.append(repairs[k])
            k += 1
        became = []
        first = bisect_left(places, at)
        while first < len(places) and places[first] <= end:
            number = by_place[places[first]]
            became.append({"pieces": _ordered(clean[number], offsets[number], orders.get(number, []))})
            first += 1
        if line.strip() or became:
            rows.append({"pieces": _pieces(line, at, marks), "clean": became})
        at = end + 1
    return rows


def _pieces(line: str, at: int, marks: list[Repair]) -> list[dict[str, Any]]:
    """A line in pieces: text as it stood, and marked pieces with what became of them.

    Where one repair lies in another, the later one tells what became of the piece and all kinds are named.
    """
    out: list[dict[str, Any]] = []
    done = at
    end = at + len(line)
    k = 0
    while k < len(marks):
        first = marks[k]
        start, stop, kinds, after = max(first.start, done), first.end, [first.kind], first.after
        sure = first.sure
        k += 1
        while k < len(marks) and marks[k].start < stop:
            if marks[k].start == first.start and marks[k].end >= stop:
                after = marks[k].after
            stop = max(stop, marks[k].end)
            kinds.append(marks[k].kind)
            sure = min(sure, marks[k].sure)
            k += 1
        start, stop = min(max(start, at), end), min(max(stop, start), end)
        if start > done:
            out.append({"text": line[done - at : start - at]})
        before = line[start - at : stop - at]
        if before or after:
            out.append({"before": before, "after": after, "kinds": list(dict.fromkeys(kinds)), "sure": sure})
        done = max(done, stop)
    if done < end:
        out.append({"text": line[done - at :]})
    return out


def _ordered(line: str, offset: int, orders: list[Order]) -> list[dict[str, Any]]:
    """A clean line, which begins at ``offset`` of the clean text, in pieces, those of its orders with their number."""
    out: list[dict[str, Any]] = []
    done = 0
    for order in orders:
        start, end = order.start - offset, order.end - offset
        if start > done:
            out.append({"text": line[done:start]})
        out.append({"text": line[max(start, done) : end], "order": order.n, "topic": order.topics[0]})
        done = max(done, end)
    if done < len(line):
        out.append({"text": line[done:]})
    return out
