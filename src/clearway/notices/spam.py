"""Advertising: lines of it, and pieces of it and of other texts dropped into sentences.

In:     repaired lines, the page's title
Out:    whether a line is spam; edits that take pieces out
Not:    navigation and widgets (article.py)
Words:  piece = text of another page dropped into a sentence, often within a word
"""

from __future__ import annotations

import re
from collections import Counter

from clearway.notices.draft import Draft, Edit
from clearway.notices.lexicon import Lexicon

_HAN = re.compile("[㐀-鿿]")
# a code of letters and digits between Chinese characters, such as brands use; units and usual abbreviations are none
_CODE = re.compile(
    rf"(?<=[㐀-鿿，。、；])[（(\[]?(?:[a-z]{{1,8}}\d{{1,4}}|[a-z]{{2,10}}|[A-Z]{{1,4}}\d{{2,4}})(?:[._\-][a-zA-Z0-9]{{1,10}})*(?:\.(?:com|net|cn|vip|cc|app|org|top|xyz|tv|me)){{0,2}}[)）\]]?(?=[㐀-鿿，。、；])"
)
_USUAL = frozenset("app ems epcis gps rfid gis pda pos pc ppt wifi led usb sim km kg cm mm ml kw gb tb h5 b2b b2c o2o c2m ai ar vr iso yz pvc pe pp co2 pm2.5 covid n95 kn95 x5 5g 4g qq tel http https www".split(" "))
_SITE = re.compile(r"(?:https?://|www\.)?[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.(?:com|net|vip|cc|app|top|xyz|tv|me|org)(?:\.cn)?(?:/[^\s，。；、]*)?(?=[㐀-鿿，。、；])", re.I)
_OFFICIAL = re.compile(r"gov\.cn|12305|chinapost|ems\.com|spb|(?:网址|网站|登录|登陆|访问|邮箱|链接)[^，。；]{0,8}$", re.I)
_LONGEST = 40


class Spam:
    """Patterns of advertising, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        page = lexicon["page"]
        brand = "|".join(f"(?:{p})" for p in page["spam_brands"])
        # letters of a brand do not stand within a word
        self._piece = re.compile(f"(?:{page['spam_heads']})(?<![A-Za-z])(?:{brand})(?:{page['spam_tails']})")

    def is_spam(self, bare: str) -> bool:
        """Whether a line is little else than advertising."""
        rest, found = self._piece.subn("", bare)
        if not found:
            return False
        # a sentence with a piece in it is a sentence
        own = len(_HAN.findall(rest))
        if re.search("[。；，：]", rest):
            return own < 10 or own < 0.3 * len(bare)
        return own < 14 or own < 0.5 * len(bare)

    def pieces(self, text: str) -> list[Edit]:
        """Edits that take advertising out of sentences."""
        edits: list[Edit] = [(m.start(), m.end(), "", "spam", 0.9) for m in self._piece.finditer(text)]
        taken = [(start, end) for start, end, *_ in edits]
        for pattern in (_CODE, _SITE):
            for m in pattern.finditer(text):
                word = m[0].strip("()（）[]").lower()
                official = _OFFICIAL.search(m[0]) or _OFFICIAL.search(text[max(0, m.start() - 12) : m.start()])
                if word in _USUAL or official or any(s < m.end() and m.start() < e for s, e in taken):
                    continue
                edits.append((m.start(), m.end(), "", "fragment", 0.7))
                taken.append((m.start(), m.end()))
        return sorted(edits)


def drop_pieces(draft: Draft, spam: Spam, title: str | None, body: list[tuple[int, int]]) -> None:
    """Take pieces of advertising, and of the page's own title, out of the sentences of an article.

    ``body`` holds start and end of each line of the article in the draft.
    """
    edits: list[Edit] = []
    for start, end in body:
        edits += [(start + a, start + b, new, kind, sure) for a, b, new, kind, sure in spam.pieces(draft.text[start:end])]
    if title and len(title) >= 8:
        text = draft.text
        pairs = Counter(text[i : i + 2] for start, end in body for i in range(start, end - 1))
        taken = [(e[0], e[1]) for e in edits]
        for start, end in body:
            for a, b in title_pieces(text[start:end], title, pairs):
                if not any(s < start + b and start + a < e for s, e in taken):
                    edits.append((start + a, start + b, "", "fragment", 0.8))
    draft.apply(sorted(edits))


def title_pieces(line: str, title: str, pairs: Counter[str]) -> list[tuple[int, int]]:
    """Pieces of a title dropped into the middle of a word.

    A piece is taken for one only where the characters on its two sides make a pair that the article has elsewhere,
    and those at its edges do not: then it parts a word that is whole without it.
    """
    found: list[tuple[int, int]] = []
    at = 1
    while at < len(line) - 6:
        key = line[at : at + 6]
        where = title.find(key)
        if where < 0:
            at += 1
            continue
        length = 6
        while at + length < len(line) and where + length < len(title) and line[at + length] == title[where + length]:
            length += 1
        # the piece may end earlier than the longest match: its last characters can be the sentence's own
        for end in range(at + length, at + 5, -1):
            if end >= len(line):
                continue
            before, after = line[at - 1], line[end]
            if not (_HAN.match(before) and _HAN.match(after)):
                continue
            joined = pairs[before + after]
            if joined >= 1 and pairs[before + line[at]] <= 1 and pairs[line[end - 1] + after] <= 1:
                found.append((at, end))
                at = end
                break
        at += 1
    return found
