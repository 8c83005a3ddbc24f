"""The event hash: one fingerprint for one event, in JSON or XML, from whatever system.

In:     plain events
Out:    the string that is hashed, ``ni:///sha-256;…?ver=CBV2.0``
Not:    whether an event is right (checking.py)
Words:  pre-hash = the regular form: fields in the standard's order, values normalised, no spaces between
Source: GS1 CBV 2.0, section 8.9.2
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from clearway.records.epcis.identifiers import canonical
from clearway.records.epcis.terms import PREFIXES, REASON_KEY, vocabularies

DEPTH = 64
_NUMERAL = frozenset("0123456789+-.")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\Z")
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})\Z")
_TIMES = frozenset({"eventTime", "time", "startTime", "endTime"})
_LISTS = {
    "bizStep": "bizStep", "disposition": "disposition", "component": "component", "exception": "alert",
}  # fmt: skip
# the standard's order; what an object may hold
_EVENT = (
    "eventTime", "eventTimeZoneOffset", "certificationInfo", "epcList", "parentID", "inputEPCList", "childEPCs",
    "quantityList", "childQuantityList", "inputQuantityList", "outputEPCList", "outputQuantityList", "action",
    "transformationID", "bizStep", "disposition", "persistentDisposition", "readPoint", "bizLocation",
    "bizTransactionList", "sourceList", "destinationList", "sensorElementList", "ilmd",
)  # fmt: skip
_METADATA = (
    "time", "startTime", "endTime", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"
)  # fmt: skip
_REPORT = (
    "type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "time",
    "microorganism", "chemicalSubstance", "value", "component", "stringValue", "booleanValue", "hexBinaryValue",
    "uriValue", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue", "uom",
    "coordinateReferenceSystem",
)  # fmt: skip
# in this one the published vectors have the transactions after the sensors
_TRANSACTION = (*(n for n in _EVENT if n not in ("bizTransactionList", "ilmd")), "bizTransactionList", "ilmd")
_LEFT_OUT = frozenset({"type", "recordTime", "eventID", "errorDeclaration", "@context", "id"})
_KNOWN = frozenset(_EVENT) | _LEFT_OUT
_COMMENT = "{http://www.w3.org/2000/01/rdf-schema#}comment"
_NOT_HASHED = frozenset((_COMMENT, REASON_KEY))


def event_hash(event: Mapping[str, Any], ignored: frozenset[str] = frozenset()) -> str:
    """The hash of a plain event; ``ignored`` are extension fields that its document says not to hash."""
    text = pre_hash(event, ignored)
    return f"ni:///sha-256;{hashlib.sha256(text.encode()).hexdigest()}?ver=CBV2.0"


def pre_hash(event: Mapping[str, Any], ignored: frozenset[str] = frozenset()) -> str:
    """The regular form of a plain event."""
    kind = event.get("type", "")
    parts = [f"eventType={kind}"]
    for name in _TRANSACTION if kind == "TransactionEvent" else _EVENT:
        if name in event:
            parts.append(_field(name, event[name]))
    parts += _report_rules(event["sensorElementList"]) if "sensorElementList" in event else ()
    return "".join(parts) + _extensions(event, _KNOWN, ignored | _NOT_HASHED)


def _field(name: str, value: Any) -> str:
    shape = _SHAPES.get(name)
    if shape is not None:
        return shape(name, value)
    return f"{name}={_leaf(name, value)}"


def _leaf(name: str, value: Any) -> str:
    if name in _TIMES:
        return _moment(str(value))
    if name in _LISTS:
        return vocabularies()[_LISTS[name]].canonical(str(value))
    return _plain(value)


def _plain(value: Any) -> str:
    if type(value) is str:
        text = value.strip()
        first = text[:1]
        if first in _NUMERAL and _NUMBER.match(text):
            return number(text)
        return canonical(text) if first in "uh" and text.startswith(("urn:epc:", "http")) else text
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(repr(value)) if isinstance(value, float) else str(value)


@lru_cache(maxsize=1 << 14)
def number(text: str) -> str:
    """A decimal number without leading or trailing zeros."""
    # the published vectors take numbers as doubles; records are told apart by their contents, not by this alone
    value = float(text)
    plain = format(Decimal(int(value)) if value.is_integer() else Decimal(repr(value)), "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain


@lru_cache(maxsize=1 << 14)
def _moment(text: str) -> str:
    """UTC with milliseconds; finer digits are cut."""
    found = _TIME.match(text.strip())
    if found is None:
        return text.strip()
    zone = "+00:00" if found[3] == "Z" else found[3]
    try:
        moment = datetime.fromisoformat(found[1] + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return text.strip()
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{(found[2] or '')[:3].ljust(3, '0')}Z"


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names(name: str, value: Any) -> str:
    inner = sorted(f"epc={_plain(v)}" for v in _several(value))
    return name + "".join(inner) if inner else ""


def _certificates(name: str, value: Any) -> str:
    return "".join(sorted(f"{name}={_plain(v)}" for v in _several(value)))


def _quantities(name: str, value: Any) -> str:
    inner = sorted("quantityElement" + _object(q, ("epcClass", "quantity", "uom")) for q in _several(value))
    return name + "".join(inner) if inner else ""


def _typed(vocabulary: str, inner: str) -> Callable[[str, Any], str]:
    def shape(name: str, value: Any) -> str:
        parts = []
        for entry in _several(value):
            if not isinstance(entry, dict):
                parts.append(f"{inner}={_plain(entry)}")
                continue
            kind = entry.get("type")
            told = "" if kind is None else f"type={vocabularies()[vocabulary].canonical(str(kind))}"
            parts.append(f"{told}{inner}={_plain(entry.get(inner, ''))}")
        return name + "".join(sorted(parts)) if parts else ""

    return shape


def _object(value: Any, order: tuple[str, ...]) -> str:
    if not isinstance(value, dict):
        return f"={_plain(value)}"
    known = "".join(_field(n, value[n]) for n in order if n in value)
    return known + _extensions(value, frozenset(order))


def _place(name: str, value: Any) -> str:
    return name + _object(value, ("id",))


def _disposition(name: str, value: Any) -> str:
    parts = []
    for part in ("set", "unset"):
        words = [vocabularies()["disposition"].canonical(str(v)) for v in _several(value.get(part, []))]
        parts += sorted(f"{part}={w}" for w in words)
    return name + "".join(parts)


def _sensors(name: str, value: Any) -> str:
    return name + "".join(sorted(_sensor(v) for v in _several(value)))


def _sensor(element: Any) -> str:
    if not isinstance(element, dict):
        return f"sensorElement={_plain(element)}"
    text = "sensorElement"
    if "sensorMetadata" in element:
        text += "sensorMetadata" + _object(element["sensorMetadata"], _METADATA)
    text += "".join(sorted(_report(r) for r in _several(element.get("sensorReport", []))))
    return text + _extensions(element, frozenset({"sensorMetadata", "sensorReport"}))


def _report_rules(elements: Any) -> list[str]:
    """Business rules of single reports: the standard's list has no place for them, so they stand with what is left."""
    rules = [
        report["bizRules"]
        for element in _several(elements) if isinstance(element, dict)
        for report in _several(element.get("sensorReport", [])) if isinstance(report, dict) and "bizRules" in report
    ]  # fmt: skip
    return sorted(f"sensorElementListsensorElementsensorReportbizRules={_plain(r)}" for r in rules)


def _report(report: Any) -> str:
    if not isinstance(report, dict):
        return f"sensorReport={_plain(report)}"
    kind = report.get("type")
    told = {k: v for k, v in report.items() if k != "bizRules"}
    if kind is not None:
        word = vocabularies()["measurement"].canonical(str(kind))
        told["type"] = PREFIXES["gs1"] + word[4:] if word.startswith("gs1:") else word
    return "sensorReport" + _object(told, _REPORT)


def _ilmd(name: str, value: Any) -> str:
    return name + _extensions(value, frozenset()) if isinstance(value, dict) and value else ""


_SHAPES: dict[str, Callable[[str, Any], str]] = {
    **dict.fromkeys(("epcList", "childEPCs", "inputEPCList", "outputEPCList"), _names),
    **dict.fromkeys(("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"), _quantities),
    **dict.fromkeys(("readPoint", "bizLocation"), _place),
    "certificationInfo": _certificates,
    "bizTransactionList": _typed("bizTransaction", "bizTransaction"),
    "sourceList": _typed("sourceDest", "source"),
    "destinationList": _typed("sourceDest", "destination"),
    "persistentDisposition": _disposition,
    "sensorElementList": _sensors,
    "ilmd": _ilmd,
}


def _extensions(value: Mapping[str, Any], known: frozenset[str], ignored: frozenset[str] = frozenset()) -> str:
    rest = [k for k in value if k not in known and k not in ignored]
    return "".join(sorted(_extension(k, value[k], 0) for k in rest)) if rest else ""


def _extension(name: str, value: Any, depth: int) -> str:
    """One extension field; several of one name stand side by side, as they do in XML."""
    if name in ("@context", _COMMENT) or depth > DEPTH:
        return ""
    if isinstance(value, dict):
        return name + "".join(sorted(_extension(k, v, depth + 1) for k, v in value.items()))
    if isinstance(value, list):
        return "".join(sorted(_extension(name, v, depth + 1) for v in value))
    return name if value is None or value == "" else f"{name}={_plain(value)}"
