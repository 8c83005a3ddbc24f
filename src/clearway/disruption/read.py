"""Check disruptions: a kind takes certain targets and needs certain columns; ends come after starts.

In:     typed frame of disruptions; areas.geojson; ids of facilities, lanes, places
Out:    faults and warnings; areas as shapely polygons
Not:    effects (effects.py), the one-line form of the command line (text.py)
Words:  area = a polygon with an id
Source: docs/planning.md section 6
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import polars as pl
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from clearway.core.errors import Faults
from clearway.core.schema import load_schemas, nearest
from clearway.core.tables import rows_where
from clearway.core.timegrid import format_time

SCHEMAS = load_schemas("clearway.disruption")

_INSIDE = ("facility", "place", "area")
TARGETS: dict[str, tuple[str, ...]] = {
    "closed": ("facility", "lane", "place", "area"),
    "no-entry": _INSIDE,
    "no-exit": _INSIDE,
    "no-transit": _INSIDE,
    "embargo": _INSIDE,
    "capacity": ("facility", "lane", "place", "area"),
    "slow": ("facility", "lane", "place", "area"),
    "handling": _INSIDE,
}
_NEEDS = {"capacity": "factor", "slow": "factor", "handling": "hours"}
_USES = {
    "factor": ("capacity", "slow", "handling"),
    "hours": ("handling",),
    "rows": ("capacity",),
}


def parse_areas(text: str, file: str, faults: Faults) -> dict[str, BaseGeometry]:
    """Polygons of a GeoJSON FeatureCollection by ``id`` (the feature's own or a property)."""
    try:
        collection = json.loads(text)
        features = collection["features"]
        assert isinstance(features, list)
    except (ValueError, KeyError, TypeError, AssertionError):
        faults.add("not_geojson", file, reason="a FeatureCollection with features is expected")
        return {}
    areas: dict[str, BaseGeometry] = {}
    for row, feature in enumerate(features, start=1):
        area = _area_id(feature)
        if area is None:
            faults.add("not_geojson", file, row, "id", reason="every feature needs an id")
            continue
        try:
            geometry = shape(feature["geometry"])
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
            faults.add("not_geojson", file, row, "geometry", area, reason=str(error) or "no geometry")
            continue
        if geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty:
            faults.add("not_geojson", file, row, "geometry", area, reason=f"it is a {geometry.geom_type}")
        elif not geometry.is_valid:
            faults.add("not_geojson", file, row, "geometry", area, reason=shapely.is_valid_reason(geometry))
        else:
            areas[area] = shapely.union(areas[area], geometry) if area in areas else geometry
    return areas


def _area_id(feature: object) -> str | None:
    if not isinstance(feature, dict):
        return None
    value = feature.get("id")
    if value is None and isinstance(feature.get("properties"), dict):
        value = feature["properties"].get("id")
    return None if value is None else str(value)


def check_disruptions(
    disruptions: pl.DataFrame, known: Mapping[str, list[str]], file: str, faults: Faults, first_row: int = 2
) -> None:
    """Add a fault for every row that cannot be applied.

    ``known`` holds the ids a target may name, by target type: facility, lane, place, area.
    """
    for row, values in rows_where(disruptions, pl.lit(True), first_row):
        kind, target_type = values["kind"], values["target_type"]
        if kind is None or target_type is None:
            continue
        allowed = TARGETS[kind]
        if target_type not in allowed:
            faults.add(
                "kind_target", file, row, "target_type", kind, target_type=target_type, allowed=", ".join(allowed)
            )
        elif values["target"] is not None and values["target"] not in known[target_type]:
            faults.add(
                "unknown_id",
                file,
                row,
                "target",
                values["target"],
                table=_TABLES[target_type],
                nearest=nearest(values["target"], known[target_type]),
            )
        needed = _NEEDS.get(kind)
        if needed and values[needed] is None:
            faults.add("needs", file, row, needed, kind=kind)
        for column, users in _USES.items():
            if values[column] is not None and kind not in users:
                faults.warn("not_used", file, row, column, values[column], kind=kind)
        if kind == "capacity" and target_type == "lane" and values["rows"]:
            for name in values["rows"].split():
                if name != "depart":
                    faults.add("rows_for_target", file, row, "rows", name, target_type="lane", allowed="depart")
        if values["start"] is not None and values["end"] is not None and values["end"] <= values["start"]:
            faults.add(
                "ends_before_start", file, row, "end", format_time(values["end"]), start=format_time(values["start"])
            )


_TABLES = {"facility": "facilities", "lane": "lanes", "place": "places", "area": "areas.geojson"}
