"""Read a case and check it as a whole; every fault of every table comes back at once.

In:     a folder, an .xlsx or the name of a built-in case
Out:    Case
Not:    opening files (sources.py), settings (settings.py), checks inside one room's tables (that room)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from shapely.geometry.base import BaseGeometry

from clearway.cases.builtin import builtin_layers, builtin_name, reference_points
from clearway.cases.case import Case
from clearway.cases.settings import Settings, parse_settings
from clearway.cases.sources import REQUIRED, SCHEMAS, Source, open_source
from clearway.core.errors import Faults
from clearway.core.geo import great_circle_km, wgs84_to_gcj02
from clearway.core.raw import frame_table
from clearway.core.tables import read_table
from clearway.demand import check_demand, check_stock
from clearway.disruption import check_disruptions, parse_areas
from clearway.network import Network, check_network

_REFERENCES: dict[str, dict[str, str]] = {
    "demand": {"origin": "facilities", "destination": "facilities", "class": "class"},
    "stock": {"facility": "facilities", "destination": "facilities", "class": "class"},
    "history": {"place": "places"},
}
_SAME_POINT_M, _SHIFT_M = 30.0, 100.0


def read_case(source: str | Path) -> Case:
    """Read and check a case.

    Parameters
    ----------
    source
        A case folder, an .xlsx, or a built-in case such as ``china-2022/peak``, ``peak`` or ``tiny``.

    Raises
    ------
    InputError
        With every fault of every table.
    """
    faults = Faults()
    name = builtin_name(source)
    if name is not None:
        folder, layers = builtin_layers(name)
        opened = open_source(folder, faults, layers)
    else:
        opened = open_source(Path(source), faults)
    settings = parse_settings(opened.document, opened.document_file, faults)
    frames = _read_frames(opened, settings, faults)
    files = {table: opened.tables[table].file if table in opened.tables else f"{table}.csv" for table in SCHEMAS}
    areas = parse_areas(opened.areas, opened.areas_file, faults) if opened.areas is not None else {}
    if settings is not None:
        _check(settings, frames, files, areas, faults)
    faults.require()
    assert settings is not None
    return Case(
        settings=settings,
        areas=areas,
        source=name or str(source),
        warnings=tuple(faults.warnings),
        **{table: frames[table] for table in SCHEMAS},
    )


def _read_frames(opened: Source, settings: Settings | None, faults: Faults) -> dict[str, pl.DataFrame]:
    frames: dict[str, pl.DataFrame] = {}
    known: dict[str, pl.Series] = {"class": pl.Series(settings.class_names if settings else [], dtype=pl.String)}
    zone = settings.zone if settings else ZoneInfo("UTC")
    for table, schema in SCHEMAS.items():
        ids = {
            column: (target, known[target])
            for column, target in _REFERENCES.get(table, {}).items()
            if settings is not None or target != "class"
        }
        if table in opened.tables:
            source = opened.tables[table]
        else:
            source = frame_table(schema.empty(), f"{table}.csv")
            if table in REQUIRED:
                faults.add("missing_file", f"{table}.csv")
        frames[table] = read_table(source, schema, faults, zone=zone, ids=ids)
        if table in ("places", "facilities"):
            known[table] = frames[table]["code" if table == "places" else "id"]
    return frames


def _check(
    settings: Settings,
    frames: Mapping[str, pl.DataFrame],
    files: Mapping[str, str],
    areas: Mapping[str, BaseGeometry],
    faults: Faults,
) -> None:
    network = Network(frames["places"], frames["facilities"], frames["lanes"])
    check_network(network, settings.class_names, dict(files), faults)
    facilities = frames["facilities"]
    absent = facilities.filter(pl.col("candidate").fill_null(False))["id"].drop_nulls().to_list()
    check_demand(frames["demand"], settings.grid, absent, files["demand"], faults)
    check_stock(frames["stock"], settings.grid, absent, files["stock"], faults)
    known = {
        "facility": facilities["id"].drop_nulls().to_list(),
        "lane": frames["lanes"]["id"].drop_nulls().to_list(),
        "place": frames["places"]["code"].drop_nulls().to_list(),
        "area": list(areas),
    }
    check_disruptions(frames["disruptions"], known, files["disruptions"], faults)
    if settings.coordinates == "WGS84":
        _check_datum(network, files, faults)
    _check_prices(settings, faults)


def _check_prices(settings: Settings, faults: Faults) -> None:
    overflow = settings.costs["overflow_penalty"]
    penalty = max(c.undelivered_penalty for c in settings.classes)
    if overflow * 24 > penalty:
        faults.warn(
            "overflow_price", "case.toml", None, "costs.overflow_penalty", overflow, overflow=overflow, penalty=penalty
        )


def _check_datum(network: Network, files: Mapping[str, str], faults: Faults) -> None:
    """Points that are exactly a known seat shifted to GCJ-02 are refused unless declared.

    Compared with the seats of the built-in places, and facilities also with the case's places.
    """
    codes, lon, lat = reference_points()
    seats = dict(zip(codes, zip(lon, lat, strict=True), strict=True))
    places = network.places.select(place="code", id="code", lon="lon", lat="lat")
    own = {row["id"]: (row["lon"], row["lat"]) for row in places.to_dicts()}
    for table, frame in (("places", places), ("facilities", network.facilities.select("place", "id", "lon", "lat"))):
        for row, values in enumerate(frame.iter_rows(named=True), start=2):
            x, y, code = values["lon"], values["lat"], values["place"]
            if x is None or y is None:
                continue
            for point in {seats.get(code), own.get(code) if table == "facilities" else None} - {None}:
                if point is None or None in point:
                    continue
                shifted = wgs84_to_gcj02(*point)
                shift = 1000 * float(great_circle_km(*point, *shifted))
                miss = 1000 * float(great_circle_km(x, y, *shifted))
                if miss < _SAME_POINT_M and shift > _SHIFT_M:
                    faults.add(
                        "gcj02",
                        files[table],
                        row,
                        "lon",
                        np.round(x, 6),
                        name=code,
                        metres=round(shift),
                    )
                    break
