"""EPCIS documents: accepted or refused as the suite says, hashed as the vectors say, kept as scans."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clearway.records import Lake, Report
from clearway.records.epcis.checking import check_event
from clearway.records.epcis.hashing import event_hash
from clearway.records.epcis.json_documents import event_texts, read_head
from clearway.records.epcis.plain import ignored_fields, namespaces, plain_event
from clearway.records.epcis.xml_documents import XmlDocument

from .conftest import codes, lake_bytes

# documents that are right but hold no events: refused with the reason
NO_EVENTS = {"EPCISMasterDataDocument", "EPCISCaptureJob"}


def test_every_document_as_the_suite_says(shared: Path, tmp_path: Path) -> None:
    """All documents of the conformance material; queries, capture jobs and master data are refused with the reason."""
    root = shared / "data/standards"
    with (root / "epcis-2.0/EXPECTED.tsv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert len(rows) > 140
    for number, row in enumerate(rows):
        lake = Lake.open(tmp_path / f"lake{number}")
        report = lake.ingest([root / row["file"]])
        events = int(row["events"])
        if row["suite_says"] == "invalid":
            assert report.refused and report.faults, row["file"]
            continue
        if row["root_type"] in NO_EVENTS or "/Queries/" in row["file"]:
            assert report.refused == 1 and codes(report) == {"epcis_document"}, row["file"]
            continue
        assert report.refused == 0 and not report.faults, (row["file"], [f.text() for f in report.faults])
        assert report.accepted + report.repeated == events, row["file"]
        again = lake.ingest([root / row["file"]])
        assert again.accepted == 0 and again.repeated == events, row["file"]
        assert lake.verify().clean, row["file"]


def plain_events(path: Path) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """The plain events of a document."""
    if path.suffix == ".xml":
        document = XmlDocument(path)
        events = list(document.events())
        return events, document.head.ignored
    head = read_head(path)
    prefixes = namespaces(head.values.get("@context"))
    return [plain_event(json.loads(t), prefixes) for t in event_texts(path)], ignored_fields(head.values, prefixes)


def test_event_hashes_of_the_vectors(shared: Path) -> None:
    """JSON and XML of one event give the published hash."""
    folder = shared / "data/standards/epcis-2.0/event-hash"
    seen = 0
    for wanted in sorted(folder.glob("*.hashes")):
        for suffix in (".jsonld", ".xml"):
            path = wanted.with_suffix(suffix)
            if path.exists():
                events, ignored = plain_events(path)
                assert [event_hash(e, ignored) for e in events] == wanted.read_text().split(), path.name
                seen += len(events)
    assert seen == 35 or seen > 30


EVENT = {
    "type": "ObjectEvent",
    "eventTime": "2022-11-18T08:30:00.000+08:00",
    "eventTimeZoneOffset": "+08:00",
    "epcList": ["urn:clearway:item:SF1234567890"],
    "action": "OBSERVE",
    "bizStep": "departing",
    "disposition": "in_transit",
    "readPoint": {"id": "urn:clearway:unit:330100"},
    "destinationList": [{"type": "location", "destination": "urn:clearway:unit:310100"}],
    "clearway:operator": "sf",
    "clearway:mode": "road",
    "ext:收件人姓名": "张三丰",
    "ext:phone": "13812345678",
    "ext:note": "please call 13912345678",
}
CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"clearway": "urn:clearway:field:", "ext": "https://example.org/ns/"},
]


def document(*events: Any, **more: Any) -> str:
    """A document of some events."""
    head = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2022-11-30T00:00:00Z",
    }
    return json.dumps({**head, **more, "epcisBody": {"eventList": list(events)}}, ensure_ascii=False)


Take = Callable[..., Report]


def test_an_event_becomes_a_scan(lake: Lake, take: Take) -> None:
    """Time in the lake's zone, units and items without their stems, our own fields typed."""
    assert take(document(EVENT), "scans.jsonld").accepted == 1
    scan = lake.read("scan").row(0, named=True)
    assert scan["item_id"] == "SF1234567890" and scan["facility"] == "330100" and scan["next_facility"] == "310100"
    assert scan["step"] == "departed" and str(scan["time"]) == "2022-11-18 08:30:00"
    assert scan["operator"] == "sf" and scan["mode"] == "road" and scan["event_id"].startswith("ni:///sha-256;")


PERSONAL_XML = """<EPCISDocument xmlns:e="https://example.org/ns/" schemaVersion="2.0" creationDate="2022-11-30T00:00:00Z">
<EPCISBody><EventList><ObjectEvent><eventTime>2022-11-18T08:30:00+08:00</eventTime>
<eventTimeZoneOffset>+08:00</eventTimeZoneOffset><epcList><epc>urn:clearway:item:X1</epc></epcList>
<action>OBSERVE</action><bizStep>{step}</bizStep><readPoint><id>urn:clearway:unit:330100</id></readPoint>
<e:收件人 e:phone="13812345678">张三丰</e:收件人><e:note>call 13912345678</e:note></ObjectEvent></EventList></EPCISBody></EPCISDocument>"""


def test_nothing_about_people_is_written(lake: Lake, take: Take) -> None:
    """Names and numbers of persons in extensions are in no file of the lake, nor in what is told; hashes see them."""
    told = ""
    for text, name in (
        (document(EVENT), "good.json"), (document({**EVENT, "bizStep": "flying"}), "bad.json"),
        (document({**EVENT, "type": "TransformationEvent", "inputEPCList": ["urn:x:1"], "outputEPCList": ["urn:x:2"]}), "w.json"),
        (PERSONAL_XML.replace("{step}", "urn:epcglobal:cbv:bizstep:departing"), "good.xml"),
        (PERSONAL_XML.replace("{step}", "urn:epcglobal:cbv:bizstep:flying"), "bad.xml"),
        (document(EVENT)[:-80], "cut.json"),
    ):  # fmt: skip
        report = take(text, name)
        told += json.dumps(report.to_dict(), ensure_ascii=False)
        assert name.startswith(("bad", "w", "cut")) or any(w.code == "personal_dropped" for w in report.warnings)
    everything = lake_bytes(lake) + told.encode()
    for secret in ("张三丰", "13812345678", "13912345678"):
        assert secret.encode() not in everything, secret
    other = {**EVENT, "ext:收件人姓名": "李四"}
    assert take(document(other), "other.json").accepted == 1  # another event: the hash is of what came


def test_items_of_one_event_are_scans_of_their_own(lake: Lake, take: Take) -> None:
    """An event is counted once; its items each get an id."""
    several = {**EVENT, "epcList": ["urn:clearway:item:A1", "urn:clearway:item:A2", "urn:clearway:item:A3"]}
    report = take(document(several, EVENT), "scans.jsonld")
    assert report.accepted == 2 and len(lake.read("scan")) == 4
    assert lake.read("scan")["event_id"].n_unique() == 4 and lake.verify().clean


def test_other_events_are_kept_whole(lake: Lake, take: Take) -> None:
    """A transformation is no scan; it is hashed and kept."""
    event = {
        "type": "TransformationEvent", "eventTime": "2022-11-18T08:30:00+08:00", "eventTimeZoneOffset": "+08:00",
        "inputEPCList": ["urn:epc:id:sgtin:4012345.011111.987"], "outputEPCList": ["urn:epc:id:sgtin:4012345.033333.1"],
    }  # fmt: skip
    assert take(document(event), "x.json").accepted == 1
    other = lake.read("other").row(0, named=True)
    assert json.loads(other["body"])["type"] == "TransformationEvent" and not len(lake.read("scan"))


@pytest.mark.parametrize("first", ["original", "declaration"])
def test_an_error_declaration_withdraws(lake: Lake, take: Take, first: str) -> None:
    """In either order nothing of the withdrawn event is current, and both versions are kept."""
    declared = {
        **EVENT,
        "errorDeclaration": {"declarationTime": "2022-11-19T08:00:00+08:00", "reason": "incorrect_data"},
    }
    corrected = {**EVENT, "bizStep": "arriving"}
    order = [EVENT, declared] if first == "original" else [declared, EVENT]
    superseded = 0
    for number, event in enumerate(order):
        superseded += take(document(event), f"{number}.json").superseded
    assert superseded == 1 and not len(lake.read("scan")) and len(lake.history("scan")) == 2
    assert take(document(corrected), "c.json").accepted == 1 and lake.read("scan")["step"].to_list() == ["arrived"]
    assert lake.verify().clean


def test_a_declaration_beside_its_event(lake: Lake, take: Take) -> None:
    """Both in one document."""
    declared = {**EVENT, "errorDeclaration": {"declarationTime": "2022-11-19T08:00:00+08:00"}}
    for order in ([EVENT, declared], [declared, EVENT]):
        report = take(document(*order), "d.json")
        assert report.accepted + report.repeated == 2 and not len(lake.read("scan"))


FAULTS = [
    ({"bizStep": "flying"}, "did you mean"),
    ({"action": None}, "ADD, OBSERVE or DELETE"),
    ({"eventTime": "18/11/2022"}, "with its offset"),
    ({"eventTimeZoneOffset": "8"}, "offset such as"),
    ({"epcList": ["no uri"]}, "URIs"),
    ({"epcList": ["urn:a:1", "urn:a:1"]}, "twice"),
    ({"weight": 3}, "no namespace"),
    ({"readPoint": {"identity": "urn:x:1"}}, "missing"),
    ({"quantityList": [{"epcClass": "urn:x:1", "quantity": "5"}]}, "a number"),
    ({"type": "ObjektEvent"}, "ObjectEvent"),
    ({"disposition": "https://ref.gs1.org/cbv/Disp-lost"}, "did you mean"),
    ({"sensorElementList": [{"sensorReport": []}]}, "without report"),
]


@pytest.mark.parametrize(("change", "told"), FAULTS)
def test_every_fault_is_told_and_the_rest_kept(lake: Lake, take: Take, change: dict[str, Any], told: str) -> None:
    """The wrong event is listed by number and field and written back; the right one beside it is kept."""
    report = take(document(EVENT, {**EVENT, **change}), "mixed.json")
    assert report.accepted == 1 and report.refused == 1
    assert any(told in f.text() for f in report.faults) and {f.row for f in report.faults} == {2}
    assert all(f.problem("zh") for f in report.faults)
    written = json.loads(report.rejected[0].read_text(encoding="utf-8"))
    assert (
        len(written["epcisBody"]["eventList"]) == 1
        and "clearway:rejected_because" in written["epcisBody"]["eventList"][0]
    )


def test_what_was_refused_can_be_mended_and_sent_again(lake: Lake, take: Take) -> None:
    """The written document is one that can be taken in once its fault is mended."""
    report = take(document({**EVENT, "bizStep": "departin"}), "m.json")
    text = report.rejected[0].read_text(encoding="utf-8").replace('"departin"', '"departing"')
    assert take(text, "again.jsonld").accepted == 1
    assert lake.read("scan")["step"].to_list() == ["departed"]
    # but for what is about people it is the event its sender would send mended: the reason is no part of it
    bare = {k: v for k, v in EVENT.items() if k not in ("ext:收件人姓名", "ext:phone")}
    assert take(document({**bare, "ext:note": "please call ▇"}), "sent.json").repeated == 1


def test_refused_xml_comes_back_as_xml(lake: Lake, take: Take) -> None:
    """Only the wrong event of a document is written, as XML that can be taken in once mended."""
    good = PERSONAL_XML.replace("{step}", "urn:epcglobal:cbv:bizstep:departing")
    event = good[good.index("<ObjectEvent>") : good.index("</EventList>")]
    wrong = event.replace("bizstep:departing", "bizstep:departin").replace("X1", "X2")
    report = take(good.replace(event, event + wrong), "mixed.xml")
    assert report.accepted == 1 and report.refused == 1 and report.rejected[0].suffix == ".xml"
    text = report.rejected[0].read_text(encoding="utf-8")
    assert text.count("<ObjectEvent") == 1 and "did you mean" in text and "张三丰" not in text
    again = take(text.replace("bizstep:departin<", "bizstep:departing<"), "mended.xml")
    assert again.accepted == 1 and not again.faults
    assert set(lake.read("scan")["item_id"]) == {"X1", "X2"} and lake.verify().clean


BROKEN = [
    ('{"type": "EPCISDocument"', "cut short"),
    ('{"type": "EPCISDocument", "@context": [], "epcisBody": {}}', "no list of events"),
    ('{"type": "Other", "@context": []}', "not an EPCISDocument"),
    ("[1, 2]", "no JSON object"),
    ('{"queryType": "events", "query": {"eventTypes": ["all"]}}', "query"),
    ('{"type": "EPCISDocument", "epcisBody": {"eventList": []}}', "@context"),
    ("<a><b></a>", "no XML"),
    ("<EPCISDocument/>", "missing"),
    ("<html></html>", "not an EPCISDocument"),
]


@pytest.mark.parametrize(("text", "told"), BROKEN)
def test_documents_that_are_none(take: Take, text: str, told: str) -> None:
    """Each is refused with the reason."""
    report = take(text, "x.xml" if text.startswith("<") else "x.json")
    assert report.refused == 1 and report.accepted == 0 and any(told in f.text() for f in report.faults), report.faults


def test_what_came_before_a_break_is_kept(lake: Lake, take: Take) -> None:
    """A document cut short keeps the events before the cut."""
    events = [{**EVENT, "epcList": [f"urn:clearway:item:X{i}"]} for i in range(50)]
    text = document(*events)
    report = take(text[: text.index("X40")], "cut.json")
    assert report.accepted == 40 and "cut short" in report.faults[0].text()
    assert take(text, "whole.json").repeated == 40 and len(lake.read("scan")) == 50


def test_xml_entities_open_nothing(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document with entities is refused; no file is read, no address asked, nothing grows."""
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "x" * 100}">' for i in range(12))
    for subset in (
        f'[<!ENTITY x SYSTEM "{secret.as_uri()}">]', '[<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]',
        '[<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;]', f"[{bomb}]", 'SYSTEM "http://127.0.0.1:9/d.dtd"',
    ):  # fmt: skip
        body = f'<!DOCTYPE x {subset}><EPCISDocument schemaVersion="2.0" creationDate="2022-01-01T00:00:00Z">&x;</EPCISDocument>'
        report = take(body, "x.xml")
        assert report.refused == 1 and report.accepted == 0, subset
        assert "SECRET" not in "".join(f.text() for f in report.faults)


def test_deep_nesting_is_refused(take: Take) -> None:
    """Depth is bounded in both readers."""
    deep: Any = "x"
    for _ in range(400):
        deep = {"ext:a": deep}
    assert take(document(EVENT, {**EVENT, "ext:deep": deep}), "deep.json").refused == 1
    very = '{"a":' * 100_000 + "1" + "}" * 100_000
    assert take(document(EVENT)[:-3] + ',"x":' + very, "very.json").faults
    xml = "<EPCISDocument>" + "<a>" * 5_000 + "</a>" * 5_000 + "</EPCISDocument>"
    assert take(xml, "deep.xml").refused == 1


def test_context_after_the_events(lake: Lake, take: Take) -> None:
    """The order of a document's parts does not matter."""
    whole = json.loads(document(EVENT))
    turned = {k: whole[k] for k in ("epcisBody", "creationDate", "schemaVersion", "type", "@context")}
    assert take(json.dumps(turned), "t.json").accepted == 1
    assert lake.read("scan")["operator"].to_list() == ["sf"]
    assert take(document(EVENT), "u.json").repeated == 1


def test_check_event_takes_any_value() -> None:
    """Nothing of another type breaks the check."""
    for value in (
        None,
        1,
        "x",
        [],
        {},
        {"type": 3},
        {"type": "ObjectEvent", "readPoint": "x", "sensorElementList": [1]},
    ):
        assert check_event(value)
