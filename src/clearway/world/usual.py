"""Records as they must be: every unit reports, every item is checked, screened, disinfected and delivered in time.

In:     units, days, a seed, items a day
Out:    frames by record type; no rule of the packs is breached by them
Not:    planted cases (planting.py)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from clearway.core.timegrid import midnight
from clearway.records import record_types

_DAY = timedelta(days=1)
TESTING = (date(2020, 1, 31), date(2022, 12, 6))
PEAK = ((10, 25), (12, 20))
_INDICATORS = ("compliant-material", "standard-operation", "no-second-packing", "slim-tape", "reusable-bag")
Frames = dict[str, pl.DataFrame]


def days_of(first: date, last: date) -> list[date]:
    """Every day, both ends included."""
    return [first + i * _DAY for i in range((last - first).days + 1)]


def usual_records(
    units: list[dict[str, Any]],
    first: date,
    last: date,
    seed: int,
    items: int,
    skip: set[tuple[str, str, date]] | None = None,
) -> Frames:
    """Frames of returns, registers and events; ``skip`` names (type, unit, day) that others report."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[dict[str, Any]]] = {}
    left = skip or set()
    for kind, row, unit, day in _returns(units, first, last, rng):
        if (kind, unit, day) not in left:
            rows.setdefault(kind, []).append(row)
    types = record_types()
    frames = {
        name: pl.DataFrame(mine, schema={n: types[name][n].dtype for n in mine[0]}) for name, mine in rows.items()
    }
    if items:
        frames["scan"] = journeys(units, first, last, rng, items)
    return frames


def _of_kind(units: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [u for u in units if u["kind"] in kinds]


def _returns(
    units: list[dict[str, Any]], first: date, last: date, rng: np.random.Generator
) -> Iterator[tuple[str, dict[str, Any], str, date]]:
    """Type, row, unit and day of every return and register row."""
    begins = first - 400 * _DAY
    yield from _seasons(units, first, last)
    for day in days_of(first, last):
        for unit in units:
            if unit["from"] <= day and (unit.get("to") is None or day <= unit["to"]):
                for kind, row in _daily(unit, day, rng):
                    yield kind, row, unit["id"], day
    for unit in _of_kind(units, "operator"):
        for kind in ("emergency", "peak"):
            yield "plan_held", {"unit": unit["id"], "kind": kind, "from": begins}, unit["id"], max(first, unit["from"])
        for year in range(first.year, last.year + 1):
            day = max(first, date(year, 1, 1))
            yield "publication", {"unit": unit["id"], "day": day, "kind": "service-area"}, unit["id"], day
    for unit in _of_kind(units, "sorting-centre", "air-hub"):
        held = {"unit": unit["id"], "kind": "reroute", "from": begins}
        yield "plan_held", held, unit["id"], max(first, unit["from"])
        for year in range(first.year, last.year + 1):
            for month, kind in ((2, "on-site"), (5, "special"), (9, "on-site")):
                day = date(year, month, 16)
                yield "drill", {"facility": unit["id"], "day": day, "kind": kind, "participants": 30}, unit["id"], day


def _seasons(units: list[dict[str, Any]], first: date, last: date) -> Iterator[tuple[str, dict[str, Any], str, date]]:
    for year in range(first.year, last.year + 1):
        start, end = date(year, *PEAK[0]), date(year, *PEAK[1])
        if start <= last and first <= end:
            row = {"name": "peak", "place": "CN", "from": start, "to": end, "level": "national"}
            yield "season", row, "CN", start


def _daily(unit: dict[str, Any], day: date, rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    kind, name, at = unit["kind"], unit["id"], midnight(day)
    if kind in ("sorting-centre", "air-hub", "outlet"):
        hub = kind != "outlet"
        size = int(rng.integers(20_000, 60_000)) if hub else int(rng.integers(200, 900))
        storage = unit.get("storage")
        waiting = size // 10 if storage is None else min(size // 10, int(storage) // 2)
        yield "daily_volume", {
            "facility": name, "day": day, "accepted": size, "processed": size, "delivered": size - size // 50,
            "waiting": waiting, "oldest_waiting_h": float(rng.integers(2, 20)), "operating": True,
        }  # fmt: skip
        for equipment in ("screener", "video", "inspector") if hub else ("video",):
            hours = {"screener": 20.0, "video": 24.0, "inspector": 16.0}[equipment]
            yield "equipment_hours", {
                "facility": name, "day": day, "equipment": equipment, "hours_expected": hours, "hours_on": hours,
            }  # fmt: skip
        if TESTING[0] <= day <= TESTING[1]:
            yield from _epidemic(name, day, hub, rng)
        if hub and day.weekday() == 0:
            found = at + timedelta(hours=9)
            yield "hazard", {
                "hazard_id": f"{name}-{day:%Y%m%d}", "facility": name, "category": "fire", "level": "general",
                "found": found, "due": found + 5 * _DAY, "closed": found + 2 * _DAY, "verified": found + 3 * _DAY,
            }  # fmt: skip
            yield "stock", {"unit": name, "day": day, "goods": "mask", "quantity": 5000, "daily_use": 200}
        if hub and PEAK[0] <= (day.month, day.day) <= PEAK[1]:
            many = int(rng.integers(1, 9))
            yield "first_shift", {
                "facility": name, "day": day, "group": "temporary", "started": many, "trained_before": many,
            }  # fmt: skip
        if not hub:
            yield "outlet_hours", {
                "facility": name, "day": day, "opened": at + timedelta(hours=9), "closed": at + timedelta(hours=18),
            }  # fmt: skip
    elif kind == "village" and day.weekday() in (0, 2, 4):
        yield "village_visit", {"village": name, "day": day, "facility": unit.get("parent"), "shared_with": "express"}
    elif kind in ("operator", "bureau"):
        for role in ("duty", "leader"):
            for start in (0, 8, 16):
                begin = at + timedelta(hours=start)
                yield "shift", {
                    "unit": name, "start": begin, "end": begin + timedelta(hours=8), "role": role, "filled": True,
                }  # fmt: skip
        if kind == "bureau" and day.weekday() == 1:
            yield "meeting", {"unit": name, "day": day, "kind": "dispatch"}
        if kind == "bureau" and day.month % 3 == 1 and day.day == 10:
            yield "meeting", {"unit": name, "day": day, "kind": "joint-quarterly"}
        if kind == "operator":
            yield from _operator(name, day, rng)
    elif kind == "exchange-office" and day.day == 12:
        yield "visit", {
            "visit_id": f"{name}-{day}", "unit": name, "day": day, "drawn": True, "items_checked": 20, "faults": 0,
        }  # fmt: skip


def _epidemic(name: str, day: date, hub: bool, rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    at = midnight(day) + timedelta(hours=6)
    yield "disinfection", {"facility": name, "time": at, "object": "premises", "items": None}
    for post in ("sorter", "courier") if hub else ("courier",):
        for duty in ("test", "temperature"):
            many = int(rng.integers(5, 40))
            yield "staff_duty", {
                "facility": name, "day": day, "post": post, "duty": duty, "expected": many, "done": many,
            }  # fmt: skip


def _operator(name: str, day: date, rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    if day.day == 1:
        for indicator in _INDICATORS:
            yield "packaging", {
                "operator": name, "place": "110000", "month": f"{day:%Y-%m}", "indicator": indicator,
                "numerator": 960.0, "denominator": 1000.0, "sampled": None,
            }  # fmt: skip
    opened = midnight(day) + timedelta(hours=10, minutes=int(rng.integers(0, 300)))
    yield "complaint", {
        "case_id": f"{name}-{day:%Y%m%d}", "operator": name, "place": "110000", "kind": "complaint",
        "category": "delivery", "opened": opened, "answered": opened + 2 * _DAY, "closed": opened + 4 * _DAY,
        "effective": False, "satisfied": True,
    }  # fmt: skip


# ------------------------------------------------------------ items on their way


def journeys(
    units: list[dict[str, Any]], first: date, last: date, rng: np.random.Generator, items: int
) -> pl.DataFrame:
    """Scans of items from an outlet of one hub to an outlet of another, ``items`` accepted each day."""
    outlets = [u for u in _of_kind(units, "outlet") if u.get("parent")]
    if len({u["parent"] for u in outlets}) < 2:
        return pl.DataFrame()
    place = [u["place"] for u in outlets]
    hubs = sorted({u["parent"] for u in outlets})
    hub_of = np.array([hubs.index(u["parent"]) for u in outlets])
    days = days_of(first, last)
    total = items * len(days)
    origin = rng.integers(0, len(outlets), total)
    target = rng.integers(0, len(outlets), total)
    same = hub_of[origin] == hub_of[target]
    while same.any():
        target[same] = rng.integers(0, len(outlets), int(same.sum()))
        same = hub_of[origin] == hub_of[target]
    second = rng.integers(8 * 3600, 19 * 3600, total)
    day = np.repeat(np.arange(len(days)), items)
    begin = np.datetime64(midnight(first), "s") + day * np.timedelta64(86_400, "s") + second.astype("timedelta64[s]")
    air = rng.random(total) < 0.1
    frame = pl.DataFrame(
        {
            "item_id": pl.Series([f"W{i:09d}" for i in range(total)]),
            "begin": pl.Series(begin.astype("datetime64[us]")),
            "from": pl.Series([u["id"] for u in outlets]).gather(origin),
            "to": pl.Series([u["id"] for u in outlets]).gather(target),
            "hub": pl.Series(hubs).gather(hub_of[origin]),
            "next": pl.Series(hubs).gather(hub_of[target]),
            "origin": pl.Series(place).gather(origin),
            "destination": pl.Series(place).gather(target),
            "operator": pl.Series([u.get("operator") for u in outlets]).gather(origin),
            "air": pl.Series(air),
            "locker": pl.Series(rng.random(total) < 0.3),
        }
    )
    return pl.concat([*_steps(frame, last)]).sort("time", "event_id")


def _steps(frame: pl.DataFrame, last: date) -> Iterable[pl.DataFrame]:
    plan = (
        ("accepted", "from", 0), ("screened", "hub", 180), ("sorted", "hub", 210), ("departed", "hub", 300),
        ("arrived", "next", 1200), ("sorted", "next", 1230), ("disinfected", "next", 1240), ("departed", "next", 1290),
        ("arrived", "to", 1560), ("disinfected", "to", 1565), ("disinfected", "to", 1670),
        ("out-for-delivery", "to", 1680), ("delivered", "to", 1800),
    )  # fmt: skip
    beijing = pl.col("destination").str.starts_with("11")
    for n, (step, where, minutes) in enumerate(plan):
        mine = frame.filter(beijing) if step == "disinfected" else frame
        accepted, delivered, leaves = step == "accepted", step == "delivered", step == "departed" and where == "hub"

        def given(value: pl.Expr, when: bool, dtype: Any = pl.String) -> pl.Expr:
            return value if when else pl.lit(None, dtype=dtype)

        handed = pl.when("locker").then(pl.lit("locker")).otherwise(pl.lit("person"))
        mode = pl.when("air").then(pl.lit("air")).otherwise(pl.lit("road"))
        yield mine.select(
            event_id=pl.col("item_id") + f"-{n:02d}",
            item_id="item_id",
            step=pl.lit(step),
            facility=pl.col(where),
            time=pl.col("begin") + pl.duration(minutes=minutes),
            operator="operator",
            item_class=given(pl.lit("express"), accepted),
            origin="origin",
            destination="destination",
            mode=given(mode, leaves),
            next_facility=given(pl.col("next"), leaves),
            real_name=given(pl.lit("yes"), accepted),
            inspected=given(pl.lit("yes"), accepted),
            handed_to=given(handed, delivered),
            consent=given(pl.col("locker"), delivered, pl.Boolean),
            promised=given(pl.col("begin") + pl.duration(hours=72), accepted or delivered, pl.Datetime("us")),
        )
