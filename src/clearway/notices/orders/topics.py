"""What an order is about: words with weights.

In:     sentences of an order, Lexicon
Out:    one to three topics, most weight first; whether there is a duty in it
Not:    other fields (fields.py)
Words:  slogan = a topic of stance, with no duty of its own
"""

from __future__ import annotations

import re
from functools import lru_cache

from clearway.notices.lexicon import Lexicon, leads_of, pairs_in

MOST = 3
_FLOOR = 0.55  # a topic below this score is none
_SHARE = 0.3  # nor one far below the best
_FIRST = 0.6  # what words of an item's first sentence count more


class Topics:
    """Words of the topics, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        # words by the two characters they begin with; those that begin with one, or with any, are always tried
        self._words: dict[str, list[tuple[str, int]]] = {}
        self._always: list[tuple[str, int]] = []
        self._patterns: list[tuple[str, re.Pattern[str], float]] = []
        for topic, table in lexicon["topics"].items():
            for pattern, weight in table["words"].items():
                for lead in leads_of(pattern) or ("",):
                    kept = self._words.setdefault(lead[:2], []) if len(lead) > 1 else self._always
                    kept.append((lead, len(self._patterns)))
                self._patterns.append((topic, re.compile(pattern), float(weight)))
        self._leads = frozenset(self._words)
        self.slogans: frozenset[str] = frozenset(k for k, t in lexicon["topics"].items() if t.get("slogan"))
        self.score = lru_cache(maxsize=20_000)(self._score)

    def _score(self, text: str) -> dict[str, float]:
        """Weight of each topic in a sentence, and less the later its first word stands."""
        words = self._words
        likely = {k for lead, k in self._always if lead in text}
        for pair in self._leads.intersection(pairs_in(text)):
            likely.update([k for lead, k in words[pair] if lead in text])
        totals: dict[str, float] = {}
        firsts: dict[str, int] = {}
        for k in sorted(likely):
            topic, pattern, weight = self._patterns[k]
            found = list(pattern.finditer(text))
            if found:
                hits = len({m[0] for m in found})
                totals[topic] = totals.get(topic, 0.0) + weight * (1 + 0.35 * (min(hits, 3) - 1))
                firsts[topic] = min(firsts.get(topic, len(text)), found[0].start())
        length = max(40, len(text))
        return {topic: total - 0.1 * firsts[topic] / length for topic, total in totals.items() if total > 0}

    def of(self, sentences: list[str]) -> tuple[str, ...]:
        """Topics of an order made of sentences."""
        total: dict[str, float] = {}
        for i, sentence in enumerate(sentences):
            for topic, score in self.score(sentence).items():
                total[topic] = total.get(topic, 0.0) + score * (1 + _FIRST if i == 0 and len(sentences) > 1 else 1)
        return self._best(total)

    def _best(self, total: dict[str, float]) -> tuple[str, ...]:
        duties = {t: s for t, s in total.items() if t not in self.slogans}
        if duties and max(duties.values()) >= 1.0:
            # where there is a duty, stance comes second
            total = {t: s * (1 if t in duties else 0.7) for t, s in total.items()}
        ranked = sorted((-s, t) for t, s in total.items() if s >= _FLOOR)
        if not ranked:
            return ()
        least = _SHARE * ranked[0][0]
        return tuple(t for s, t in ranked if s <= least)[:MOST]


@lru_cache(maxsize=1)
def topic_titles() -> dict[str, tuple[str, str]]:
    """Titles of the package's topics in Chinese and English."""
    return {key: (table["zh"], table["en"]) for key, table in Lexicon.standard()["topics"].items()}
