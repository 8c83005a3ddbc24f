"""Check what holds between the rows of places, facilities and lanes.

In:     typed frames of the three tables
Out:    Network; faults for circles, unknown references, half pairs, lanes to themselves
Not:    reading cells (core.tables), arrays by slot (offer.py)
Words:  parent = the place above; half pair = lon without lat, opens without closes
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from clearway.core.errors import Faults
from clearway.core.schema import load_schemas, nearest
from clearway.core.tables import rows_where

SCHEMAS = load_schemas("clearway.network")


@dataclass(frozen=True)
class Network:
    """The checked tables; frames have the columns of network/columns.csv in that order."""

    places: pl.DataFrame
    facilities: pl.DataFrame
    lanes: pl.DataFrame

    def located(self) -> pl.DataFrame:
        """Facilities with ``lon`` and ``lat``, taken from the place where they have none."""
        places = self.places.select("code", place_lon="lon", place_lat="lat")
        joined = self.facilities.join(places, left_on="place", right_on="code", how="left", maintain_order="left")
        return joined.with_columns(
            pl.coalesce("lon", "place_lon").alias("lon"), pl.coalesce("lat", "place_lat").alias("lat")
        ).drop("place_lon", "place_lat")


def descendants(places: pl.DataFrame, codes: Iterable[str]) -> set[str]:
    """The given places and all below them."""
    children: dict[str, list[str]] = {}
    for code, parent in places.select("code", "parent").iter_rows():
        if parent is not None:
            children.setdefault(parent, []).append(code)
    found: set[str] = set()
    stack = list(codes)
    while stack:
        code = stack.pop()
        if code not in found:
            found.add(code)
            stack.extend(children.get(code, ()))
    return found


def check_network(network: Network, classes: Iterable[str], files: dict[str, str], faults: Faults) -> None:
    """Add a fault for every row that contradicts another row or itself."""
    _check_places(network.places, files["places"], faults)
    _check_facilities(network, files["facilities"], faults)
    _check_lanes(network, list(classes), files["lanes"], faults)


def _unknown(frame: pl.DataFrame, column: str, known: pl.Series, table: str, file: str, faults: Faults) -> None:
    names = known.drop_nulls().to_list()
    missing = pl.col(column).is_not_null() & ~pl.col(column).is_in(names)
    for row, values in rows_where(frame, missing):
        faults.add("unknown_id", file, row, column, values[column], table=table, nearest=nearest(values[column], names))


def _half_pairs(frame: pl.DataFrame, one: str, two: str, code: str, file: str, faults: Faults) -> None:
    for row, values in rows_where(frame, pl.col(one).is_null() != pl.col(two).is_null()):
        column = one if values[one] is not None else two
        faults.add(code, file, row, column, values[column])


def _check_places(places: pl.DataFrame, file: str, faults: Faults) -> None:
    _unknown(places, "parent", places["code"], "places", file, faults)
    _half_pairs(places, "lon", "lat", "coordinate_pair", file, faults)
    parent = {code: above for code, above in places.select("code", "parent").iter_rows() if code is not None}
    settled: set[str] = set()
    for row, code in enumerate(places["code"].to_list(), start=2):
        path: list[str] = []
        step: str | None = code
        while step is not None and step not in settled and step not in path:
            path.append(step)
            step = parent.get(step)
        if step is not None and step in path:
            circle = [*path[path.index(step) :], step]
            faults.add("circle", file, row, "parent", parent[code], path=" > ".join(circle))
        settled.update(path)


def _check_facilities(network: Network, file: str, faults: Faults) -> None:
    facilities = network.facilities
    _unknown(facilities, "place", network.places["code"], "places", file, faults)
    _half_pairs(facilities, "lon", "lat", "coordinate_pair", file, faults)
    _half_pairs(facilities, "opens", "closes", "half_pair", file, faults)


def _check_lanes(network: Network, classes: list[str], file: str, faults: Faults) -> None:
    lanes = network.lanes
    for column in ("origin", "destination"):
        _unknown(lanes, column, network.facilities["id"], "facilities", file, faults)
    for row, values in rows_where(lanes, pl.col("origin") == pl.col("destination")):
        faults.add("self_lane", file, row, "destination", values["destination"])
    rate = pl.col("per_hour").is_not_null()
    timetable = pl.col("departures").is_not_null()
    capacity = pl.col("capacity").is_not_null()
    wrong = (rate == timetable) | (timetable != capacity)
    for row, values in rows_where(lanes, wrong):
        given = [c for c in ("per_hour", "departures", "capacity") if values[c] is not None]
        faults.add("lane_rate", file, row, "per_hour", values["per_hour"], seen=", ".join(given) or "none of them")
    known = set(classes)
    for row, values in rows_where(lanes, pl.col("classes").is_not_null()):
        for name in values["classes"].split():
            if name not in known:
                faults.add(
                    "unknown_id", file, row, "classes", name, table="case.toml class", nearest=nearest(name, classes)
                )
