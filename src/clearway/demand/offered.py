"""Parcels offered in each slot, and parcels already in the network at the start.

In:     demand and stock frames, facility and class order, TimeGrid, collection profile
Out:    Offered: commodities and sparse (facility, commodity, slot, parcels) arrays
Not:    capacities, what happens to the parcels
Words:  commodity = (destination, class); source = parcels that appear at one place in one slot
Source: docs/planning.md section 3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.timegrid import TimeGrid

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sources:
    """Parcels that appear at a facility in a slot, one entry per (facility, commodity, slot)."""

    facility: Ints
    commodity: Ints
    slot: Ints
    parcels: Floats


@dataclass(frozen=True)
class Daily:
    """Parcels offered at a facility on a day, one entry per (facility, commodity, day)."""

    facility: Ints
    commodity: Ints
    day: Ints
    parcels: Floats


@dataclass(frozen=True)
class Offered:
    """Everything that must move, by commodity.

    ``destination`` and ``cls`` describe commodity g = (d, k). ``daily`` are parcels offered by
    senders; in slot t the share ``share_of_slot[t]`` of those of day ``day_of_slot[t]`` is offered.
    ``held``, ``unsorted``, ``sorted`` are the stock before slot 0 (their slot is 0); ``arriving`` the
    stock in transit, by the slot that holds its arrival.
    """

    destination: Ints
    cls: Ints
    daily: Daily
    days: tuple[date, ...]
    day_of_slot: Ints  # (T,) index of the day; 0 where none is offered
    share_of_slot: Floats  # (T,)
    held: Sources
    unsorted: Sources
    sorted: Sources
    arriving: Sources
    cut: float  # parcels offered in hours outside the horizon

    def share_of_day(self) -> Floats:
        """The part of each day's demand that is offered inside the horizon, shape (days,)."""
        inside = np.zeros(len(self.days))
        np.add.at(inside, self.day_of_slot[self.share_of_slot > 0], self.share_of_slot[self.share_of_slot > 0])
        return inside

    @cached_property
    def offered(self) -> Sources:
        """``daily`` by slot: large for a country, where ``daily`` should do."""
        slots = [np.flatnonzero((self.day_of_slot == d) & (self.share_of_slot > 0)) for d in range(len(self.days))]
        pieces: list[tuple[Ints, Ints, Ints, Floats]] = []
        for d, slot in enumerate(slots):
            rows = np.flatnonzero(self.daily.day == d)
            pieces.append(
                (
                    np.repeat(self.daily.facility[rows], len(slot)),
                    np.repeat(self.daily.commodity[rows], len(slot)),
                    np.tile(slot, len(rows)),
                    np.outer(self.daily.parcels[rows], self.share_of_slot[slot]).ravel(),
                )
            )
        if not pieces:
            return _summed(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0))
        return _summed(*(np.concatenate(part) for part in zip(*pieces, strict=True)))


def _codes(column: pl.Series, names: Sequence[str]) -> Ints:
    return column.cast(pl.String).cast(pl.Enum(list(names))).to_physical().to_numpy().astype(np.int64)


def _summed(facility: Ints, commodity: Ints, slot: Ints, parcels: Floats) -> Sources:
    """One entry per (facility, commodity, slot), without empty ones, in a fixed order."""
    frame = (
        pl.DataFrame({"f": facility, "g": commodity, "t": slot, "n": parcels})
        .filter(pl.col("n") > 0)
        .group_by("g", "f", "t", maintain_order=True)
        .agg(pl.col("n").sum())
        .sort("g", "f", "t")
    )
    return Sources(*(frame[c].to_numpy().astype(t) for c, t in zip("fgtn", (int, int, int, float), strict=True)))


def build_offered(
    demand: pl.DataFrame,
    stock: pl.DataFrame,
    facilities: Sequence[str],
    classes: Sequence[str],
    grid: TimeGrid,
    profile: Floats,
    *,
    hold: bool,
) -> Offered:
    """Spread each day's demand over its slots and sort the stock by stage.

    Without ``hold`` stock held at senders does not exist and is left out.
    """
    if not hold:
        stock = stock.filter(pl.col("stage") != "held")
    k = len(classes)
    day_pairs = _codes(demand["destination"], facilities) * k + _codes(demand["class"], classes)
    stock_pairs = _codes(stock["destination"], facilities) * k + _codes(stock["class"], classes)
    alive_days = day_pairs[(demand["parcels"] > 0).to_numpy()]
    alive_stock = stock_pairs[(stock["parcels"] > 0).to_numpy()]
    pairs = np.unique(np.concatenate([alive_days, alive_stock]))
    daily, days, day_of_slot, share_of_slot, cut = _by_day(
        demand, facilities, np.searchsorted(pairs, day_pairs), grid, profile
    )
    stages = {}
    arrival = ((stock["arrives"] - grid.start).dt.total_microseconds() // (grid.slot_minutes * 60_000_000)).fill_null(0)
    for stage in ("held", "unsorted", "sorted", "in-transit"):
        at = (stock["stage"] == stage).to_numpy()
        stages[stage] = _summed(
            _codes(stock["facility"], facilities)[at],
            np.searchsorted(pairs, stock_pairs[at]),
            arrival.to_numpy().astype(np.int64)[at] * (stage == "in-transit"),
            stock["parcels"].to_numpy()[at],
        )
    return Offered(
        destination=pairs // k,
        cls=pairs % k,
        daily=daily,
        days=days,
        day_of_slot=day_of_slot,
        share_of_slot=share_of_slot,
        held=stages["held"],
        unsorted=stages["unsorted"],
        sorted=stages["sorted"],
        arriving=stages["in-transit"],
        cut=cut,
    )


def _by_day(
    demand: pl.DataFrame, facilities: Sequence[str], commodity: Ints, grid: TimeGrid, profile: Floats
) -> tuple[Daily, tuple[date, ...], Ints, Floats, float]:
    """Entries by day, the days, and the day and its share that belong to each slot."""
    days = tuple(demand["day"].unique().sort())
    position = {day: i for i, day in enumerate(days)}
    day_of_slot, share_of_slot = np.zeros(grid.slots, np.int64), np.zeros(grid.slots)
    inside = np.zeros(len(days))
    for day, index in position.items():
        first, weights = grid.day_weights(day, profile)
        day_of_slot[first : first + len(weights)] = index
        share_of_slot[first : first + len(weights)] = weights
        inside[index] = weights.sum()
    frame = (
        pl.DataFrame(
            {
                "f": _codes(demand["origin"], facilities),
                "g": commodity,
                "d": demand["day"].replace_strict(position, return_dtype=pl.Int64) if days else [],
                "n": demand["parcels"],
            },
            schema_overrides={"d": pl.Int64},
        )
        .filter(pl.col("n") > 0)
        .group_by("g", "f", "d", maintain_order=True)
        .agg(pl.col("n").sum())
        .sort("g", "f", "d")
    )
    daily = Daily(*(frame[c].to_numpy().astype(t) for c, t in zip("fgdn", (int, int, int, float), strict=True)))
    cut = float((daily.parcels * (1 - inside[daily.day])).sum()) if days else 0.0
    # what rounding leaves is not a cut
    return daily, days, day_of_slot, share_of_slot, cut if cut > 1e-9 * float(daily.parcels.sum()) else 0.0
