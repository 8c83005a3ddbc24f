"""Refused events, written in the shape they came in, each with its reason, ready to be mended and sent again.

In:     numbers, texts and reasons of events; the document they came in
Out:    a document of their own: JSON-LD for JSON, XML for XML, without what is about people
Not:    why an event is refused (checking.py, records.values)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from lxml import etree

from clearway.records.epcis.terms import FIELD_URI, REASON_KEY
from clearway.records.epcis.xml_documents import XmlDocument
from clearway.records.lake import storage
from clearway.records.privacy import is_personal, masked

Refused = Sequence[tuple[int, str, str]]  # number, text, reason


def write_json(head: Mapping[str, Any], refused: Refused, target: Path) -> Path:
    """A document of the refused events; ``head`` is what stood around them."""
    given = head.get("@context") or []
    context = [*(given if isinstance(given, list) else [given]), {"clearway": FIELD_URI}]
    around = {"type": "EPCISDocument", **{k: v for k, v in head.items() if k != "type"}, "@context": context}
    part = target.with_suffix(target.suffix + ".part")
    with part.open("wb") as handle:
        handle.write(orjson.dumps(around)[:-1] + b',"epcisBody":{"eventList":[')
        for at, (_, text, why) in enumerate(refused):
            event = orjson.loads(text)
            event = event if isinstance(event, dict) else {"event": event}
            handle.write((b",\n" if at else b"\n") + orjson.dumps({**event, "clearway:rejected_because": why}))
        handle.write(b"\n]}}\n")
    return _placed(part, target)


def write_xml(source: Path, refused: Refused, target: Path) -> Path:
    """The same for XML: the source is gone through again for the elements of the refused events."""
    reasons = {number: why for number, _, why in refused}
    part = target.with_suffix(target.suffix + ".part")
    document = XmlDocument(source)
    with part.open("wb") as handle:
        for number, element in enumerate(document.elements(), 1):
            if number == 1:
                handle.write(_opening(document.head.attributes))
            if number in reasons:
                _without_personal(element)
                etree.SubElement(element, REASON_KEY, nsmap={"clearway": FIELD_URI}).text = reasons.pop(number)
                element.tail = None
                handle.write(etree.tostring(element, encoding="utf-8") + b"\n")
            if not reasons:
                break
        handle.write(b"</EventList></EPCISBody></epcis:EPCISDocument>\n")
    return _placed(part, target)


def _opening(attributes: Mapping[str, str]) -> bytes:
    told = {"schemaVersion": "2.0", **{k: attributes[k] for k in ("schemaVersion", "creationDate") if k in attributes}}
    root = etree.Element("{urn:epcglobal:epcis:xsd:2}EPCISDocument", told, nsmap={"epcis": "urn:epcglobal:epcis:xsd:2"})
    text: bytes = etree.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.removesuffix(b"/>") + b"><EPCISBody><EventList>\n"


def _without_personal(element: Any) -> None:
    """An element without descendants and attributes that are about people; numbers in words are masked."""
    for child in list(element):
        if not isinstance(child.tag, str) or is_personal(child.tag):
            element.remove(child)
            continue
        if child.tag.startswith("{") and child.text:
            child.text = masked(child.text)
        for name, value in list(child.attrib.items()):
            if is_personal(name):
                del child.attrib[name]
            elif name.startswith("{"):
                child.attrib[name] = masked(value)
        _without_personal(child)


def _placed(part: Path, target: Path) -> Path:
    storage.fsync(part)
    storage.move(part, target)
    storage.fsync(target.parent)
    return target
