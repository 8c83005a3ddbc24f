"""case.toml: read, checked, written back.

In:     a TOML document as a dictionary (from case.toml or the sheets of an .xlsx)
Out:    Settings; every unknown or wrong key as a fault
Not:    tables (read.py)
Words:  class = a service with its own time value; profile = share of a day's collection by hour
Source: docs/case-format.md
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from clearway.cases.simulated import SimulationSettings, parse_simulation
from clearway.core.errors import Faults
from clearway.core.schema import nearest
from clearway.core.timegrid import DAY_MINUTES, TimeGrid, format_time, offset_change, parse_time

COST_DEFAULTS = {"sort": 0.0, "deliver": 0.0, "extra_premium": 1.0, "overflow_penalty": 0.4}
_KEYS = (
    "name",
    "title",
    "timezone",
    "start",
    "days",
    "slot_hours",
    "currency",
    "coordinates",
    "costs",
    "policy",
    "class",
    "profile",
    "simulation",
)
_CLASS_KEYS = ("name", "time_value", "hold_factor", "undelivered_penalty", "promise_hours")


@dataclass(frozen=True)
class ServiceClass:
    """One class of parcels."""

    name: str
    time_value: float  # w, currency per parcel-hour
    undelivered_penalty: float  # P, currency per parcel
    hold_factor: float = 1.0  # β in (0, 1]
    promise_hours: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Keys as in case.toml, absent ones left out."""
        row = {key: getattr(self, key) for key in _CLASS_KEYS}
        return {key: value for key, value in row.items() if value is not None}


@dataclass(frozen=True)
class Settings:
    """What case.toml says."""

    name: str
    timezone: str
    start: datetime
    days: float
    slot_hours: float
    classes: tuple[ServiceClass, ...]
    currency: str = "CNY"
    title: Mapping[str, str] = field(default_factory=dict)
    coordinates: str = "WGS84"
    costs: Mapping[str, float] = field(default_factory=lambda: dict(COST_DEFAULTS))
    hold_at_sender: bool = True
    collection: tuple[float, ...] | None = None
    simulation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The case's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def grid(self) -> TimeGrid:
        """The horizon in slots."""
        minutes = round(self.slot_hours * 60)
        return TimeGrid(self.start, round(self.days * DAY_MINUTES / minutes), minutes)

    @property
    def profile(self) -> NDArray[np.float64]:
        """Share of a day's collection by hour, shape (24,)."""
        return np.full(24, 1 / 24) if self.collection is None else np.array(self.collection, float)

    @property
    def simulated(self) -> SimulationSettings:
        """The [simulation] table with its defaults."""
        return parse_simulation(self.simulation, "case.toml", Faults())

    @property
    def class_names(self) -> list[str]:
        """Names of the classes in the order of the case."""
        return [c.name for c in self.classes]

    def with_horizon(
        self, start: datetime | None = None, days: float | None = None, slot_hours: float | None = None
    ) -> Settings:
        """Settings with another horizon; raises InputError where it does not fit the slots."""
        document = self.to_dict()
        document.update(
            {
                key: value
                for key, value in (("start", start and format_time(start)), ("days", days), ("slot_hours", slot_hours))
                if value is not None
            }
        )
        faults = Faults()
        parsed = parse_settings(document, "horizon", faults)
        faults.require()
        assert parsed is not None
        return replace(parsed, costs=self.costs, simulation=self.simulation)

    def to_dict(self) -> dict[str, Any]:
        """The document that :func:`parse_settings` reads back to the same settings."""
        document: dict[str, Any] = {"name": self.name}
        if self.title:
            document["title"] = dict(self.title)
        document |= {
            "timezone": self.timezone,
            "start": format_time(self.start),
            "days": _plain(self.days),
            "slot_hours": _plain(self.slot_hours),
            "currency": self.currency,
        }
        if self.coordinates != "WGS84":
            document["coordinates"] = self.coordinates
        document["costs"] = dict(self.costs)
        document["policy"] = {"hold_at_sender": self.hold_at_sender}
        document["class"] = [c.to_dict() for c in self.classes]
        if self.collection is not None:
            document["profile"] = {"collection": list(self.collection)}
        if self.simulation:
            document["simulation"] = dict(self.simulation)
        return document


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else number


class _Reader:
    """Takes keys out of one table of the document and notes what is wrong."""

    def __init__(
        self, table: Mapping[str, Any], prefix: str, known: tuple[str, ...], file: str, faults: Faults
    ) -> None:
        self.table, self.prefix, self.file, self.faults = table, prefix, file, faults
        for key in table:
            if key not in known:
                faults.add("setting_unknown", file, None, prefix + key, nearest=nearest(key, known))

    def fault(self, code: str, key: str, **details: Any) -> None:
        self.faults.add(code, self.file, None, self.prefix + key, self.table.get(key), **details)

    def text(self, key: str, default: str | None = None) -> str | None:
        value = self.table.get(key, default)
        if value is None:
            self.fault("setting_missing", key)
        elif not isinstance(value, str) or not value.strip():
            self.fault("setting_type", key, expected="text")
        else:
            return value
        return None

    def number(
        self,
        key: str,
        default: float | None = None,
        *,
        low: float = 0.0,
        strict: bool = False,
        high: float = math.inf,
        required: bool = False,
    ) -> float | None:
        value = self.table.get(key, default)
        if value is None:
            if required:
                self.fault("setting_missing", key)
            return None
        expected = f"a number {'greater than' if strict else 'of at least'} {low:g}"
        expected += "" if math.isinf(high) else f" and at most {high:g}"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.fault("setting_type", key, expected=expected)
            return None
        if value < low or (strict and value == low) or value > high:
            self.fault("setting_type", key, expected=expected)
            return None
        return float(value)

    def group(self, key: str) -> Mapping[str, Any]:
        value = self.table.get(key, {})
        if not isinstance(value, Mapping):
            self.fault("setting_type", key, expected="a table")
            return {}
        return value


def parse_settings(document: Mapping[str, Any], file: str, faults: Faults) -> Settings | None:
    """Settings of a document; ``None`` where faults leave no usable horizon or classes."""
    top = _Reader(document, "", _KEYS, file, faults)
    before = faults.total
    name = top.text("name")
    zone = _zone(top)
    slot_hours = top.number("slot_hours", low=0, strict=True, high=24, required=True)
    days = top.number("days", low=0, strict=True, required=True)
    start = _start(top, zone)
    classes = _classes(top, file, faults)
    costs = _Reader(top.group("costs"), "costs.", tuple(COST_DEFAULTS), file, faults)
    prices = {key: costs.number(key, default) for key, default in COST_DEFAULTS.items()}
    policy = _Reader(top.group("policy"), "policy.", ("hold_at_sender",), file, faults)
    hold = policy.table.get("hold_at_sender", True)
    if not isinstance(hold, bool):
        policy.fault("setting_type", "hold_at_sender", expected="true or false")
    collection = _collection(top, file, faults)
    title = {k: str(v) for k, v in top.group("title").items()} if isinstance(document.get("title", {}), Mapping) else {}
    coordinates = document.get("coordinates", "WGS84")
    if coordinates not in ("WGS84", "GCJ-02"):
        top.fault("setting_type", "coordinates", expected="'WGS84' or 'GCJ-02'")
    currency = top.text("currency", "CNY")
    simulation = dict(top.group("simulation"))
    parse_simulation(simulation, file, faults)
    _check_slots(top, zone, start, days, slot_hours)
    if faults.total > before:
        return None
    assert name and zone and start and days and slot_hours and currency
    return Settings(
        name=name,
        timezone=zone,
        start=start,
        days=days,
        slot_hours=slot_hours,
        classes=tuple(classes),
        currency=currency,
        title=title,
        coordinates=coordinates,
        costs={key: float(value or 0.0) for key, value in prices.items()},
        hold_at_sender=hold,
        collection=collection,
        simulation=simulation,
    )


def _zone(top: _Reader) -> str | None:
    name = top.text("timezone")
    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        top.fault("setting_type", "timezone", expected="an IANA zone such as 'Asia/Shanghai'")
        return None
    return name


def _start(top: _Reader, zone: str | None) -> datetime | None:
    value = top.table.get("start")
    if value is None:
        top.fault("setting_missing", "start")
        return None
    try:
        text = value if isinstance(value, str) else value.isoformat()
        return parse_time(text, ZoneInfo(zone or "UTC"))
    except (ValueError, AttributeError):
        top.fault("not_time", "start")
        return None


def _classes(top: _Reader, file: str, faults: Faults) -> list[ServiceClass]:
    rows = top.table.get("class")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        top.fault("setting_type", "class", expected="one [[class]] or more")
        return []
    classes: list[ServiceClass] = []
    for number, row in enumerate(rows, start=1):
        reader = _Reader(row, f"class[{number}].", _CLASS_KEYS, file, faults)
        name = reader.text("name")
        if name is not None and (any(ch.isspace() for ch in name) or name in [c.name for c in classes]):
            reader.fault("setting_type", "name", expected="a name without spaces that no other class has")
        value = reader.number("time_value", required=True)
        penalty = reader.number("undelivered_penalty", required=True)
        hold = reader.number("hold_factor", 1.0, strict=True, high=1.0)
        promise = reader.number("promise_hours", strict=True)
        classes.append(ServiceClass(name or "", value or 0.0, penalty or 0.0, hold or 1.0, promise))
    return classes


def _collection(top: _Reader, file: str, faults: Faults) -> tuple[float, ...] | None:
    profile = _Reader(top.group("profile"), "profile.", ("collection",), file, faults)
    values = profile.table.get("collection")
    if values is None:
        return None
    numbers = isinstance(values, list) and all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values
    )
    total = sum(values) if numbers else math.nan
    if not numbers or len(values) != 24 or min(values) < 0 or abs(total - 1) > 1e-6:
        faults.add("profile", file, None, "profile.collection", None, total=f"{total:.9g}")
        return None
    return tuple(float(v) for v in values)


def _check_slots(
    top: _Reader, zone: str | None, start: datetime | None, days: float | None, slot_hours: float | None
) -> None:
    if slot_hours is None:
        return
    minutes = slot_hours * 60
    if abs(minutes - round(minutes)) > 1e-6 or DAY_MINUTES % max(1, round(minutes)):
        top.fault("slot_hours", "slot_hours")
        return
    step = round(minutes)
    if start is not None and ((start.hour * 60 + start.minute) % step or start.second or start.microsecond):
        top.fault("start_slot", "start", slot_hours=f"{slot_hours:g}")
    slots = None if days is None else days * DAY_MINUTES / step
    if slots is not None and (abs(slots - round(slots)) > 1e-6 or round(slots) < 1):
        top.fault("days_slots", "days", slot_hours=f"{slot_hours:g}")
        return
    if start is not None and slots is not None and zone is not None:
        grid = TimeGrid(start, round(slots), step)
        change = offset_change(grid.start, grid.end, ZoneInfo(zone))
        if change is not None:
            top.fault("offset_change", "timezone", at=format_time(change))
