"""Advertising: lines of it, and pieces of it and of other texts dropped into sentences.

In:     repaired lines, the page's title
Out:    whether a line is spam; edits that take pieces out
Not:    navigation and widgets (article.py)
Words:  piece = text of another page dropped into a sentence, often within a word
"""

from __future__ import annotations

import re
from functools import lru_cache

from clearway.notices.lexicon import Lexicon, leads_of, pairs_in
from clearway.notices.repair.draft import Draft, Edit

_HAN = re.compile("[㐀-鿿]")
_PAIRS = ("()", "（）", "[]", "【】")
_LETTER = re.compile("[A-Za-z]")
_LETTERS = re.compile("(?<![A-Za-z])[A-Za-z]")
_GRAM = 6  # characters of a title that a piece has at least
# a code of letters and digits between Chinese characters, such as brands use; units and usual abbreviations are none
_CODE = re.compile(
    r"(?<=[㐀-鿿，。、；])[（(\[]?(?:[a-z]{1,8}\d{1,4}|[a-z]{2,10}|[A-Z]{1,4}\d{2,4})(?:[._\-][a-zA-Z0-9]{1,10})*"
    r"(?:\.(?:com|net|cn|vip|cc|app|org|top|xyz|tv|me)){0,2}[)）\]]?(?=[㐀-鿿，。、；])"
)
_SITE = re.compile(
    r"(?:https?://|www\.)?[a-z0-9\-]+(?:\.[a-z0-9\-]+)*\.(?:com|net|vip|cc|app|top|xyz|tv|me|org)(?:\.cn)?"
    r"(?:/[^\s，。；、]*)?(?=[㐀-鿿，。、；])",
    re.I,
)


class Spam:
    """Patterns of advertising, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        page = lexicon["page"]
        self._usual = frozenset(page["usual_codes"])
        self._official = lexicon.pattern("page", "official_addresses")
        brand = "|".join(f"(?:{p})" for p in page["spam_brands"])
        # letters of a brand do not stand within a word
        leads = [leads_of(p) for p in page["spam_brands"]]
        # brands whose first characters cannot be told are of letters
        self._leads = frozenset(lead[:2] for found in leads if found for lead in found)
        self._firsts = re.compile("[" + "".join(sorted({re.escape(lead[0]) for lead in self._leads})) + "]")
        if any(len(lead) < 2 for lead in self._leads):
            raise ValueError("a brand of spam_brands needs two plain characters at its start")
        self._piece = re.compile(f"(?:{brand})(?:{page['spam_tails']})")
        self.found = lru_cache(maxsize=512)(self._found)
        self._head = re.compile(f"(?:{page['spam_heads']})$")

    def _found(self, text: str) -> list[tuple[int, int]]:
        """Where advertising stands in a text, with the words that lead to it."""
        leads = self._leads
        likely = [m.start() for m in self._firsts.finditer(text) if text[m.start() : m.start() + 2] in leads]
        likely += [m.start() for m in _LETTERS.finditer(text)]
        if not likely:
            return []
        found: list[tuple[int, int]] = []
        done = 0
        for at in sorted(likely):
            if at < done:
                continue
            m = self._piece.match(text, at)
            if m:
                head = self._head.search(text, max(done, at - 8), at)
                start, end = head.start() if head else at, m.end()
                if text[start - 1 : start] + text[end : end + 1] in _PAIRS and start > done:
                    start, end = start - 1, end + 1
                found.append((start, end))
                done = end
        return found

    def is_spam(self, bare: str) -> bool:
        """Whether a line is little else than advertising."""
        found = self.found(bare)
        if not found:
            return False
        rest, done = "", 0
        for start, end in found:
            rest += bare[done:start]
            done = end
        rest += bare[done:]
        # a sentence with a piece in it is a sentence
        own = len(_HAN.findall(rest))
        if re.search("[。；，：]", rest):
            return own < 10 or own < 0.3 * len(bare)
        return own < 14 or own < 0.5 * len(bare)

    def pieces(self, text: str) -> list[Edit]:
        """Edits that take advertising out of sentences."""
        edits: list[Edit] = [(start, end, "", "spam", 0.9) for start, end in self.found(text)]
        taken = [(start, end) for start, end, *_ in edits]
        for pattern in (_CODE, _SITE) if _LETTER.search(text) else ():
            for m in pattern.finditer(text):
                word = m[0].strip("()（）[]").lower()
                official = self._official.search(text[max(0, m.start() - 12) : m.end()])
                if word in self._usual or official or any(s < m.end() and m.start() < e for s, e in taken):
                    continue
                edits.append((m.start(), m.end(), "", "fragment", 0.7))
                taken.append((m.start(), m.end()))
        return sorted(edits)


def drop_pieces(draft: Draft, spam: Spam, title: str | None, body: list[tuple[int, int]]) -> bool:
    """Take pieces of advertising, and of the page's own title, out of the sentences of an article; whether any were.

    ``body`` holds start and end of each line of the article in the draft.
    """
    edits: list[Edit] = []
    for start, end in body:
        edits += [
            (start + a, start + b, new, kind, sure) for a, b, new, kind, sure in spam.pieces(draft.text[start:end])
        ]
    if title and len(title) >= 8:
        grams = {title[i : i + _GRAM] for i in range(len(title) - _GRAM + 1)}
        text = draft.text
        hit = [(a, b) for a, b in body if any(gram in text[a:b] for gram in grams)]
        taken = [(e[0], e[1]) for e in edits]
        whole = "\n".join(text[a:b] for a, b in body) if hit else ""
        pairs = frozenset(pairs_in(whole))
        for start, end in hit:
            for a, b in title_pieces(text[start:end], title, whole, pairs):
                if not any(s < start + b and start + a < e for s, e in taken):
                    edits.append((start + a, start + b, "", "fragment", 0.8))
    draft.apply(sorted(edits))
    return bool(edits)


def title_pieces(line: str, title: str, article: str, pairs: frozenset[str]) -> list[tuple[int, int]]:
    """Pieces of a title dropped into the middle of a word.

    A piece is taken for one only where the characters on its two sides make a pair that the article has elsewhere,
    and those at its edges do not: then it parts a word that is whole without it.
    """
    found: list[tuple[int, int]] = []
    grams = {title[i : i + _GRAM]: i for i in range(len(title) - _GRAM, -1, -1)}
    starts = {at for gram in grams for at in _places_of(gram, line)}
    done = 1
    for at in sorted(starts):
        if at < done:
            continue
        where = grams[line[at : at + _GRAM]]
        length = _GRAM
        while at + length < len(line) and where + length < len(title) and line[at + length] == title[where + length]:
            length += 1
        # the piece may end earlier than the longest match: its last characters can be the sentence's own
        for end in range(min(at + length, len(line) - 1), at + _GRAM - 1, -1):
            before, after = line[at - 1], line[end]
            if not (_HAN.match(before) and _HAN.match(after)) or before + after not in pairs:
                continue
            if not _twice(article, before + line[at]) and not _twice(article, line[end - 1] + after):
                found.append((at, end))
                done = end
                break
    return found


def _twice(text: str, pair: str) -> bool:
    """Whether a pair of characters stands in a text more than once."""
    return text.find(pair, text.find(pair) + 1) > 0


def _places_of(gram: str, line: str) -> list[int]:
    out, at = [], line.find(gram)
    while at >= 0:
        out.append(at)
        at = line.find(gram, at + 1)
    return out
