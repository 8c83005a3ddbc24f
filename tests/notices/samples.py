"""Sample notices written for the project, with what should be found in them.

In:     pages/*.txt: clean text with ⟦n⟧…⟦/⟧ around order n, then --- and a line for each order
Out:    Sample: clean text, document in the form of the labelling guideline
Not:    damage (damage.py)
Words:  a field that a line leaves out is that of the head line, or none
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearway.notices.orders.sentences import split_sentences

FOLDER = Path(__file__).parent / "pages"
_MARK = re.compile(r"⟦(\d*|/)⟧")


@dataclass(frozen=True)
class Sample:
    """A sample notice: ``clean`` as it should be read, ``document`` as it should be understood."""

    name: str
    clean: str
    document: dict[str, Any]


def samples() -> list[Sample]:
    """Every sample, by name."""
    return [read_sample(path) for path in sorted(FOLDER.glob("*.txt"))]


def read_sample(path: Path) -> Sample:
    """One sample."""
    text, _, told = path.read_text(encoding="utf-8").partition("\n---\n")
    head, *rest = told.strip().split("\n") if told.strip() else [""]
    common = _fields(head)
    given = {int(n): _fields(fields) for n, _, fields in (line.partition(": ") for line in rest)}
    clean, orders, open_at, number = "", [], -1, 0
    at = 0
    for m in _MARK.finditer(text):
        clean += text[at : m.start()]
        at = m.end()
        if m[1].isdigit():
            open_at, number = len(clean), int(m[1])
        elif m[1] == "/":
            orders.append(_order(number, clean[open_at:], {**common, **given[number]}))
    clean += text[at:]
    first = clean.split("\n")[0]
    title = first if "。" not in first else None
    document = {"id": path.stem, "title": title, "orders": orders}
    return Sample(path.stem, clean.rstrip("\n") + "\n", document)


def _order(number: int, text: str, fields: dict[str, str]) -> dict[str, Any]:
    ordinal = fields.get("ordinal")
    sentences = [text[s.start : s.end] for s in split_sentences(text)]
    return {
        "n": number,
        "issuer": fields.get("issuer"),
        "speaker": fields.get("speaker"),
        "verb": fields.get("verb"),
        "addressee": fields.get("addressee"),
        "ordinal": ordinal,
        "text": text,
        "topics": fields.get("topics", "").split(","),
        "targets": fields["targets"].split(",") if "targets" in fields else [],
        "deadline": fields.get("deadline"),
        "place": fields.get("place"),
        "sub": [{"text": s} for s in sentences] if ordinal and len(sentences) > 1 else [],
    }


def _fields(line: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in line.split("; ") if "=" in part)
