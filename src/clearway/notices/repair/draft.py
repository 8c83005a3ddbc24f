"""A text on its way from page to clean text: each change is made and noted in one step.

In:     the page's text, edits
Out:    Draft: the text as it is now, where each of its characters stood, the repairs so far
Not:    what to change (characters.py, accident.py, readings.py, punctuation.py, fragments.py)
Words:  edit = (start, end, new, kind, sure) in places of the text as it is now
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from functools import partial

from clearway.notices.types import Repair

# a Repair from its parts; what the class does when called takes three times as long, a million times over
_repair = partial(tuple.__new__, Repair)
Edit = tuple[int, int, str, str, float]


class Draft:
    """The text, and for each character its place on the page.

    A repair of a repaired character is noted with the place of the first; equal input gives equal repairs.
    """

    __slots__ = ("repairs", "text", "where")

    def __init__(self, text: str) -> None:
        self.text = text
        self.where = array("I", range(len(text)))
        self.repairs: list[Repair] = []

    def apply(self, edits: Iterable[Edit]) -> None:
        """Make edits, which stand in order and do not overlap, and note each."""
        edits = list(edits)
        if not edits:
            return
        text, where, repairs = self.text, self.where, self.repairs
        size = len(where)
        pieces: list[str] = []
        places = array("I")
        at = 0
        for start, end, new, kind, sure in edits:
            first = where[start] if start < size else self.place(start)
            last = where[end - 1] + 1 if end > start else first
            repairs.append(_repair((first, last if last > first else first, new, kind, sure)))
            pieces.append(text[at:start])
            places.extend(where[at:start])
            if new:
                pieces.append(new)
                if len(new) == end - start:
                    places.extend(where[start:end])
                else:
                    places.extend([first] * len(new))
            at = end
        pieces.append(text[at:])
        places.extend(where[at:])
        self.text, self.where = "".join(pieces), places

    def exchange(self, new: str, kind: str, sure: float) -> None:
        """Take a text of the same length; each run of characters that differs is one repair."""
        text, where, repairs = self.text, self.where, self.repairs
        differ = [at for at, (a, b) in enumerate(zip(text, new, strict=True)) if a != b]
        k, n = 0, len(differ)
        while k < n:
            start = last = differ[k]
            k += 1
            while k < n and differ[k] == last + 1:
                last = differ[k]
                k += 1
            repairs.append(_repair((where[start], where[last] + 1, new[start : last + 1], kind, sure)))
        self.text = new

    def flag(self, start: int, end: int, kind: str, sure: float) -> None:
        """Note a place that a person should look at; nothing changes."""
        first = self.place(start)
        last = self.where[end - 1] + 1 if end > start else first
        self.repairs.append(Repair(first, last, self.text[start:end], kind, sure))

    def place(self, at: int) -> int:
        """Where character ``at`` of the text stood on the page."""
        if at < len(self.where):
            return self.where[at]
        return self.where[-1] + 1 if self.where else 0
