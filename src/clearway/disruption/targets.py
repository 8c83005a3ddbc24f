"""Which facilities and lanes a disruption's target means.

In:     Network, the facility and lane order of an Offer, areas
Out:    a mask of member facilities, or the index of a lane
Not:    effects (effects.py)
Words:  member = a facility inside the target; the border of an area counts as inside
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from clearway.core.geo import gcj02_to_wgs84
from clearway.network import Network, descendants


class Targets:
    """Resolves targets for one network; ``gcj02`` says in which datum the facilities stand."""

    def __init__(
        self,
        network: Network,
        facilities: Sequence[str],
        lanes: Sequence[str],
        areas: Mapping[str, BaseGeometry],
        *,
        gcj02: bool = False,
    ) -> None:
        self._places = network.places
        self._areas = areas
        self._facility = {name: i for i, name in enumerate(facilities)}
        self._lane = {name: i for i, name in enumerate(lanes)}
        located = {row["id"]: row for row in network.located().select("id", "place", "lon", "lat").to_dicts()}
        rows = [located[name] for name in facilities]
        self._place_of = np.array([row["place"] for row in rows], dtype=object)
        lon = np.array([np.nan if row["lon"] is None else row["lon"] for row in rows], float)
        lat = np.array([np.nan if row["lat"] is None else row["lat"] for row in rows], float)
        points = gcj02_to_wgs84(lon, lat) if gcj02 else (lon, lat)
        self._lon: NDArray[np.float64] = points[0]
        self._lat: NDArray[np.float64] = points[1]

    def members(self, target_type: str, target: str) -> NDArray[np.bool_]:
        """Facilities inside a facility, place or area target, shape (F,); absent ones give none."""
        mask = np.zeros(len(self._facility), bool)
        if target_type == "facility":
            if target in self._facility:
                mask[self._facility[target]] = True
        elif target_type == "place":
            inside = descendants(self._places, [target])
            mask[:] = [place in inside for place in self._place_of]
        else:
            mask[:] = shapely.intersects_xy(self._areas[target], self._lon, self._lat)
        return mask

    def lane(self, target: str) -> int | None:
        """Index of a lane, or ``None`` where it is absent (an end is a candidate)."""
        return self._lane.get(target)


def describe_hits(
    disruptions: pl.DataFrame, targets: Targets, facility: int, ends: tuple[int, int] | None = None, lane: int = -1
) -> list[dict[str, Any]]:
    """Disruptions that reach a facility, or a lane given by its ``ends`` and index, as rows."""
    hits = []
    for row in disruptions.iter_rows(named=True):
        if row["target_type"] == "lane":
            reached = lane >= 0 and targets.lane(row["target"]) == lane
        else:
            members = targets.members(row["target_type"], row["target"])
            reached = any(members[list(ends)]) if ends else bool(members[facility])
        if reached:
            hits.append(row)
    return hits
