"""What an order is about: words with weights.

In:     sentences of an order, Lexicon
Out:    one to three topics, most weight first; whether there is a duty in it
Not:    other fields (fields.py)
Words:  slogan = a topic of stance, with no duty of its own
"""

from __future__ import annotations

import re
from functools import lru_cache

from clearway.notices.lexicon import Lexicon

MOST = 3
_FLOOR = 0.55  # a topic below this score is none
_SHARE = 0.3  # nor one far below the best
_FIRST = 0.6  # what words of an item's first sentence count more


class Topics:
    """Words of the topics, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._words: list[tuple[str, list[tuple[re.Pattern[str], float]]]] = []
        self.slogans: frozenset[str] = frozenset(k for k, t in lexicon["topics"].items() if t.get("slogan"))
        self.titles = {k: (t["zh"], t["en"]) for k, t in lexicon["topics"].items()}
        for topic, table in lexicon["topics"].items():
            self._words.append((topic, [(re.compile(p), float(w)) for p, w in table["words"].items()]))
        self.score = lru_cache(maxsize=20_000)(self._score)

    def _score(self, text: str) -> dict[str, float]:
        """Weight of each topic in a sentence, and less the later its first word stands."""
        scores: dict[str, float] = {}
        for topic, words in self._words:
            total, first = 0.0, len(text)
            for pattern, weight in words:
                hits = {m[0] for m in pattern.finditer(text)}
                if hits:
                    total += weight * (1 + 0.35 * (min(len(hits), 3) - 1))
                    first = min(first, next(pattern.finditer(text)).start())
            if total > 0:
                scores[topic] = total - 0.1 * first / max(40, len(text))
        return scores

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
        ranked = sorted(((s, t) for t, s in total.items() if s >= _FLOOR), key=lambda x: (-x[0], x[1]))
        if not ranked:
            return ()
        return tuple(t for s, t in ranked if s >= _SHARE * ranked[0][0])[:MOST]
