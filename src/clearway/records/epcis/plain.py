"""Events in one shape, whatever they came as: namespaces spelled out, wrappers gone.

In:     JSON objects with their context
Out:    plain events; namespaces by prefix; fields not to be hashed
Not:    XML (xml_documents.py makes plain events itself)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clearway.records.epcis.hashing import DEPTH
from clearway.records.epcis.terms import PREFIXES

_KEPT = ("http:", "https:", "urn:", "ni:")


def namespaces(context: Any) -> dict[str, str]:
    """Prefixes that a JSON-LD context declares, and those that are always known."""
    found = dict(PREFIXES)
    for entry in context if isinstance(context, list) else [context]:
        if isinstance(entry, Mapping):
            found.update({str(k): v for k, v in entry.items() if isinstance(v, str) and not str(k).startswith("@")})
    return found


def expanded_name(name: str, prefixes: Mapping[str, str]) -> str:
    """``ext:field`` or a whole URI as ``{namespace}field``; a name without namespace as it is."""
    prefix, colon, local = name.partition(":")
    if not colon or name.startswith(("@", "{")):
        return name
    if prefix in prefixes:
        return f"{{{prefixes[prefix]}}}{local}"
    if name.startswith(_KEPT):
        for mark in ("#", "/", ":"):
            head, found, tail = name.rpartition(mark)
            if found and tail:
                return f"{{{head}{mark}}}{tail}"
    return name


def plain_event(event: Mapping[str, Any], prefixes: Mapping[str, str]) -> dict[str, Any]:
    """An event with the names of extensions spelled out; its own context is taken into account."""
    if "@context" in event:
        prefixes = {**prefixes, **namespaces(event["@context"])}
    return {
        expanded_name(k, prefixes) if ":" in k else k: _value(v, prefixes, 1) if type(v) in (dict, list) else v
        for k, v in event.items()
    }


def _value(value: Any, prefixes: Mapping[str, str], depth: int) -> Any:
    if depth > DEPTH:
        raise RecursionError("nested too deeply")
    if type(value) is dict:
        if "@value" in value:
            return value["@value"]
        return {
            expanded_name(k, prefixes) if ":" in k else k: _value(v, prefixes, depth + 1)
            if type(v) in (dict, list)
            else v
            for k, v in value.items()
        }
    return [_value(v, prefixes, depth + 1) if type(v) in (dict, list) else v for v in value]


def ignored_fields(header: Any, prefixes: Mapping[str, str]) -> frozenset[str]:
    """Extension fields that a document says its repository added, which are no part of the hash."""
    found: set[str] = set()
    if isinstance(header, Mapping):
        for name, value in header.items():
            if name.rsplit(":", 1)[-1] == "ignoreFields":
                found |= {expanded_name(str(v), prefixes) for v in (value if isinstance(value, list) else [value])}
            elif isinstance(value, Mapping) and name != "@context":
                found |= ignored_fields(value, prefixes)
    return frozenset(found)
