"""Capacities, demand, stock, closures and the typhoon: everything that makes a variant.

In:     Country, Layout, volumes
Out:    frames and settings of each variant
Not:    facts (facts.py), assumptions (assumptions.py), writing (__main__.py)
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.geo import great_circle_km
from scripts.china import assumptions as a
from scripts.china.facts import Country, fact, parameters
from scripts.china.network import Layout
from scripts.china.static_flow import Net, State, mean_loads, next_hops, run

PEAK, CALM = date(2022, 11, 10), date(2022, 10, 10)
CLASS_NAMES = [c[0] for c in a.CLASSES]
SHARES = np.array([c[1] for c in a.CLASSES])


def routing(layout: Layout, cities: list[str], slot_hours: float) -> Net:
    """Arrays for usual routes; destinations are the cities, which come first."""
    ids = layout.ids()
    assert ids[: len(cities)] == cities
    where = {name: i for i, name in enumerate(ids)}
    lanes = [lane for lane in layout.lanes.values() if lane["origin"] in where and lane["destination"] in where]
    hours = np.array([lane["hours"] for lane in lanes])
    p = parameters()
    return Net(
        facilities=len(ids),
        destinations=len(cities),
        origin=np.array([where[lane["origin"]] for lane in lanes]),
        destination=np.array([where[lane["destination"]] for lane in lanes]),
        slots=np.maximum(1, np.ceil(hours / slot_hours - 1e-9)).astype(int),
        cost=np.array([lane["cost"] for lane in lanes]),
        carries=np.array(
            [[lane["classes"] is None or c in lane["classes"].split() for c in CLASS_NAMES] for lane in lanes]
        ),
        wait=np.array([c[2] for c in a.CLASSES]) * slot_hours,
        sort_cost=p["sorting_cost_per_hub_pass"],
    )


def set_capacities(layout: Layout, cities: list[str], net: Net, volume: NDArray[np.float64]) -> None:
    """Capacities from the loads of the undisturbed mean day on usual routes, with headroom."""
    hops = next_hops(net)
    lane_load, sort_load = mean_loads(net, hops, volume[None] * SHARES[:, None, None])
    received = volume.sum(axis=0)
    ids = layout.ids()
    p = parameters()
    for i, name in enumerate(ids):
        row = layout.facility(name)
        rate = max(a.LEAST["sort"], sort_load[i] / 24 * a.HEADROOM["sort"])
        row["sort_per_hour"] = round(rate)
        row["storage"] = round(max(a.LEAST["sort"] * 24, sort_load[i]) * a.STORAGE_DAYS)
        city = i < len(cities)
        row["deliver_per_hour"] = (
            round(max(a.LEAST["deliver"], received[i] / 24 * a.HEADROOM["deliver"])) if city else 0
        )
        row["extra_sort_share"], row["extra_deliver_share"] = a.EXTRA["sort"], a.EXTRA["deliver"] if city else None
        row["extra_from"] = a.EXTRA_FROM_HOURS
    for site in [f for f in layout.facilities if f["candidate"]]:
        if site["id"] == "EHU":
            site |= {
                "sort_per_hour": p["ezhou_peak_rate"],
                "storage": p["ezhou_peak_rate"] * 6,
                "open_cost": a.EZHOU_OPEN_COST,
                "open_from_hours": a.EZHOU_FROM_HOURS,
            }
        else:
            rate = layout.facility(site["id"][1:])["sort_per_hour"] * a.SITE_SORT_SHARE
            site |= {
                "sort_per_hour": round(rate),
                "storage": round(rate * 24),
                "open_cost": a.SITE_OPEN_COST,
                "open_from_hours": a.SITE_FROM_HOURS,
            }
        site["deliver_per_hour"] = 0
    position = {
        lane_id: n
        for n, lane_id in enumerate(
            lane["id"]
            for lane in layout.lanes.values()
            if lane["origin"] in set(ids) and lane["destination"] in set(ids)
        )
    }
    for lane in layout.lanes.values():
        least = a.LEAST["air"] if lane["mode"] == "air" else a.LEAST["trunk"] if lane["trunk"] else a.LEAST["lane"]
        load = lane_load[position[lane["id"]]] if lane["id"] in position else 0.0
        lane["per_hour"] = round(max(least, load / 24 * a.HEADROOM["lane"]))


def busiest(layout: Layout, country: Country, cities: list[str], volume: NDArray[np.float64], count: int) -> list[str]:
    """Cities by parcels sent and received."""
    both = volume.sum(axis=0) + volume.sum(axis=1)
    return [cities[i] for i in np.argsort(-both, kind="stable")[:count]]


def facility_frame(layout: Layout) -> pl.DataFrame:
    columns = [
        "id",
        "name",
        "kind",
        "place",
        "lon",
        "lat",
        "sort_per_hour",
        "storage",
        "deliver_per_hour",
        "extra_sort_share",
        "extra_deliver_share",
        "extra_from",
        "candidate",
        "open_cost",
        "open_from_hours",
    ]
    frame = pl.DataFrame([{c: f.get(c) for c in columns} for f in layout.facilities], infer_schema_length=None)
    return frame


def lane_frame(layout: Layout) -> pl.DataFrame:
    columns = [
        "id",
        "origin",
        "destination",
        "mode",
        "distance_km",
        "hours",
        "cost",
        "per_hour",
        "classes",
        "extra_share",
        "co2_kg",
        "parcels_per_vehicle",
    ]
    rows = sorted(layout.lanes.values(), key=lambda lane: lane["id"])
    return pl.DataFrame([{c: lane[c] for c in columns} for lane in rows], infer_schema_length=None)


def place_frame(country: Country, codes: set[str] | None = None) -> pl.DataFrame:
    """Places in the columns of the case format; with ``codes`` only those, what is above and below them."""
    frame = country.places.select(
        "code",
        name="name_zh",
        name_en="name_en",
        level="level",
        parent=pl.when(pl.col("level") == "province").then(None).otherwise(pl.col("parent_code")),
        lon="lon",
        lat="lat",
        population="population_2020",
    )
    if codes is not None:
        above = set(country.places.filter(pl.col("code").is_in(list(codes)))["province_code"])
        frame = frame.filter(pl.col("code").is_in(list(codes | above)) | pl.col("parent").is_in(list(codes)))
    return frame.sort("code")


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Three significant digits, at most one decimal: no more is known."""
    digits = np.clip(2 - np.floor(np.log10(np.maximum(values, 1e-9))), -9, 1)
    scale = 10.0**digits
    return np.round(np.round(values * scale) / scale, 1)


def demand_frame(
    cities: list[str], volume: NDArray[np.float64], first: date, factors: tuple[float, ...]
) -> pl.DataFrame:
    """Daily parcels by pair and class."""
    enum = pl.Enum(cities)
    parts = []
    for n, factor in enumerate(factors):
        for name, share in zip(CLASS_NAMES, SHARES, strict=True):
            parcels = _rounded(volume * factor * share)
            keep = parcels >= a.DEMAND_LEAST
            o, d = np.nonzero(keep)
            parts.append(
                pl.DataFrame(
                    {
                        "origin": pl.Series(np.array(cities, dtype=object)[o].tolist(), dtype=enum),
                        "destination": pl.Series(np.array(cities, dtype=object)[d].tolist(), dtype=enum),
                        "class": pl.Series([name] * len(o), dtype=pl.Enum(CLASS_NAMES)),
                        "day": pl.Series([first + timedelta(days=n)] * len(o), dtype=pl.Date),
                        "parcels": parcels[keep],
                    }
                )
            )
    return pl.concat(parts)


def slot_volumes(volume: NDArray[np.float64], factors: list[float], slot_hours: int) -> list[NDArray[np.float64]]:
    """Parcels offered in each slot by class, (K, D, D)."""
    profile = np.array(a.COLLECTION).reshape(-1, slot_hours).sum(axis=1)
    by_class = volume[None] * SHARES[:, None, None]
    return [by_class * (factor * share) for factor in factors for share in profile]


def capacities_per_slot(
    layout: Layout, slot_hours: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    ids = layout.ids()
    sort = np.array([layout.facility(i)["sort_per_hour"] for i in ids]) * slot_hours
    deliver = np.array([layout.facility(i)["deliver_per_hour"] for i in ids]) * slot_hours
    present = set(ids)
    lane = (
        np.array(
            [v["per_hour"] for v in layout.lanes.values() if v["origin"] in present and v["destination"] in present]
        )
        * slot_hours
    )
    return sort.astype(float), deliver.astype(float), lane.astype(float)


def stock_frame(
    layout: Layout,
    cities: list[str],
    net: Net,
    volume: NDArray[np.float64],
    start: date,
    factor: float,
    slot_hours: int,
) -> pl.DataFrame:
    """What two days of usual flow leave in the network at the start."""
    sort, deliver, lane = capacities_per_slot(layout, slot_hours)
    state = run(net, next_hops(net), slot_volumes(volume, [factor] * 2, slot_hours), sort, deliver, lane)
    return _stock_rows(layout, cities, state, start, slot_hours)


def _stock_rows(layout: Layout, cities: list[str], state: State, start: date, slot_hours: int) -> pl.DataFrame:
    ids = layout.ids()
    midnight = datetime(start.year, start.month, start.day)
    parts = []
    arriving = state.ahead()
    bins = max(1, 8 // slot_hours)  # arrivals within eight hours go together: the table stays small
    stages = [("unsorted", None, state.unsorted), ("sorted", None, state.sorted)]
    for first in range(0, len(arriving), bins):
        stages.append(
            ("in-transit", midnight + timedelta(hours=slot_hours * first), arriving[first : first + bins].sum(axis=0))
        )
    for stage, arrives, table in stages:
        whole = table.sum()
        kept = np.where(table >= a.STOCK_LEAST, table, 0.0)
        if kept.sum() == 0:
            continue
        k, f, d = np.nonzero(kept)
        parts.append(
            pl.DataFrame(
                {
                    "stage": [stage] * len(k),
                    "facility": [ids[i] for i in f],
                    "destination": [cities[i] for i in d],
                    "class": [CLASS_NAMES[i] for i in k],
                    "parcels": _rounded(kept[k, f, d] * whole / kept.sum()),
                    "arrives": pl.Series([arrives] * len(k), dtype=pl.Datetime("us")),
                }
            )
        )
    return pl.concat(parts)


def settings(name: str, en: str, zh: str, start: date, days: float, slot_hours: int) -> dict[str, Any]:
    """case.toml of a variant."""
    p = parameters()
    return {
        "name": name,
        "title": {"en": en, "zh": zh},
        "timezone": "Asia/Shanghai",
        "start": f"{start}T00:00",
        "days": days,
        "slot_hours": slot_hours,
        "currency": "CNY",
        "costs": {
            "sort": p["sorting_cost_per_hub_pass"],
            "deliver": p["last_mile_delivery_fee"],
            "extra_premium": a.EXTRA_PREMIUM,
            "overflow_penalty": 0.4,
        },
        "policy": {"hold_at_sender": True},
        "class": [
            {"name": n, "time_value": w, "hold_factor": hold, "undelivered_penalty": penalty, "promise_hours": promise}
            for n, _, w, hold, penalty, promise in a.CLASSES
        ],
        "profile": {"collection": a.COLLECTION},
        "simulation": a.SIMULATION,
    }


def closure_frame(country: Country, cities: list[str], first: date, last: date) -> pl.DataFrame:
    """Closures in force in [first, last] as disruptions of kind capacity, by prefecture and spell.

    A closure below a prefecture counts with its share of the prefecture's residents; spells are cut
    where the set of closures of a prefecture changes, so that shares add up and do not multiply.
    """
    closures = fact("closures").with_columns(pl.col("start_date").str.to_date(), pl.col("end_date").str.to_date())
    active = closures.filter(
        (pl.col("kind") == "epidemic") & (pl.col("start_date") <= last) & (pl.col("end_date") >= first)
    )
    parent = dict(country.places.select("code", "parent_code").iter_rows())
    people = dict(country.places.select("code", "population_2020").iter_rows())
    by_city: dict[str, list[dict[str, Any]]] = {}
    for row in active.to_dicts():
        city = row["code"] if row["code"] in cities else parent[row["code"]]
        if city in cities:
            row["weight"] = 1.0 if row["code"] == city else people[row["code"]] / people[city]
            by_city.setdefault(city, []).append(row)
    rows = []
    for city in sorted(by_city):
        cuts = sorted(
            {max(first, r["start_date"]) for r in by_city[city]}
            | {r["end_date"] + timedelta(days=1) for r in by_city[city]}
        )
        for begin, end in pairwise(cuts):
            here = [r for r in by_city[city] if r["start_date"] <= begin and r["end_date"] >= end - timedelta(days=1)]
            if not here or begin > last:
                continue
            events = "+".join(dict.fromkeys(r["event_id"] for r in here))
            stop = None if end > last else f"{end}T00:00"
            known = max(r["start_date"] for r in here)
            status = "; ".join(
                dict.fromkeys(
                    f"{r['event_id']}: dates {r['date_status']}, share left {r['effect_status']}" for r in here
                )
            )
            for suffix, column, affected in (
                ("out", "outbound_left", "depart accept"),
                ("in", "inbound_left", "arrive deliver"),
            ):
                factor = 1 - sum(r["weight"] * (1 - float(r[column])) for r in here)
                rows.append(
                    {
                        "id": f"{events}-{city}-{begin:%m%d}-{suffix}",
                        "kind": "capacity",
                        "target_type": "place",
                        "target": city,
                        "start": f"{begin}T00:00",
                        "end": stop,
                        "factor": round(max(0.0, factor), 4),
                        "rows": affected,
                        "known_from": f"{known}T00:00",
                        "source": status,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def typhoon(layout: Layout) -> tuple[pl.DataFrame, dict[str, Any]]:
    """In-fa (2021) moved in time so that it lands in November 2022: hypothetical.

    Within the mean 50-kt radius everything is shut, within the mean 30-kt radius half the departures
    and arrivals are left and roads take half as long again.
    """
    track = fact("typhoon_tracks").filter(pl.col("storm_id") == a.TYPHOON)
    shift = datetime(2022, 11, a.TYPHOON_MOVED_TO_DAY) - datetime(2021, 7, 25)
    fixes = []
    for row in track.to_dicts():
        local = datetime.fromisoformat(row["time_utc"].replace("Z", "")) + timedelta(hours=8) + shift
        fixes.append({**row, "time": local})
    ids = layout.ids()
    lon = np.array([layout.facility(i)["lon"] for i in ids])
    lat = np.array([layout.facility(i)["lat"] for i in ids])
    features, rows = [], []
    for here, after in pairwise(fixes):
        for wind, kinds in (
            ("50", [("closed", None, None)]),
            ("30", [("capacity", 0.5, "depart arrive"), ("slow", 1.5, None)]),
        ):
            if here[f"r{wind}kt_long_nm"] is None:
                continue
            radius = 1.852 * (here[f"r{wind}kt_long_nm"] + here[f"r{wind}kt_short_nm"]) / 2
            if radius <= 0 or not (great_circle_km(here["lon"], here["lat"], lon, lat) <= radius).any():
                continue
            area = f"infa-{here['time']:%m%d%H}-{wind}kt"
            features.append(
                {"type": "Feature", "id": area, "properties": {"wind_kt": int(wind)}, "geometry": _circle(here, radius)}
            )
            for kind, factor, affected in kinds:
                rows.append(
                    {
                        "id": f"{area}-{kind}",
                        "kind": kind,
                        "target_type": "area",
                        "target": area,
                        "start": here["time"].isoformat(timespec="minutes"),
                        "end": after["time"].isoformat(timespec="minutes"),
                        "factor": factor,
                        "rows": affected,
                        "known_from": (here["time"] - timedelta(hours=a.TYPHOON_KNOWN_HOURS)).isoformat(
                            timespec="minutes"
                        ),
                        "source": "hypothetical: track of In-fa (2106), JMA best track, moved to November 2022",
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None), {"type": "FeatureCollection", "features": features}


def _circle(fix: dict[str, Any], radius_km: float) -> dict[str, Any]:
    angle = np.linspace(0, 2 * np.pi, 33)[:-1]
    y = fix["lat"] + np.degrees(radius_km / 6371.0088) * np.sin(angle)
    x = fix["lon"] + np.degrees(radius_km / 6371.0088) * np.cos(angle) / np.cos(np.radians(fix["lat"]))
    ring = [[round(float(i), 4), round(float(j), 4)] for i, j in zip(x, y, strict=True)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def dumps(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
