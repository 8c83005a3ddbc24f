"""Whatever comes in, reading ends with records or with reasons: no uncaught error, no unbounded memory.

Long rounds run with make soak: a million inputs for each reader.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clearway.core.errors import Faults
from clearway.records import Lake, record_types
from clearway.records.epcis.json_documents import DocumentError, event_texts, read_head
from clearway.records.epcis.parts import read_plain, read_texts
from clearway.records.epcis.plain import ignored_fields, namespaces
from clearway.records.epcis.xml_documents import XmlDocument
from clearway.records.inputs.preparing import Preparer
from clearway.records.inputs.sources import csv_source, parquet_source
from clearway.records.inputs.workbook import workbook_tables
from clearway.records.values import ZONE

from .test_epcis import CONTEXT, EVENT, document

SHARE = os.environ.get("CLEARWAY_SOAK_SHARE")
FULL = 1_000_000
# what fits CI: as many as each reader does in half a minute or so
ROUNDS = {"json": 20_000, "xml": 20_000, "csv": 2_000, "parquet": 4_000, "xlsx": 4_000}
MEMORY = 1 << 30
TOKENS = [
    *(
        "",
        " ",
        "\x00",
        "\ufffd",
        "\ufeff",
        "\u3000",
        "null",
        "NaN",
        "Infinity",
        "-1",
        "1e999",
        "99999999999999999999",
        "0x10",
    ),
    *(
        "=1+1",
        "@x",
        "合计",
        "是",
        "2022-13-45",
        "0000-00-00",
        "9999-12-31",
        "2022-11-18T25:00:00Z",
        "44883",
        "２０２２",
    ),
    *(
        '"',
        "'",
        "\\",
        ",",
        ";",
        "\t",
        "\n",
        "\r\n",
        "{",
        "}",
        "[",
        "]",
        ":",
        "<",
        ">",
        "&",
        "]]>",
        "<!--",
        "&#0;",
        "&x;",
    ),
    *(
        "urn:epc:id:sgtin:1.2.3",
        "urn:epc:id:sgtin:x.y",
        "urn:epc:id:sscc:..",
        "https://id.gs1.org/01/x",
        "cbv:",
        "gs1:",
    ),
    *("ObjectEvent", "eventList", "@context", "type", "errorDeclaration", "readPoint", "收件人", "11010519491231002X"),
]


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Some bytes changed, cut, doubled, or tokens put in."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        at = draw.randrange(len(out) + 1)
        kind = draw.randrange(5)
        if kind == 0 and at < len(out):
            out[at] = draw.randrange(256)
        elif kind == 1:
            del out[at : at + draw.choice((1, 3, 20, 200))]
        elif kind == 2:
            out[at:at] = draw.choice(TOKENS).encode("utf-8", "surrogatepass")
        elif kind == 3:
            out[at:at] = out[at : at + draw.choice((1, 8, 60))]
        elif draw.random() < 0.2:
            del out[at:]
    return bytes(out)


def changed(value: Any, draw: random.Random) -> Any:
    """A JSON value with something of another kind in it somewhere."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(list(value))
        kind = draw.randrange(4)
        if kind == 0:
            return {**value, key: draw.choice([None, [], {}, "x", 3, -1.5, True, [[]], [{}], {"a": {"b": []}}])}
        if kind == 1:
            return {k: v for k, v in value.items() if k != key}
        if kind == 2:
            return {**value, draw.choice(TOKENS): value[key]}
        return {**value, key: changed(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.9:
        at = draw.randrange(len(value))
        return [*value[:at], changed(value[at], draw), *value[at + 1 :]] if draw.random() < 0.8 else value * 2
    return draw.choice([*TOKENS, 0, None, True, [], {}])


SENSOR = {**EVENT, "sensorElementList": [{"sensorMetadata": {"time": "2022-11-18T08:30:00+08:00"},
          "sensorReport": [{"type": "Temperature", "value": 26.5, "uom": "CEL"}]}], "ilmd": {"ext:lot": "1"},
          "quantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.012345.1", "quantity": 3, "uom": "KGM"}]}  # fmt: skip
XML = b"""<?xml version="1.0"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" xmlns:e="https://e.org/"
 schemaVersion="2.0" creationDate="2022-11-30T00:00:00Z"><EPCISBody><EventList><ObjectEvent>
<eventTime>2022-11-18T08:30:00+08:00</eventTime><eventTimeZoneOffset>+08:00</eventTimeZoneOffset>
<epcList><epc>urn:epc:id:sgtin:4012345.011111.9876</epc></epcList><action>OBSERVE</action>
<bizStep>urn:epcglobal:cbv:bizstep:departing</bizStep><readPoint><id>urn:epc:id:sgln:4012345.00005.0</id></readPoint>
<bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po">urn:x:1</bizTransaction></bizTransactionList>
<sensorElementList><sensorElement><sensorMetadata time="2022-11-18T08:30:00Z"/><sensorReport type="gs1:Temperature"
 value="26.0" uom="CEL"/></sensorElement></sensorElementList><e:a b="1"><e:c>x</e:c></e:a>
</ObjectEvent></EventList></EPCISBody></epcis:EPCISDocument>"""


def read_json(path: Path) -> None:
    """As an ingest reads it."""
    try:
        head = read_head(path)
        prefixes = namespaces(head.values.get("@context"))
        texts = list(event_texts(path))
    except DocumentError:
        return
    part = read_texts(texts, 1, prefixes, ignored_fields(head.values, prefixes), False)
    assert part.events == len(texts)


def read_xml(path: Path) -> None:
    """As an ingest reads it."""
    document_ = XmlDocument(path)
    events = []
    try:
        for event in document_.events():
            events.append(event)  # noqa: PERF402 - what came before a break counts
    except DocumentError:
        pass
    read_plain(events, 1, document_.head.ignored, False)


PREPARER = Preparer(record_types(), ZONE, "observed", datetime(2022, 12, 1), lambda: b"key")


def read_table(tables: Any, faults: Faults, asked: str | None) -> None:
    """As an ingest reads it; good rows have their key, bad ones a reason."""
    for table in tables:
        for rows, parts in PREPARER.read(table, asked, faults):
            assert sum(len(p.typed) for p in parts) <= rows
            for part in parts:
                bad = part.sheet.at_fault
                assert part.sheet.reason().filter(bad).null_count() == 0
                good = part.typed.filter(~bad)
                for name in part.rtype.key:
                    assert good[name].null_count() == 0


CSV = ("event_id,item_id,step,facility,time,origin,收件人,known_from\n"
       + "".join(f"e{i},EE123456785CN,arrived,330100,2022-11-18 08:0{i},330100,张三,2022-11-18\n" for i in range(5))).encode()  # fmt: skip


def _parquet() -> bytes:
    stream = io.BytesIO()
    pl.DataFrame(
        {"facility": ["a", "b"], "day": [date(2022, 11, 18)] * 2, "accepted": [1.0, 2.5], "operating": [True, None]}
    ).write_parquet(stream)
    return stream.getvalue()


def _xlsx() -> bytes:
    stream = io.BytesIO()
    pl.DataFrame({"facility": ["a", "b"], "day": [date(2022, 11, 18)] * 2, "accepted": [1, 2]}).write_excel(
        stream, worksheet="daily_volume"
    )
    return stream.getvalue()


PARQUET, XLSX = _parquet(), _xlsx()


def _json_input(draw: random.Random) -> bytes:
    event = draw.choice((EVENT, SENSOR))
    if draw.random() < 0.6:
        for _ in range(draw.randrange(1, 4)):
            event = changed(event, draw)
        whole = {"@context": CONTEXT, "type": "EPCISDocument", "epcisBody": {"eventList": [event, EVENT]}}
        return json.dumps(changed(whole, draw) if draw.random() < 0.1 else whole).encode("utf-8", "surrogatepass")
    return damaged(document(event, SENSOR).encode(), draw)


def _csv(path: Path, faults: Faults) -> None:
    read_table([csv_source(path, "x.csv")], faults, "scan")


READERS: dict[str, tuple[Callable[[random.Random], bytes], Callable[[Path, Faults], None]]] = {
    "json": (_json_input, lambda path, faults: read_json(path)),
    "xml": (lambda draw: damaged(XML, draw), lambda path, faults: read_xml(path)),
    "csv": (lambda draw: damaged(CSV, draw), _csv),
    "parquet": (
        lambda draw: damaged(PARQUET, draw),
        lambda path, faults: read_table([parquet_source(path, "daily_volume.parquet")], faults, "daily_volume"),
    ),
    "xlsx": (
        lambda draw: damaged(XLSX, draw),
        lambda path, faults: read_table(workbook_tables(path, "x.xlsx", faults), faults, "daily_volume"),
    ),
}


def fuzz(reader: str, rounds: int, folder: Path, seed: int) -> None:
    """So many damaged inputs through one reader."""
    make, read = READERS[reader]
    draw = random.Random(seed)
    path = folder / "input"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(rounds):
        data = make(draw)
        path.write_bytes(data)
        try:
            read(path, Faults())
        except BaseException as error:
            raise AssertionError(f"{reader}, seed {seed}, input {number}: {data!r}") from error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY / 1024


@pytest.mark.parametrize("reader", READERS)
def test_damaged_inputs(reader: str, tmp_path: Path) -> None:
    """A first few hundred, with every test run."""
    fuzz(reader, 300, tmp_path, 1)


@pytest.mark.soak
@pytest.mark.parametrize("reader", READERS)
def test_many_damaged_inputs(reader: str, tmp_path: Path) -> None:
    """The long rounds."""
    fuzz(reader, ROUNDS[reader] if SHARE == "small" else FULL, tmp_path, 2)


def test_damaged_files_leave_the_lake_clean(tmp_path: Path) -> None:
    """All the way into a lake: nothing but records and reasons, and the lake stays whole."""
    lake, draw = Lake.open(tmp_path / "lake"), random.Random(3)
    for number in range(60):
        reader = draw.choice(list(READERS))
        path = tmp_path / f"input{number}.{reader}"
        path.write_bytes(READERS[reader][0](draw))
        report = lake.ingest([path], received=datetime(2022, 12, 1), type=None)
        assert report.accepted or report.repeated or report.refused or not report.faults
    assert lake.verify().clean
