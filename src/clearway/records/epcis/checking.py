"""Whether an event is what EPCIS 2.0 and CBV 2.0 allow.

In:     plain events
Out:    every fault of an event: where in it, what is wrong, in both languages
Not:    what it means for us (scans.py)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from clearway.core.schema import nearest
from clearway.records.epcis.terms import EVENT_TYPES, Shape, shapes, vocabularies

Problem = tuple[str, str, str]  # where, en, zh
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})\Z")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2})\Z")
_OFFSET = re.compile(r"[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)\Z")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`]+\Z")
_UOM = re.compile(r"[A-Z0-9]{2,3}\Z")
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
_GS1 = ("https://ref.gs1.org/", "http://ref.gs1.org/", "https://gs1.org/voc/", "urn:epcglobal:")
_SHAPES = shapes()
_LISTS = frozenset(vocabularies())
_ANYTHING = Shape({}, (), True)
_ACTIONS = ("ADD", "OBSERVE", "DELETE")


def check_event(event: Any, *, xml: bool = False, query: bool = False) -> list[Problem]:
    """Every fault of a plain event; empty where it is right.

    XML has no closed list of measurements, and results of queries may be older than the list: there a
    measurement may have any name, or none.
    """
    if not isinstance(event, dict):
        return [("", "is not an object", "不是对象")]
    kind = event.get("type")
    if kind not in EVENT_TYPES:
        if isinstance(kind, str) and ":" in kind:
            return []  # an event type of another vocabulary: kept whole
        seen = "nothing" if kind is None else repr(kind)
        return [("type", f"{seen} is no event type; did you mean {nearest(kind, EVENT_TYPES)}?",
                 f"{seen} 不是事件类型；是否应为 {nearest(kind, EVENT_TYPES)}？")]  # fmt: skip
    problems: list[Problem] = []
    _object(event, _SHAPES[kind], "", problems, xml)
    if xml or query:
        problems = [p for p in problems if not (".sensorReport[" in p[0] and p[0].endswith("].type"))]
    if not problems:
        _whole(event, kind, problems)
    return problems


def _object(value: Mapping[str, Any], shape: Shape, where: str, problems: list[Problem], xml: bool) -> None:
    kinds = shape.kinds
    for name, inner in value.items():
        kind = kinds.get(name)
        if kind is None:
            _extension(name, shape, where, problems)
        elif type(inner) is str and (simple := _SIMPLE.get(kind)) is not None:
            if not simple(inner):
                _tell(problems, where + name, inner, kind)
        else:
            _value(inner, kind, where + name, problems, xml)
    for name in shape.required:
        if name not in value:
            problems.append((where + name, "is missing", "缺少"))


def _extension(name: str, shape: Shape, where: str, problems: list[Problem]) -> None:
    """A field that the standard does not have: allowed where it belongs to a vocabulary of its own."""
    if not shape.open or (":" not in name and name[:1] != "{"):
        near = nearest(name, shape.kinds)
        problems.append((where + name, f"is no field here and has no namespace; did you mean {near}?",
                         f"不是此处的字段，也没有命名空间；是否应为 {near}？"))  # fmt: skip


def _value(value: Any, kind: str, where: str, problems: list[Problem], xml: bool) -> None:
    if kind.startswith("list "):
        inner = kind[5:]
        if not isinstance(value, list):
            problems.append((where, "is not a list", "不是列表"))
            return
        for at, entry in enumerate(value):
            _value(entry, inner, f"{where}[{at}]", problems, xml)
    elif kind in _LISTS:
        _word(value, kind, where, problems, xml)
    elif (shape := _SHAPES.get(kind)) is not None:
        if isinstance(value, dict):
            _object(value, shape, f"{where}.", problems, xml)
        else:
            problems.append((where, "is not an object", "不是对象"))
    elif kind in ("uris", "epcs"):
        entries = value if isinstance(value, list) else [value] if where.endswith("certificationInfo") else None
        if entries is None or any(not isinstance(v, str) or not is_uri(v) for v in entries):
            _tell(problems, where, value, kind)
        elif kind == "epcs" and len(entries) > 1 and len(set(entries)) < len(entries):
            problems.append((where, "holds an identifier twice", "有重复的标识"))
    elif kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            _tell(problems, where, value, kind)
    elif kind == "bool":
        if not isinstance(value, bool):
            _tell(problems, where, value, kind)
    elif kind == "ilmd":
        if isinstance(value, dict):
            _object(value, _ANYTHING, f"{where}.", problems, xml)
        else:
            problems.append((where, "is not an object", "不是对象"))
    elif kind != "any":
        _tell(problems, where, value, kind)


def _word(value: Any, kind: str, where: str, problems: list[Problem], xml: bool) -> None:
    if isinstance(value, str) and _known(value, kind) and (xml or not value.startswith("urn:epcglobal:cbv")):
        return
    words = sorted(vocabularies()[kind].words)
    bare = re.split(r"[:/-]", str(value))[-1]
    problems.append((where, f"{value!r} is no {kind} of CBV 2.0; did you mean {nearest(bare, words)}?",
                     f"{value!r} 不是 CBV 2.0 的 {kind}；是否应为 {nearest(bare, words)}？"))  # fmt: skip


@lru_cache(maxsize=1 << 12)
def _known(value: str, kind: str) -> bool:
    """Whether a word is of the list, or of a vocabulary that is not GS1's."""
    try:
        if vocabularies()[kind].word(value) is not None:
            return True
    except ValueError:
        return False
    return is_uri(value) and not value.startswith(_GS1)


@lru_cache(maxsize=1 << 14)
def is_time(text: str) -> bool:
    """A date and time with its offset."""
    if not _TIME.match(text):
        return False
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1 << 16)
def is_uri(text: str) -> bool:
    """Whether a text has the shape of a URI."""
    return _URI.match(text) is not None


_SIMPLE: dict[str, Callable[[str], bool]] = {
    "time": is_time,
    "uri": is_uri,
    "moment": lambda t: _MOMENT.match(t) is not None,
    "text": lambda t: True,
    "offset": lambda t: _OFFSET.match(t) is not None,
    "uom": lambda t: _UOM.match(t) is not None,
    "hex": lambda t: _HEX.match(t) is not None,
    "action": lambda t: t in _ACTIONS,
}
_RIGHT = {
    "moment": ("a date and time with its offset", "带时差的日期时间"),
    "time": (
        "a date and time with its offset, such as 2022-11-18T08:30:00+08:00",
        "带时差的日期时间，如 2022-11-18T08:30:00+08:00",
    ),
    "uri": ("a URI", "URI"),
    "uris": ("a list of URIs", "URI 列表"),
    "epcs": ("a list of URIs", "URI 列表"),
    "offset": ("an offset such as +08:00", "时差，如 +08:00"),
    "uom": ("two or three capitals or digits, such as KGM", "两三位大写字母或数字，如 KGM"),
    "hex": ("hexadecimal", "十六进制"),
    "action": ("ADD, OBSERVE or DELETE", "ADD、OBSERVE 或 DELETE"),
    "number": ("a number", "数字"),
    "bool": ("true or false", "true 或 false"),
    "text": ("a text", "文本"),
}  # fmt: skip


def _tell(problems: list[Problem], where: str, value: Any, kind: str) -> None:
    en, zh = _RIGHT[kind]
    seen = str(value)[:60] if isinstance(value, str | int | float) else type(value).__name__
    problems.append((where, f"{seen!r} must be {en}", f"{seen!r} 应为{zh}"))


def _whole(event: Mapping[str, Any], kind: str, problems: list[Problem]) -> None:
    """What must hold between fields."""
    has = {name for name, value in event.items() if value not in ([], None)}
    action = event.get("action")
    if kind == "ObjectEvent":
        sensed = "sensorElementList" in has and "readPoint" in has
        if "epcList" not in event and "quantityList" not in has and not sensed:
            problems.append(
                ("", "names no item: give epcList or quantityList", "没有物品：请给出 epcList 或 quantityList")
            )
    elif kind in ("AggregationEvent", "AssociationEvent"):
        if not {"childEPCs", "childQuantityList"} & has and action != "DELETE":
            problems.append(
                (
                    "",
                    "names no children: give childEPCs or childQuantityList",
                    "没有子项：请给出 childEPCs 或 childQuantityList",
                )
            )
        if kind == "AggregationEvent" and action in ("ADD", "DELETE") and "parentID" not in has:
            problems.append(("parentID", "is missing, needed with ADD and DELETE", "缺少，ADD 与 DELETE 时必填"))
    elif kind == "TransactionEvent":
        if "bizTransactionList" not in has:
            problems.append(("bizTransactionList", "is empty", "为空"))
        if not {"epcList", "quantityList"} & event.keys() and action != "DELETE":
            problems.append(
                ("", "names no item: give epcList or quantityList", "没有物品：请给出 epcList 或 quantityList")
            )
    elif kind == "TransformationEvent":
        inputs = {"inputEPCList", "inputQuantityList"} & has
        outputs = {"outputEPCList", "outputQuantityList"} & has
        if not (inputs and outputs) and not ("transformationID" in has and inputs | outputs):
            problems.append(
                ("", "needs inputs and outputs, or a transformationID", "需有投入与产出，或 transformationID")
            )
    for element in event.get("sensorElementList", ()):
        if not element.get("sensorReport"):
            problems.append(("sensorElementList", "has an element without report", "有无读数的元素"))
    lasting = event.get("persistentDisposition")
    if lasting is not None and not any(lasting.get(part) for part in ("set", "unset")):
        problems.append(("persistentDisposition", "sets and unsets nothing", "既无 set 也无 unset"))
