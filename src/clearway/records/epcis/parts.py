"""Some events read in one go: parsed, checked, hashed, freed of what is about people, made rows.

In:     texts of events or plain events
Out:    frames of rows, problems by event; what a process can hand to another
Not:    the lake
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import polars as pl

from clearway.records.declared import record_types
from clearway.records.epcis.checking import Problem, check_event
from clearway.records.epcis.hashing import event_hash
from clearway.records.epcis.plain import plain_event
from clearway.records.epcis.scans import other_of, scans_of
from clearway.records.privacy import masked, without_personal

_FIELDS = {kind: record_types()[kind].names for kind in ("scan", "other")}


@dataclass
class Part:
    """Events of one stretch of a document.

    ``frames`` hold rows by type, with ``_event`` (its number), ``_withdrawn`` and ``_raw`` (its text, at its
    first row); ``problems`` and ``refused`` (texts) are of events that are wrong.
    """

    events: int = 0
    frames: dict[str, bytes] = field(default_factory=dict)
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    personal: set[str] = field(default_factory=set)

    def frame(self, kind: str) -> pl.DataFrame:
        """The rows of a type."""
        return pl.read_ipc(io.BytesIO(self.frames[kind]))


def read_texts(
    texts: Sequence[str], first: int, prefixes: Mapping[str, str], ignored: frozenset[str], query: bool
) -> Part:
    """Read events from their JSON texts; ``first`` is the number of the first."""
    part, rows = Part(events=len(texts)), _Rows()
    for number, text in enumerate(texts, first):
        try:
            event = orjson.loads(text)
            plain = plain_event(event, prefixes) if isinstance(event, dict) else event
        except (orjson.JSONDecodeError, RecursionError) as error:
            part.problems.append((number, ("", f"is no JSON: {str(error)[:60]}", "不是合法的 JSON")))
            part.refused.append((number, "{}", "is no JSON"))
            continue
        _take(part, rows, number, plain, event, ignored, xml=False, query=query)
    rows.into(part)
    return part


def read_plain(events: Iterable[dict[str, Any]], first: int, ignored: frozenset[str], query: bool) -> Part:
    """The same for plain events, which come from XML."""
    part, rows = Part(), _Rows()
    for number, plain in enumerate(events, first):
        part.events += 1
        _take(part, rows, number, plain, plain, ignored, xml=True, query=query)
    rows.into(part)
    return part


def _take(
    part: Part, rows: _Rows, number: int, plain: Any, event: Any, ignored: frozenset[str], *, xml: bool, query: bool
) -> None:
    problems = check_event(plain, xml=xml, query=query)
    if not problems:
        try:
            key = event_hash(plain, ignored)
        except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            problems = [("", f"cannot be hashed ({type(error).__name__})", "无法计算哈希")]
    stripped = without_personal(event, part.personal)
    text = orjson.dumps(stripped, default=str).decode()
    if problems:
        part.problems += [(number, _quiet(p)) for p in problems]
        part.refused.append((number, text, "; ".join(f"{w} {en}".strip() for w, en, _ in map(_quiet, problems))))
        return
    withdrawn = "errorDeclaration" in plain
    scans = scans_of(plain, key)
    if scans:
        for at, row in enumerate(scans):
            rows.add("scan", row, number, withdrawn, None if at else text)
    else:
        if withdrawn:  # the body is that of the event it takes back, so that both have one content
            body = orjson.dumps({k: v for k, v in stripped.items() if k != "errorDeclaration"}, default=str).decode()
        else:
            body = text
        rows.add("other", other_of(plain, key, body), number, withdrawn, text)


def _quiet(problem: Problem) -> Problem:
    where, en, zh = problem
    return where, masked(en), masked(zh)


class _Rows:
    """Rows gathered by type, in columns."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[Any, ...]]] = {}

    def add(self, kind: str, row: Mapping[str, Any], number: int, withdrawn: bool, raw: str | None) -> None:
        get = row.get
        texts = (v if (v := get(f)) is None or type(v) is str else str(v) for f in _FIELDS[kind])
        self._rows.setdefault(kind, []).append((*texts, number, withdrawn, raw))

    def into(self, part: Part) -> None:
        for kind, rows in self._rows.items():
            schema: dict[str, Any] = dict.fromkeys(_FIELDS[kind], pl.String)
            schema |= {"_event": pl.Int64, "_withdrawn": pl.Boolean, "_raw": pl.String}
            buffer = io.BytesIO()
            pl.DataFrame(rows, schema=schema, orient="row").write_ipc(buffer)
            part.frames[kind] = buffer.getvalue()
