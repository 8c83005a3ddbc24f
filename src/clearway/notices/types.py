"""What leaves the room: repairs, orders, a notice.

In:     nothing
Out:    Repair, Part, Order, Notice
Not:    how they are found (repair, orders), how they are written (files.py)
Words:  repair = one change between the page and the clean text; part = one sentence of an order with several
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


class Repair(NamedTuple):
    """One change: ``start`` to ``end`` of the page's text [characters] became ``after``.

    ``kind`` is a key of lexicon/repairs.toml, which says why in both languages; ``sure`` is between 0 and 1.
    A repair that changes nothing (``after`` equals what stood there) flags what a person should look at.
    """

    start: int
    end: int
    after: str
    kind: str
    sure: float


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence of an order that has several."""

    ordinal: str | None
    text: str
    topics: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the JSON form has it."""
        return {"ordinal": self.ordinal, "text": self.text, "topics": list(self.topics)}


@dataclass(frozen=True, slots=True)
class Order:
    """What an authority requires of others. Field by field in docs/notices.md.

    ``start`` and ``end`` are where ``text`` stands in the clean text [characters]; ``para`` is its line, from 0.
    ``due`` is the deadline as dates: ``from`` and ``to`` (ISO, absent where open), or ``at_once``.
    """

    n: int
    para: int
    start: int
    end: int
    issuer: str | None
    speaker: str | None
    verb: str | None
    addressee: str | None
    ordinal: str | None
    text: str
    topics: tuple[str, ...]
    targets: tuple[str, ...]
    deadline: str | None
    due: dict[str, Any] | None
    place: str | None
    place_codes: tuple[str, ...]
    actionable: bool
    sub: tuple[Part, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the JSON form has it."""
        return {
            "n": self.n,
            "para": self.para,
            "start": self.start,
            "end": self.end,
            "issuer": self.issuer,
            "speaker": self.speaker,
            "verb": self.verb,
            "addressee": self.addressee,
            "ordinal": self.ordinal,
            "text": self.text,
            "topics": list(self.topics),
            "targets": list(self.targets),
            "deadline": self.deadline,
            "due": self.due,
            "place": self.place,
            "place_codes": list(self.place_codes),
            "actionable": self.actionable,
            "sub": [part.to_dict() for part in self.sub],
        }


@dataclass(frozen=True)
class Notice:
    """A page that was read: its text as it stood, the clean text, every change between them, the orders.

    ``page`` is the decoded text of the page, for HTML, DOCX and PDF one line a block; ``clean`` one paragraph a
    line, the title first if the page shows one. ``clean_from[i]`` is where line i of ``clean`` begins in ``page``.
    """

    name: str
    format: str
    encoding: str | None
    page: str
    clean: str
    clean_from: tuple[int, ...]
    repairs: tuple[Repair, ...]
    title: str | None
    issuers: tuple[str, ...]
    date: str | None
    date_text: str | None
    source: str | None
    source_url: str | None
    orders: tuple[Order, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The document as the JSON form has it, with the repairs spelled out."""
        return {
            "id": self.name,
            "title": self.title,
            "issuers": list(self.issuers),
            "date": self.date,
            "date_text": self.date_text,
            "source": self.source,
            "source_url": self.source_url,
            "format": self.format,
            "encoding": self.encoding,
            "orders": [order.to_dict() for order in self.orders],
            "repairs": [
                {
                    "start": r.start,
                    "end": r.end,
                    "before": self.page[r.start : r.end],
                    "after": r.after,
                    "kind": r.kind,
                    "sure": r.sure,
                }
                for r in self.repairs
            ],
        }
