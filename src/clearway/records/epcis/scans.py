"""Events as records: a scan for each item of an event that is about parcels, else the event whole.

In:     plain events that are right
Out:    rows of record types scan and other, as text
Not:    reading and checking; whether a row's values are right (records.values)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clearway.records.declared import record_types
from clearway.records.epcis.identifiers import canonical, item_id, unit_id
from clearway.records.epcis.terms import FIELD_URI, step_of

_OWN = {
    f"{{{FIELD_URI}}}{name}": name
    for name in record_types()["scan"].names
    if name not in ("event_id", "item_id", "time")
}
_USED = ("ObjectEvent", "AggregationEvent", "AssociationEvent")
Row = dict[str, Any]


def scans_of(event: Mapping[str, Any], key: str) -> list[Row]:
    """The scans an event is; none where it is no scan of parcels.

    One item keeps the event's hash as its id; of several each has ``hash#item``.
    """
    kind = event.get("type")
    if kind not in _USED:
        return []
    step = step_of(event.get("bizStep"), event.get("disposition"))
    place = event.get("readPoint") or event.get("bizLocation")
    items = event.get("epcList" if kind == "ObjectEvent" else "childEPCs") or []
    if step is None or not place or not items:
        return []
    common: Row = {"step": step, "facility": unit_id(place["id"]), "time": event["eventTime"]}
    if kind != "ObjectEvent" and event.get("parentID"):
        common["container"] = canonical(event["parentID"])
    if step == "departed":
        onward = next((d["destination"] for d in event.get("destinationList", ()) if _is_location(d)), None)
        if onward is not None:
            common["next_facility"] = unit_id(onward)
    for name in event.keys() & _OWN.keys():
        value = event[name]
        if not isinstance(value, dict | list):
            common[_OWN[name]] = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    names = [item_id(e) for e in items]
    if len(names) == 1:
        return [{**common, "event_id": key, "item_id": names[0]}]
    return [{**common, "event_id": f"{key}#{name}", "item_id": name} for name in dict.fromkeys(names)]


def _is_location(destination: Mapping[str, Any]) -> bool:
    return str(destination.get("type", "")).endswith("location")


def other_of(event: Mapping[str, Any], key: str, body: str) -> Row:
    """An event that is no scan, whole."""
    place = event.get("readPoint") or event.get("bizLocation") or {}
    return {
        "event_id": key,
        "event_type": event.get("type"),
        "time": event.get("eventTime"),
        "step": event.get("bizStep"),
        "facility": unit_id(place["id"]) if isinstance(place, Mapping) and place.get("id") else None,
        "body": body,
    }
