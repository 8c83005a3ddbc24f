"""EPCIS XML of any size: its events as plain events, one at a time.

In:     a path
Out:    the kind of document; plain events
Not:    what is in an event (checking.py)

No entity is resolved, no document type loaded, no file or address opened: what declares entities is refused
before anything else is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from clearway.records.epcis.json_documents import DocumentError
from clearway.records.epcis.terms import EVENT_TYPES, shapes

_EPCIS = ("urn:epcglobal:epcis:xsd:2", "urn:epcglobal:epcis:xsd:1", "urn:epcglobal:epcis-query:xsd:2")
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_LISTS = {
    "epcList": "epc", "childEPCs": "epc", "inputEPCList": "epc", "outputEPCList": "epc",
    "quantityList": "quantityElement", "childQuantityList": "quantityElement",
    "inputQuantityList": "quantityElement", "outputQuantityList": "quantityElement",
    "bizTransactionList": "bizTransaction", "sourceList": "source", "destinationList": "destination",
    "sensorElementList": "sensorElement", "correctiveEventIDs": "correctiveEventID",
}  # fmt: skip
_TYPED = ("bizTransaction", "source", "destination")
_WRAPPERS = ("extension", "baseExtension")
_DEPTH = 64


@dataclass
class XmlHead:
    """What a document is."""

    root: str
    ignored: frozenset[str]
    attributes: dict[str, str]


class XmlDocument:
    """One document: ``events`` may be walked once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.head = XmlHead("", frozenset(), {})

    def events(self) -> Iterator[dict[str, Any]]:
        """Each event as a plain event; raises as :meth:`elements`."""
        for element in self.elements():
            yield _event(element)

    def elements(self) -> Iterator[Any]:
        """Each event's element, which is emptied when the next is asked for.

        Raises
        ------
        DocumentError
            Where the document cannot be read on, or declares entities; what came before is right.
        """
        try:
            with self._path.open("rb") as handle:
                yield from self._walk(handle)
        except etree.XMLSyntaxError as error:
            text = error.msg.split(",")[0] if error.msg else "syntax"
            raise DocumentError(f"is no XML: {text}", "不是合法的 XML") from None
        except etree.LxmlError as error:
            raise DocumentError(f"cannot be read: {type(error).__name__}", "无法读取") from None

    def _walk(self, handle: BinaryIO) -> Iterator[Any]:
        context = etree.iterparse(
            handle, events=("start", "end"), resolve_entities=False, load_dtd=False, no_network=True,
            huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        depth, inside = 0, 0
        for what, element in context:
            if what == "start":
                depth += 1
                if depth == 1:
                    self._open(element)
                if depth > _DEPTH + 8:
                    raise DocumentError("is nested too deeply", "嵌套过深")
                if not inside and _name(element) in EVENT_TYPES:
                    inside = depth
                continue
            depth -= 1
            if inside and depth == inside - 1:
                inside = 0
                yield element
                _forget(element)
            elif not inside and element.tag.rsplit("}", 1)[-1] == "ignoreFields":
                self.head.ignored |= {_name(child) for child in element}

    def _open(self, element: Any) -> None:
        tree = element.getroottree()
        document = tree.docinfo
        subset = document.internalDTD
        if subset is not None and (document.system_url or document.public_id or list(subset.iterentities())):
            raise DocumentError(
                "declares a document type with entities or a file of its own; nothing outside it is opened. "
                "Take the DOCTYPE out.",
                "声明了带实体或外部文件的文档类型；不会打开任何外部内容。请去掉 DOCTYPE。",
            )
        self.head = XmlHead(_name(element), frozenset(), {k.rsplit("}", 1)[-1]: v for k, v in element.attrib.items()})


def _forget(element: Any) -> None:
    element.clear()
    while element.getprevious() is not None:
        parent = element.getparent()
        if parent is None:
            return
        del parent[0]


def _name(element: Any) -> str:
    """The local name of an EPCIS element; others keep their namespace."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    namespace, _, local = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    return local if not namespace or namespace in _EPCIS else tag


def _text(element: Any) -> str:
    return (element.text or "").strip()


def _event(element: Any) -> dict[str, Any]:
    kind = _name(element)
    event: dict[str, Any] = {"type": kind}
    _members(element, event, shapes()[kind].kinds)
    return event


def _members(element: Any, into: dict[str, Any], kinds: dict[str, str]) -> None:
    for child in element:
        name = _name(child)
        if name in _WRAPPERS:
            _members(child, into, kinds)
        elif name in _LISTS and name in kinds:
            into.setdefault(name, []).extend(_entry(e) for e in child if _name(e) == _LISTS[name])
            for stray in child:
                if _name(stray) != _LISTS[name]:
                    into.setdefault(_name(stray), _text(stray))
        elif name in ("readPoint", "bizLocation") and name in kinds:
            place: dict[str, Any] = {}
            _members(child, place, {"id": "uri"})
            into[name] = place
        elif name == "persistentDisposition":
            parts: dict[str, list[str]] = {}
            for part in child:
                parts.setdefault(_name(part), []).append(_text(part))
            into[name] = parts
        elif name == "errorDeclaration":
            told: dict[str, Any] = {}
            _members(child, told, shapes()["errorDeclaration"].kinds)
            into[name] = told
        elif name == "ilmd":
            into[name] = _extension(child, 0) or {}
        elif name == "certificationInfo":
            into.setdefault(name, []).append(_text(child))
        elif name in kinds:
            into[name] = _text(child)
        else:
            _add(into, name, _extension(child, 0))


def _add(into: dict[str, Any], name: str, value: Any) -> None:
    """Several elements of one name are a list."""
    if name in into:
        there = into[name]
        into[name] = [*there, value] if isinstance(there, list) else [there, value]
    else:
        into[name] = value


def _extension(element: Any, depth: int) -> Any:
    if depth > _DEPTH:
        raise DocumentError("is nested too deeply", "嵌套过深")
    value: dict[str, Any] = {k: v.strip() for k, v in element.attrib.items() if not k.startswith(_XSI)}
    if not len(element) and not value:
        return _text(element)
    for child in element:
        _add(value, _name(child), _extension(child, depth + 1))
    return value


def _entry(element: Any) -> Any:
    name = _name(element)
    if name == "quantityElement":
        value: dict[str, Any] = {_name(c): _text(c) for c in element if _text(c)}
        return {**value, "quantity": _number(value["quantity"])} if "quantity" in value else value
    if name in _TYPED:
        kind = element.get("type")
        return {name: _text(element), **({} if kind is None else {"type": kind})}
    if name == "sensorElement":
        return _sensor(element)
    return _text(element)


def _sensor(element: Any) -> dict[str, Any]:
    value: dict[str, Any] = {"sensorReport": []}
    for child in element:
        name = _name(child)
        if name == "sensorMetadata":
            value[name] = _attributes(child, "sensorMetadata")
        elif name == "sensorReport":
            value[name].append(_attributes(child, "sensorReport"))
        elif name in _WRAPPERS:
            for inner in child:
                _add(value, _name(inner), _extension(inner, 0))
        else:
            _add(value, name, _extension(child, 0))
    return value


def _attributes(element: Any, kind: str) -> dict[str, Any]:
    kinds = shapes()[kind].kinds
    value: dict[str, Any] = {}
    for name, text in element.attrib.items():
        if name.startswith(_XSI):
            continue
        told = kinds.get(name)
        if told == "number":
            value[name] = _number(text)
        elif told == "bool":
            value[name] = {"true": True, "1": True, "false": False, "0": False}.get(text.strip(), text)
        else:
            value[name] = text.strip()
    for child in element:
        _add(value, _name(child), _extension(child, 0))
    return value


def _number(text: str) -> Any:
    """A number, or the text where it is none; digits are kept for the hash by taking the text's own value."""
    try:
        whole = int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
    return whole
