"""Facilities and lanes between a set of prefectures.

In:     Country, the prefectures wanted
Out:    Layout: facility and lane frames without capacities, arrays for routing
Not:    capacities (capacity.py), volumes (volumes.py)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from clearway.core.geo import great_circle_km
from scripts.china import assumptions as a
from scripts.china.facts import Country, fact, parameters

SANSHA, HAIKOU, SANYA, ZHANJIANG = "460300", "460100", "460200", "440800"


@dataclass
class Layout:
    """Facilities (dicts) and lanes (dicts) while the case is made."""

    facilities: list[dict[str, Any]] = field(default_factory=list)
    lanes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ids(self, candidates: bool = False) -> list[str]:
        return [f["id"] for f in self.facilities if candidates or not f.get("candidate")]

    def facility(self, name: str) -> dict[str, Any]:
        return next(f for f in self.facilities if f["id"] == name)


def hub_cities(country: Country) -> list[str]:
    """Prefectures of the transit cities of hubs.csv (a county-level one counts for its prefecture)."""
    parent = dict(country.places.select("code", "parent_code").iter_rows())
    level = dict(country.places.select("code", "level").iter_rows())
    codes = fact("hubs").filter(pl.col("type") == "parcel_network_transit_city")["code"]
    return list(dict.fromkeys(parent[c] if level[c] == "county" else c for c in codes))


def airports() -> list[dict[str, Any]]:
    """Air cargo airports of hubs.csv; the code in the name is the id."""
    rows = fact("hubs").filter(pl.col("type") == "air_cargo_airport").to_dicts()
    for row in rows:
        row["id"] = row["hub_name"].split()[-1]
    return rows


def build_layout(country: Country, cities: list[str]) -> Layout:
    """Sorting centres, air hubs, candidate sites and the lanes between them."""
    layout = Layout()
    p = parameters()
    for code in cities:
        i = country.at(code)
        layout.facilities.append(
            {
                "id": code,
                "name": country.name[i].removesuffix("市") + "分拨中心",
                "kind": "sorting-centre",
                "place": code,
                "lon": round(float(country.lon[i]), 5),
                "lat": round(float(country.lat[i]), 5),
                "candidate": False,
            }
        )
    _city_lanes(layout, country, cities, p)
    _air(layout, country, cities, p)
    return layout


def _lane(
    layout: Layout,
    o: str,
    d: str,
    mode: str,
    km: float,
    p: dict[str, float],
    *,
    extra_hours: float = 0.0,
    trunk: bool = False,
    classes: str | None = None,
) -> None:
    name = f"{o}-{d}-{mode}"
    if name in layout.lanes:
        layout.lanes[name]["trunk"] |= trunk
        return
    speed = {
        "road": p["truck_speed_expressway"],
        "rail": p["rail_express_freight_speed"],
        "air": p["air_block_speed"],
        "water": a.WATER_KMH,
    }[mode]
    per_km = p["linehaul_cost_per_parcel_km"]
    cost = {
        "road": a.LOADING_COST + per_km * km,
        "rail": a.LOADING_COST + per_km * a.RAIL_COST_FACTOR * km,
        "air": a.AIR_COST_FIXED + a.AIR_COST_PER_KM * km,
        "water": a.LOADING_COST + per_km * km,
    }[mode]
    layout.lanes[name] = {
        "id": name,
        "origin": o,
        "destination": d,
        "mode": mode,
        "distance_km": round(km, 1),
        "hours": round(km / speed + a.UNLOADING_AND_DWELL_HOURS[mode] + extra_hours, 2),
        "cost": round(cost, 4),
        "classes": classes,
        "extra_share": a.EXTRA["lane"],
        "co2_kg": round(a.CO2_KG_PER_KM[mode] * km, 4),
        "parcels_per_vehicle": a.PER_VEHICLE[mode] or p["truck_parcels_per_load"],
        "trunk": trunk,
    }


def _both(layout: Layout, o: str, d: str, mode: str, km: float, p: dict[str, float], **more: Any) -> None:
    _lane(layout, o, d, mode, km, p, **more)
    _lane(layout, d, o, mode, km, p, **more)


def _city_lanes(layout: Layout, country: Country, cities: list[str], p: dict[str, float]) -> None:
    index = [country.at(c) for c in cities]
    lon, lat = country.lon[index], country.lat[index]
    direct = great_circle_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :])
    road = direct * p["detour_factor_trunk"]
    island = np.array([c.startswith("46") for c in cities])
    where = {c: i for i, c in enumerate(cities)}

    def link(o: int, d: int, trunk: bool = False) -> None:
        if o == d or SANSHA in (cities[o], cities[d]):
            return
        if island[o] != island[d] and {cities[o], cities[d]} - {HAIKOU, ZHANJIANG} and not trunk:
            return
        ferry = a.FERRY_HOURS if island[o] != island[d] else 0.0
        _both(layout, cities[o], cities[d], "road", float(road[o, d]), p, extra_hours=ferry, trunk=trunk)

    for o in range(len(cities)):
        for d in np.argsort(direct[o], kind="stable")[1 : a.NEIGHBOURS + 1]:
            if direct[o, d] <= a.NEIGHBOUR_KM:
                link(o, int(d))
    provinces: dict[str, list[int]] = {}
    for i, code in enumerate(cities):
        provinces.setdefault(code[:2], []).append(i)
    for members in provinces.values():
        capital = members[0]  # xx01 is the seat of the province
        for member in members[1:]:
            link(capital, member)
    hubs = [where[c] for c in hub_cities(country) if c in where]
    for n, o in enumerate(hubs):
        for d in hubs[n + 1 :]:
            link(o, d, trunk=True)
            by_rail = _rail_city(cities[o]) and _rail_city(cities[d]) and not (island[o] or island[d])
            if by_rail and road[o, d] >= a.RAIL_FROM_KM:
                _both(layout, cities[o], cities[d], "rail", float(road[o, d]), p, trunk=True)
    _join_loose(layout, cities, road, link)
    if SANSHA in where:
        for port in (HAIKOU, SANYA):
            if port in where:
                _both(layout, SANSHA, port, "water", float(direct[where[SANSHA], where[port]]), p)


def _rail_city(code: str) -> bool:
    """Rail parcels run between provincial capitals and municipalities."""
    return code[2:4] == "01"


def _join_loose(layout: Layout, cities: list[str], road: Any, link: Any) -> None:
    """A city that got no lane (all neighbours too far) is joined to its nearest."""
    linked = {lane["origin"] for lane in layout.lanes.values()}
    for o, code in enumerate(cities):
        if code not in linked and code != SANSHA and len(cities) > 1:
            link(o, int(np.argsort(road[o], kind="stable")[1]))


def _air(layout: Layout, country: Country, cities: list[str], p: dict[str, float]) -> None:
    index = [country.at(c) for c in cities]
    lon, lat = country.lon[index], country.lat[index]
    ports = [port for port in airports() if port["code"] in cities]
    for port in ports:
        layout.facilities.append(
            {
                "id": port["id"],
                "name": port["name_zh"].removesuffix("市") + "航空枢纽（" + port["id"] + "）",
                "kind": "air-hub",
                "place": port["code"],
                "lon": port["lon"],
                "lat": port["lat"],
                "candidate": port["id"] == "EHU",
            }
        )
    for n, one in enumerate(ports):
        for two in ports[n + 1 :]:
            km = float(great_circle_km(one["lon"], one["lat"], two["lon"], two["lat"]))
            if km >= 500:
                _both(layout, one["id"], two["id"], "air", km, p, classes="emergency time-definite", trunk=True)
        km = great_circle_km(one["lon"], one["lat"], lon, lat)
        near = np.argsort(km, kind="stable")[: a.AIRPORT_CITIES]
        for i in near:
            if (
                km[i] <= a.AIRPORT_KM
                and cities[i] != SANSHA
                and cities[i].startswith("46") == one["code"].startswith("46")
            ):
                _both(layout, cities[i], one["id"], "road", max(15.0, float(km[i]) * p["detour_factor_trunk"]), p)


def add_sites(layout: Layout, country: Country, cities: list[str], busiest: list[str], p: dict[str, float]) -> None:
    """A candidate transfer site a third of the way from the nearest other city to each busy centre."""
    index = [country.at(c) for c in cities]
    lon, lat = country.lon[index], country.lat[index]
    for code in busiest:
        i = cities.index(code)
        km = great_circle_km(lon[i], lat[i], lon, lat)
        order = np.argsort(km, kind="stable")
        j = int(order[1])
        site = f"T{code}"
        x, y = float(lon[j] + (lon[i] - lon[j]) / 3), float(lat[j] + (lat[i] - lat[j]) / 3)
        layout.facilities.append(
            {
                "id": site,
                "name": layout.facility(code)["name"].removesuffix("分拨中心") + "临时接驳点",
                "kind": "transfer-site",
                "place": cities[j],
                "lon": round(x, 5),
                "lat": round(y, 5),
                "candidate": True,
            }
        )
        for n in order[: a.NEIGHBOURS]:
            distance = float(great_circle_km(x, y, lon[n], lat[n])) * p["detour_factor_trunk"]
            _both(layout, site, cities[n], "road", max(5.0, distance), p)
