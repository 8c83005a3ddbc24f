"""How far a reading is from what should be read: the labelling guideline's scores, in short.

In:     a Notice, a Sample
Out:    edit distance, characters leaked and lost, pairs of orders
Not:    the judging tool itself, which is not part of the repository
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from typing import Any


def folded(text: str) -> str:
    """Text without white space, full-width ASCII as ASCII."""
    return "".join(
        unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" else c for c in text if not c.isspace()
    )


def distance(a: str, b: str) -> int:
    """Edits between two texts, counted by matching blocks (an upper bound that is exact where texts agree)."""
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    return sum(max(op[2] - op[1], op[4] - op[3]) for op in matcher.get_opcodes() if op[0] != "equal")


def uncovered(text: str, reference: str, run: int = 6, n: int = 5) -> int:
    """Characters of ``text`` in runs of ``run`` or more that no window of ``n`` shared with the reference covers."""
    grams = {reference[i : i + n] for i in range(len(reference) - n + 1)}
    covered = bytearray(len(text))
    for i in range(len(text) - n + 1):
        if text[i : i + n] in grams:
            covered[i : i + n] = b"x" * n
    return sum(len(part) for part in covered.decode("latin-1").split("x") if len(part) >= run)


def plain(text: str | None) -> str:
    """Letters and digits only."""
    return "".join(c for c in folded(text or "") if unicodedata.category(c)[0] not in "PZSC")


def pairs(found: Sequence[dict[str, Any]], wanted: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Orders found and wanted that overlap by 0.7 of their characters or more, one to one, best first."""
    likely = []
    for i, a in enumerate(found):
        for j, b in enumerate(wanted):
            x, y = plain(a["text"]), plain(b["text"])
            common = sum(m.size for m in difflib.SequenceMatcher(None, x, y, autojunk=False).get_matching_blocks())
            share = common / max(1, len(x) + len(y) - common)
            if share >= 0.7:
                likely.append((-share, abs(i - j), i, j))
    taken: list[tuple[int, int]] = []
    for _, _, i, j in sorted(likely):
        if all(i != a and j != b for a, b in taken):
            taken.append((i, j))
    return sorted(taken)


def f1(hits: int, found: int, wanted: int) -> float:
    """Harmonic mean of precision and recall; 1 where nothing is found and nothing wanted."""
    return 1.0 if not found and not wanted else 2 * hits / max(1, found + wanted)
