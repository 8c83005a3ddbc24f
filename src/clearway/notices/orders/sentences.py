"""Paragraphs to sentences and list items.

In:     a paragraph of clean text
Out:    Sentence: start, end (before its stop), the stop; ordinals and where they begin
Not:    what a sentence says (orders)
Source: the labelling guideline's segmentation: stops are 。 and ； outside quotes and brackets
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NUMERALS = "一二三四五六七八九十"
_OPEN, _CLOSE = "“《（(【〔‘", "”》）)】〕’"
_STOPS = "。；！？;!?"
_CLOSES = re.compile(f"[{re.escape(_CLOSE)}]")
_TURNS = re.compile(f"[{re.escape(_OPEN + _CLOSE + _STOPS)}]")
_CLAUSE_TURNS = re.compile(f"[{re.escape(_OPEN + _CLOSE)}，；。：]")


class Sentence(NamedTuple):
    """A sentence of a paragraph [characters]; ``end`` is before ``stop``, which is '' at the paragraph's end."""

    start: int
    end: int
    stop: str


class Mark(NamedTuple):
    """An ordinal marker: where it stands, its number and as it is printed."""

    start: int
    end: int
    number: int
    ordinal: str


_MARKER = re.compile(
    rf"(?=[{NUMERALS}（(第\d①-⑳首其再最])(?:(?P<han>[{NUMERALS}]{{1,3}})(?:(?P<is>是|要|则是)|、(?![{NUMERALS}]、))|[（(](?P<par>[{NUMERALS}]{{1,3}}|\d{{1,2}})[)）]、?"
    rf"|第(?P<di>[{NUMERALS}]{{1,3}})[，,、是]|(?P<num>\d{{1,2}})[.．、](?!\d)|(?P<circle>[①-⑳])|(?P<word>首先|其次|再次|最后)(?=[，,要是]))"
)
_WORDS = {"首先": 1, "其次": 2, "再次": 3, "最后": 4}


def split_sentences(text: str) -> list[Sentence]:
    """Sentences of a paragraph in order; white space around them is left out."""
    out: list[Sentence] = []
    start = 0
    for m in _breaks(_TURNS, text, patient=False):
        _take(text, start, m.start(), m[0], out)
        start = m.end()
    _take(text, start, len(text), "", out)
    return out


def clause_starts(text: str) -> list[int]:
    """Where the clauses of a sentence begin: after commas and stops outside quotes and brackets."""
    return [0, *(m.end() for m in _breaks(_CLAUSE_TURNS, text, patient=True))]


def _breaks(turns: re.Pattern[str], text: str, patient: bool) -> Iterator[re.Match[str]]:
    """Marks outside quotes and brackets; where ``patient`` is false, also in those that are never closed."""
    depth = 0
    for m in turns.finditer(text):
        if m[0] in _OPEN:
            depth += 1
        elif m[0] in _CLOSE:
            depth = max(0, depth - 1)
        elif depth == 0:
            yield m
        elif not patient and not _closes_later(text, m.start()):
            depth = 0
            yield m


def _closes_later(text: str, at: int) -> bool:
    """Whether what was opened is closed within reach; a mark that is never closed holds nothing together."""
    return bool(_CLOSES.search(text, at, at + 200))


def _take(text: str, start: int, end: int, stop: str, out: list[Sentence]) -> None:
    while start < end and text[start] in " \t\u3000”’":
        start += 1
    while end > start and text[end - 1] in " \t\u3000":
        end -= 1
    if end > start:
        out.append(Sentence(start, end, stop))


def number_of(numeral: str) -> int:
    """一 to 九十九 as a number, 0 for what is none."""
    tens, ten, ones = numeral.partition("十") if "十" in numeral else ("", "", numeral)
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return 0
    units = NUMERALS.index(ones) + 1 if ones else 0
    return units + (10 * (NUMERALS.index(tens) + 1 if tens else 1) if ten else 0)


def marks_of(text: str, expect: int | None = None) -> list[Mark]:
    """Ordinal markers of a paragraph that count up from one, or from ``expect`` where a list goes on.

    A marker stands at the start, after a stop, a colon or a comma, or after who is addressed (邮政企业一要 …).
    """
    found: list[Mark] = []
    style: str | None = None
    wanted = 1
    for m in _MARKER.finditer(text):
        kind = m.lastgroup if m.lastgroup != "is" else "han"
        printed = m[kind or 0]
        if kind == "circle":
            number = ord(printed) - 0x245F
        elif kind == "word":
            number = _WORDS[printed]
        else:
            number = int(printed) if printed.isdigit() else number_of(printed)
        before = text[m.start() - 1] if m.start() else "。"
        if kind == "han" and m["is"] is None and before not in "。；：:\n ":
            continue  # 一、 within a sentence is an enumeration
        if before not in "。；：，,:;！？ ”" and not (kind == "han" and m["is"] and (number == 1 or found)):
            continue
        if before not in "。；：，,:;！？ ”" and before in NUMERALS + "统同唯进某每这那另第之万专惟":
            continue
        if style is not None and kind != style:
            continue
        if style is None and number != 1 and number != expect:
            continue
        if style is None:
            wanted = number
        if number != wanted:
            continue
        style, wanted = kind, number + 1
        found.append(Mark(m.start(), m.end(), number, printed if kind != "circle" else str(number)))
    return found
