"""Two editions of a notice: which orders are new, changed or gone.

In:     two Notices
Out:    Change, in the order of the later edition, orders that are gone after the one they followed
Not:    changes of wording outside orders
Words:  alike = share of characters that two orders have in common, in order
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from typing import Any

from clearway.notices.types import Notice, Order

ALIKE = 0.55
FIELDS = ("issuer", "addressee", "deadline", "place", "targets")


@dataclass(frozen=True)
class Change:
    """What became of an order: same, changed, new or gone; ``fields`` names what it says otherwise."""

    kind: str
    before: Order | None
    after: Order | None
    fields: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "fields": list(self.fields),
            "before": self.before.to_dict() if self.before else None,
            "after": self.after.to_dict() if self.after else None,
        }


def diff_notices(earlier: Notice, later: Notice) -> list[Change]:
    """Pair the orders of two editions, each with at most one of the other, most alike first."""
    before, after = earlier.orders, later.orders
    texts = [_plain(o.text) for o in before], [_plain(o.text) for o in after]
    pairs: list[tuple[float, int, int, int]] = []
    matcher = difflib.SequenceMatcher(autojunk=False)
    for j, b in enumerate(texts[1]):
        matcher.set_seq2(b)
        for i, a in enumerate(texts[0]):
            if a == b:
                pairs.append((-1.0, abs(i - j), i, j))
                continue
            matcher.set_seq1(a)
            if matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE:
                alike = matcher.ratio()
                if alike >= ALIKE:
                    pairs.append((-alike, abs(i - j), i, j))
    old: dict[int, int] = {}
    new: dict[int, int] = {}
    for _, _, i, j in sorted(pairs):
        if i not in old and j not in new:
            old[i], new[j] = j, i
    changes: list[tuple[float, Change]] = []
    for j, order in enumerate(after):
        if j not in new:
            changes.append((j, Change("new", None, order)))
            continue
        other = before[new[j]]
        fields = tuple(name for name in FIELDS if getattr(other, name) != getattr(order, name))
        if texts[0][new[j]] != texts[1][j]:
            fields = ("text", *fields)
        changes.append((j, Change("changed" if fields else "same", other, order, fields)))
    for i, order in enumerate(before):
        if i not in old:
            ahead = max((old[k] for k in range(i) if k in old), default=-1)
            changes.append((ahead + 0.5, Change("gone", order, None)))
    return [change for _, change in sorted(changes, key=lambda x: x[0])]


def _plain(text: str) -> str:
    """Text without ordinal, marks and spaces, which change from reprint to reprint."""
    return "".join(c for c in text if unicodedata.category(c)[0] not in "PZSC")
