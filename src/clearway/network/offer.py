"""What the network offers in each slot, before disruptions.

In:     Network, TimeGrid, default costs, class names
Out:    Offer: capacities [parcels per slot], travel hours, costs, as arrays by facility or lane and slot
Not:    closures and delays (disruption.effects turns an Offer into another Offer)
Words:  base = capacity before what can be mobilised; inf = no limit
Source: docs/planning.md section 2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.timegrid import TimeGrid, parse_clock
from clearway.network.read import Network

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Offer:
    """Arrays by facility (F), lane (L), slot (T) and class (K). Candidates are left out.

    Capacities are ``inf`` where there is no limit. ``hours`` hold travel time by departure slot.
    """

    grid: TimeGrid
    facilities: tuple[str, ...]
    lanes: tuple[str, ...]
    origin: NDArray[np.int64]  # (L,) index of the facility a lane leaves
    destination: NDArray[np.int64]  # (L,)
    accept: Floats  # (F, T) parcels per slot
    sort: Floats  # (F, T)
    storage: Floats  # (F, T) parcels
    deliver: Floats  # (F, T)
    depart: Floats  # (L, T)
    hours: Floats  # (L, T)
    sort_cost: Floats  # (F, T) per parcel
    deliver_cost: Floats  # (F,)
    lane_cost: Floats  # (L,)
    lane_classes: NDArray[np.bool_]  # (L, K)
    sort_extra_share: Floats  # (F,)
    deliver_extra_share: Floats  # (F,)
    facility_premium: Floats  # (F,)
    facility_extra_from: Floats  # (F,) hours after the start
    lane_extra_share: Floats  # (L,)
    lane_premium: Floats  # (L,)
    sort_ordered: Floats  # (F, T) extra ordered before the start: there even within the lead time
    deliver_ordered: Floats

    def travel_slots(self) -> NDArray[np.int64]:
        """τ[l, t], slots from departure until the parcels can be sorted, by departure slot."""
        slots = np.ceil(self.hours / self.grid.slot_hours - 1e-9)
        return np.maximum(1, slots).astype(np.int64)

    def extra_limits(self) -> tuple[Floats, Floats, Floats]:
        """What can be mobilised on sort, deliver and depart  [parcels per slot]."""
        begins = self.grid.slot_hours * np.arange(self.grid.slots)
        ready = begins[None, :] >= self.facility_extra_from[:, None] - 1e-9
        sort, deliver = self.sort * self.sort_extra_share[:, None], self.deliver * self.deliver_extra_share[:, None]
        return (
            np.where(ready, sort, np.minimum(sort, self.sort_ordered)),
            np.where(ready, deliver, np.minimum(deliver, self.deliver_ordered)),
            self.depart * self.lane_extra_share[:, None],
        )


def _column(frame: pl.DataFrame, name: str, default: float) -> Floats:
    return frame[name].cast(pl.Float64).fill_null(default).to_numpy().astype(float)


# extra capacity that was ordered before the start of a horizon: row (sort, deliver), id, start, end, per_hour
ORDERED = pl.Schema(
    [
        ("row", pl.String()),
        ("id", pl.String()),
        ("start", pl.Datetime("us")),
        ("end", pl.Datetime("us")),
        ("per_hour", pl.Float64()),
    ]
)


def build_offer(
    network: Network,
    grid: TimeGrid,
    costs: Mapping[str, float],
    classes: Sequence[str],
    ordered: pl.DataFrame | None = None,
) -> Offer:
    """The undisturbed offer of a checked network.

    Parameters
    ----------
    costs
        Defaults ``sort``, ``deliver``, ``extra_premium``  [currency per parcel].
    classes
        Names of the classes, in the order of the K axis.
    ordered
        Extra capacity ordered earlier (columns of ORDERED).
    """
    facilities = network.facilities.filter(~pl.col("candidate").fill_null(False))
    index = {name: i for i, name in enumerate(facilities["id"])}
    lanes = network.lanes.filter(pl.col("origin").is_in(list(index)) & pl.col("destination").is_in(list(index)))
    opening = _open_hours(facilities, grid)
    allowed = np.ones((len(lanes), len(classes)), bool)
    for row, names in enumerate(lanes["classes"]):
        if names is not None:
            allowed[row] = np.isin(list(classes), names.split())
    shape = (len(lanes), grid.slots)
    there = _there(facilities, grid)
    opening = opening * there
    storage = np.repeat(_column(facilities, "storage", np.inf)[:, None], grid.slots, axis=1)
    accept = _unlimited_or(facilities, "accept_per_hour", opening)
    return Offer(
        grid=grid,
        facilities=tuple(facilities["id"]),
        lanes=tuple(lanes["id"]),
        origin=np.array([index[x] for x in lanes["origin"]], np.int64),
        destination=np.array([index[x] for x in lanes["destination"]], np.int64),
        accept=np.where(there > 0, accept, 0.0),
        sort=_column(facilities, "sort_per_hour", 0)[:, None] * opening,
        storage=np.where(there > 0, storage, 0.0),
        deliver=_column(facilities, "deliver_per_hour", 0)[:, None] * opening,
        depart=_departures(lanes, grid),
        hours=np.broadcast_to(_column(lanes, "hours", 0)[:, None], shape).copy(),
        sort_cost=np.repeat(_column(facilities, "sort_cost", costs["sort"])[:, None], grid.slots, axis=1),
        deliver_cost=_column(facilities, "deliver_cost", costs["deliver"]),
        lane_cost=_column(lanes, "cost", 0),
        lane_classes=allowed,
        sort_extra_share=_column(facilities, "extra_sort_share", 0),
        deliver_extra_share=_column(facilities, "extra_deliver_share", 0),
        facility_premium=_column(facilities, "extra_premium", costs["extra_premium"]),
        facility_extra_from=_column(facilities, "extra_from", 0),
        lane_extra_share=_column(lanes, "extra_share", 0),
        lane_premium=_column(lanes, "extra_premium", costs["extra_premium"]),
        sort_ordered=_ordered(ordered, "sort", index, grid),
        deliver_ordered=_ordered(ordered, "deliver", index, grid),
    )


def _there(facilities: pl.DataFrame, grid: TimeGrid) -> Floats:
    """1 from the slot on in which a facility is there (``open_from_hours``), else 0 (F, T)."""
    begins = grid.slot_hours * np.arange(grid.slots)
    return np.asarray((begins[None, :] >= _column(facilities, "open_from_hours", 0)[:, None] - 1e-9).astype(float))


def _ordered(ordered: pl.DataFrame | None, row: str, index: Mapping[str, int], grid: TimeGrid) -> Floats:
    """Parcels per slot that were ordered of one row (F, T); what begins or ends inside a slot counts in part."""
    found = np.zeros((len(index), grid.slots))
    if ordered is None:
        return found
    for _, name, start, end, rate in ordered.filter(pl.col("row") == row).iter_rows():
        if name not in index:
            continue
        for t in range(max(0, grid.slot_of(start)), min(grid.slots, grid.slot_of(end) + 1)):
            hours = (min(end, grid.time(t + 1)) - max(start, grid.time(t))).total_seconds() / 3600
            found[index[name], t] += rate * max(0.0, hours)
    return found


def _open_hours(facilities: pl.DataFrame, grid: TimeGrid) -> Floats:
    hours = np.full((len(facilities), grid.slots), grid.slot_hours)
    for row, (opens, closes) in enumerate(facilities.select("opens", "closes").iter_rows()):
        if opens is not None and closes is not None:
            hours[row] = grid.open_hours(parse_clock(opens), parse_clock(closes))
    return hours


def _unlimited_or(facilities: pl.DataFrame, name: str, opening: Floats) -> Floats:
    rate = _column(facilities, name, np.nan)
    limited = ~np.isnan(rate)
    rows = np.full(opening.shape, np.inf)
    rows[limited] = rate[limited, None] * opening[limited]
    return rows


def _departures(lanes: pl.DataFrame, grid: TimeGrid) -> Floats:
    rows = np.repeat(_column(lanes, "per_hour", 0)[:, None] * grid.slot_hours, grid.slots, axis=1)
    begin = grid.minute_of_day()
    for row, (departures, capacity) in enumerate(lanes.select("departures", "capacity").iter_rows()):
        if departures is None:
            continue
        for clock in departures.split():
            minute = parse_clock(clock) % 1440
            rows[row] += capacity * ((begin <= minute) & (minute < begin + grid.slot_minutes))
    return rows
