"""What makes a sentence a duty, a report or background.

In:     a sentence
Out:    yes or no
Not:    under whose word it stands (passages.py)
Words:  modal = 要, 必须, 不得: a word that requires; report = what happened, who was there, what the issuer will do
Source: the labelling guideline: what is an order, and what is none
"""

from __future__ import annotations

import re

from clearway.notices.lexicon import AnyOf, Lexicon, any_of
from clearway.notices.orders.sentences import clause_starts

_SHORT = 4


class Duties:
    """Patterns of duties and of what is none, compiled once."""

    def __init__(self, lexicon: Lexicon) -> None:
        table = lexicon["orders"]
        self._modal = any_of(table["modals"])
        self._fact = AnyOf(table["facts"])
        self._report = AnyOf(table["reports"])
        self._background = any_of(table["background_ends"])
        self._higher = any_of([re.escape(w) for w in table["higher"]])
        self._imperative = any_of(table["imperatives"])
        self._stressing = frozenset(table["stressing_verbs"])

    def requires(self, text: str, telling: bool, verb: str = "") -> bool:
        """Whether a sentence under an authority's word requires something.

        After a verb that tells (指出) only a modal makes it a duty; after one that stresses (强调) a clause in the
        imperative does too; after the others (要求) everything does that is no fact.
        """
        if len(text) < _SHORT or (text.endswith(("：", ":")) and len(text) < 12):
            return False
        if self._modal.search(text):
            return not (self._higher.match(text) and "强调" in text)
        if telling or self._fact.search(text):
            return False
        return verb not in self._stressing or any(self._imperative.match(text, at) for at in clause_starts(text))

    def is_background(self, text: str) -> bool:
        """Whether a sentence retells what a higher authority said, or praises."""
        if self._background.search(text):
            return True
        return bool(self._higher.match(text)) and bool(re.search("强调|指出|要求|作出|主持", text))

    def is_report(self, text: str) -> bool:
        """Whether a sentence says what happened, who was there or what the issuer itself will do."""
        return bool(self._report.search(text))
