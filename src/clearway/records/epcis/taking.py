"""A document into the lake: the right events kept, the wrong ones listed and written back in its shape.

In:     a path, the intake of a lake
Out:    records taken in, counted by event
Not:    reading events (parts.py), keeping records (records.lake)
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from clearway.records.epcis.json_documents import DocumentError, event_texts, read_head
from clearway.records.epcis.parts import Part, read_plain, read_texts
from clearway.records.epcis.plain import ignored_fields, namespaces
from clearway.records.epcis.refused import write_json, write_xml
from clearway.records.epcis.terms import EVENT_TYPES
from clearway.records.epcis.xml_documents import XmlDocument
from clearway.records.privacy import without_personal
from clearway.records.sheet import Sheet
from clearway.records.values import read_values
from clearway.scale import Processes

if TYPE_CHECKING:
    from clearway.records.ingest import Intake

_TEXTS = 2_000
_COMMIT = 40_000
# below this a second process costs more than it brings
_ALONE = 8 << 20
_NOT_READ = {
    "EPCISMasterDataDocument": (
        "holds master data, not events; keep units in the register 'unit'",
        "是主数据文档，不含事件；单位请登记在 unit 登记表",
    ),
    "EPCISCaptureJob": ("is the state of a capture job, not events", "是采集任务状态，不含事件"),
    "EPCISQueryDocument": ("is a query without results; send its results", "是查询请求，没有结果；请发送查询结果"),
}


def take_document(intake: Intake, path: Path, kind: str) -> None:
    """Read one EPCIS document."""
    taker = _Taker(intake, path)
    try:
        if kind == "json":
            _json(taker, path)
        else:
            _xml(taker, path)
    except DocumentError as error:
        taker.fault(None, "", str(error), error.reason_zh)
    except OSError as error:
        taker.fault(None, "", f"cannot be read: {error.strerror}", "无法读取")
    taker.finish()


def _json(taker: _Taker, path: Path) -> None:
    head = read_head(path)
    kind = head.values.get("type")
    if not isinstance(kind, str):
        kind = "EPCISQueryDocument" if "queryResults" in (head.values.get("epcisBody") or {}) or head.has_list else ""
    body = head.values.get("epcisBody")
    prefixes = namespaces(head.values.get("@context"))
    ignored = ignored_fields(head.values, prefixes)
    if kind in EVENT_TYPES or ":" in kind:
        taker.head = {"@context": head.values.get("@context", [])}
        taker.part(read_texts([orjson.dumps(head.values).decode()], 1, prefixes, ignored, False))
        return
    if kind in _NOT_READ and not head.has_list:
        raise DocumentError(*_NOT_READ[kind])
    if kind not in ("EPCISDocument", "EPCISQueryDocument"):
        if (
            "query" in head.values
            or "eventTypes" in head.values
            or any(k.startswith(("EQ_", "MATCH_")) for k in head.values)
        ):
            raise DocumentError(*_NOT_READ["EPCISQueryDocument"])
        seen = f"a document of type {kind!r}" if kind else "a document without type"
        raise DocumentError(f"is {seen}, not an EPCISDocument", "不是 EPCISDocument")
    query = kind == "EPCISQueryDocument"
    if not query:
        whole = (
            head if {"@context", "creationDate", "schemaVersion"} <= head.values.keys() else read_head(path, whole=True)
        )
        if "@context" not in whole.values:
            raise DocumentError("has no @context", "缺少 @context")
        for name in ("creationDate", "schemaVersion"):
            if name not in whole.values:  # older examples of the standard lack them
                taker.warn(name, "is missing from the document", "文档缺少此项")
    if not isinstance(body, dict) or not head.has_list:
        raise DocumentError("has no list of events (epcisBody.eventList)", "没有事件列表（epcisBody.eventList）")
    if "epcisHeader" in head.values:
        taker.warn("epcisHeader", "master data of the header is not read", "文档头中的主数据未读取")
    taker.head = without_personal(
        {k: v for k, v in head.values.items() if k not in ("epcisBody", "epcisHeader")}, set()
    )
    texts = event_texts(path)
    if path.stat().st_size < _ALONE or (os.cpu_count() or 1) < 2:
        for first, block in _blocks(texts):
            taker.part(read_texts(block, first, prefixes, ignored, query))
        return
    with Processes("clearway.records.epcis.parts:read_texts") as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for first, block in _blocks(texts):
                waiting.append(pool.submit(block, first, prefixes, ignored, query))
                while len(waiting) > 2 * (os.cpu_count() or 1):
                    taker.part(waiting.popleft().result())
        finally:
            # what was read before the document broke off is right
            while waiting:
                taker.part(waiting.popleft().result())


def _blocks(texts: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    first = 1
    while True:
        block: list[str] = []
        size = 0
        try:
            for text in texts:
                block.append(text)
                size += len(text)
                if len(block) >= _TEXTS or size > 16 << 20:
                    break
        except DocumentError:
            if block:
                yield first, block
            raise
        if not block:
            return
        yield first, block
        first += len(block)


def _xml(taker: _Taker, path: Path) -> None:
    document = XmlDocument(path)
    events = document.events()
    first = 1
    while True:
        block: list[dict[str, Any]] = []
        broken: DocumentError | None = None
        try:
            for event in islice(events, _TEXTS):
                block.append(event)  # noqa: PERF402 - what came before a break is kept
        except DocumentError as error:
            broken = error
        query = document.head.root.endswith(("EPCISQueryDocument", "QueryResults"))
        if block:
            taker.part(read_plain(block, first, document.head.ignored, query))
        if broken is not None:
            raise broken
        if len(block) < _TEXTS:
            first += len(block)
            break
        first += len(block)
    root = document.head.root.rsplit("}", 1)[-1]
    if root in EVENT_TYPES:
        return
    if root in _NOT_READ and first == 1:
        raise DocumentError(*_NOT_READ[root])
    if root not in ("EPCISDocument", "EPCISQueryDocument"):
        raise DocumentError(f"is a document {root!r}, not an EPCISDocument", "不是 EPCISDocument")
    if root == "EPCISDocument":
        for name in ("schemaVersion", "creationDate"):
            if name not in document.head.attributes:
                taker.fault(None, name, "is missing from the document", "文档缺少此项")


class _Taker:
    """Gathers parts to commits; counts events."""

    def __init__(self, intake: Intake, path: Path) -> None:
        self.intake = intake
        self.file = path.name
        self._path = path
        # what stands around the events of JSON; XML has none, its document is gone through again
        self.head: dict[str, Any] | None = None
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._events = 0
        self._refused: list[tuple[int, str, str]] = []
        self._personal: set[str] = set()
        self._failed = False

    def fault(self, number: int | None, where: str, en: str, zh: str) -> None:
        """Note what is wrong with the document, or with one event."""
        code = "epcis_document" if number is None else "epcis_event"
        self.intake.faults.add(code, self.file, number, where or None, None, reason=en, reason_zh=zh)
        self._failed = self._failed or number is None

    def warn(self, where: str, en: str, zh: str) -> None:
        """Note what is worth a look."""
        self.intake.faults.warn("epcis_document", self.file, None, where, None, reason=en, reason_zh=zh)

    def part(self, part: Part) -> None:
        """Take in a part."""
        for number, (where, en, zh) in part.problems:
            self.fault(number, where, en, zh)
        self._refused += part.refused
        for name in part.personal - self._personal:
            self.intake.faults.warn("personal_dropped", self.file, None, name.rsplit("}", 1)[-1])
        self._personal |= part.personal
        for kind in part.frames:
            self._waiting.setdefault(kind, []).append(part.frame(kind))
        self._events += part.events
        self.intake.told(part.events)
        if self._events >= _COMMIT:
            self._commit()

    def finish(self) -> None:
        """Keep what is left; write what was refused."""
        self._commit()
        if self._refused:
            stem = self.intake.layout.rejected / f"{self.intake.batch.name}-{self._path.stem}"
            if self.head is None:
                self.intake.only.rejected.append(
                    write_xml(self._path, self._refused, stem.with_name(f"{stem.name}.xml"))
                )
            else:
                target = stem.with_name(f"{stem.name}.jsonld")
                self.intake.only.rejected.append(write_json(self.head, self._refused, target))
            self.intake.only.count(None, refused=len({number for number, _, _ in self._refused}))
        elif self._failed:
            self.intake.only.count(None, refused=1)

    def _commit(self) -> None:
        for kind, frames in self._waiting.items():
            self._keep(kind, pl.concat(frames))
        self._waiting, self._events = {}, 0

    def _keep(self, kind: str, rows: pl.DataFrame) -> None:
        """Rows of one type: an event with a wrong row is refused whole."""
        intake, rtype = self.intake, self.intake.types[kind]
        numbers = rows["_event"]
        sheet = Sheet(self.file, numbers)
        now = intake.batch.received if intake.batch.origin == "observed" else None
        typed = read_values(rows.select(rtype.names), rtype, sheet, now=now, zone=intake.zone)
        wrong = set(numbers.filter(sheet.at_fault).to_list())
        good = ~numbers.is_in(list(wrong)) if wrong else pl.repeat(True, len(rows), dtype=pl.Boolean, eager=True)
        none = pl.Series([None] * len(rows), dtype=pl.Datetime("us"))
        typed = typed.with_columns(_stated=none, _withdrawn=rows["_withdrawn"], _row=numbers)
        kept, raw = typed.filter(good), rows.filter(good).select(event="_raw")
        stored = intake.keep(rtype, kept, raw)
        events = numbers.filter(good)
        sheet.conflicts(stored.conflicts, good, typed["event_id"])
        wrong |= set(numbers.filter(sheet.at_fault).to_list())
        accepted = set(events.gather(stored.accepted).to_list())
        repeated = set(events.gather(stored.repeated).to_list()) - accepted
        superseded = {name.split("#")[0] for name in stored.superseded}
        intake.only.count(kind, accepted=len(accepted), repeated=len(repeated), superseded=len(superseded))
        if wrong:
            told = rows.with_columns(sheet.reason().alias("_why")).filter(numbers.is_in(list(wrong)))
            texts = told.group_by("_event", maintain_order=True).agg(
                pl.col("_raw").drop_nulls().first(), pl.col("_why").drop_nulls().first()
            )
            self._refused += [(n, raw or "{}", why or "") for n, raw, why in texts.iter_rows()]
        sheet.tell(intake.faults)
