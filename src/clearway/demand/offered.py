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
class Offered:
    """Everything that must move, by commodity.

    ``destination`` and ``cls`` describe commodity g = (d, k). ``offered`` are parcels offered by
    senders; ``held``, ``unsorted``, ``sorted`` the stock before slot 0 (their slot is 0);
    ``arriving`` the stock in transit, by the slot that holds its arrival.
    """

    destination: Ints
    cls: Ints
    offered: Sources
    held: Sources
    unsorted: Sources
    sorted: Sources
    arriving: Sources
    cut: float  # parcels offered in hours outside the horizon


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
    offered, cut = _by_slot(demand, facilities, np.searchsorted(pairs, day_pairs), grid, profile)
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
        offered=offered,
        held=stages["held"],
        unsorted=stages["unsorted"],
        sorted=stages["sorted"],
        arriving=stages["in-transit"],
        cut=cut,
    )


def _by_slot(
    demand: pl.DataFrame, facilities: Sequence[str], commodity: Ints, grid: TimeGrid, profile: Floats
) -> tuple[Sources, float]:
    origin = _codes(demand["origin"], facilities)
    parcels = demand["parcels"].to_numpy()
    days = demand["day"].to_physical().to_numpy()
    pieces: list[tuple[Ints, Ints, Ints, Floats]] = []
    cut = 0.0
    for day in demand["day"].unique().sort():
        first, weights = grid.day_weights(day, profile)
        rows = np.flatnonzero(days == (day.toordinal() - 719163))
        cut += float(parcels[rows].sum() * (1 - weights.sum()))
        slots = first + np.flatnonzero(weights)
        share = weights[weights > 0]
        pieces.append(
            (
                np.repeat(origin[rows], len(slots)),
                np.repeat(commodity[rows], len(slots)),
                np.tile(slots, len(rows)),
                np.outer(parcels[rows], share).ravel(),
            )
        )
    if not pieces:
        return _summed(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0)), 0.0
    # what rounding leaves is not a cut
    lost = cut if cut > 1e-9 * float(parcels.sum()) else 0.0
    return _summed(*(np.concatenate(part) for part in zip(*pieces, strict=True))), lost
