"""The time-expanded problem of a case: sources, capacities, costs and bans as arrays.

In:     Case
Out:    Problem
Not:    solving (exact.py), bounds (lagrangian.py)
Words:  source = parcels that appear somewhere in a slot; shut = a row without capacity and extra
Source: docs/planning.md sections 2-7
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearway.cases import Case
from clearway.core.timegrid import TimeGrid
from clearway.demand import Offered
from clearway.disruption import Disrupted
from clearway.network import Offer

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
ROWS = ("accept", "sort", "storage", "deliver", "depart")


@dataclass(frozen=True)
class Row:
    """One kind of capacity: base, what can be mobilised and its price, all by (id, slot)."""

    base: Floats  # inf: no limit
    extra: Floats
    premium: Floats  # (ids,)
    overflows: bool = False  # storage: more than the base may stay, at a price

    @property
    def shut(self) -> Mask:
        """Where nothing may pass."""
        return np.asarray((self.base + self.extra <= 0) & (not self.overflows))

    @property
    def limited(self) -> Mask:
        """Where there is a finite limit above nothing."""
        return np.isfinite(self.base) & ~self.shut


@dataclass(frozen=True)
class Problem:
    """Everything the planning model needs, for F facilities, L lanes, T slots, K classes, G commodities."""

    grid: TimeGrid
    offer: Offer
    disrupted: Disrupted
    offered: Offered
    travel: NDArray[np.int64]  # (L, T) slots
    rows: dict[str, Row]
    class_names: tuple[str, ...]
    time_value: Floats  # (K,) per parcel-hour
    hold_factor: Floats  # (K,)
    penalty: Floats  # (K,) per parcel undelivered
    overflow_price: float  # M, per parcel-hour
    hold: bool

    @property
    def commodities(self) -> int:
        """G, the number of (destination, class) pairs with parcels."""
        return len(self.offered.destination)

    def may_depart(self) -> Mask:
        """Departures that have capacity and arrive inside the horizon, shape (L, T)."""
        slots = self.grid.slots
        return ~self.rows["depart"].shut & (np.arange(slots)[None, :] + self.travel <= slots - 1)

    def banned(self, commodity: int) -> Mask:
        """Departures a commodity may not use: lane classes and transit bans, shape (L, T)."""
        banned = np.repeat(~self.offer.lane_classes[:, [self.offered.cls[commodity]]], self.grid.slots, axis=1)
        for ban in self.disrupted.transit_bans:
            if not ban.members[self.offered.destination[commodity]]:
                banned |= ban.departures
        return banned

    def embargoed(self, commodity: int) -> Mask:
        """Slots in which a commodity may not be accepted, shape (T,)."""
        slots = np.zeros(self.grid.slots, bool)
        for embargo in self.disrupted.embargoes:
            if embargo.members[self.offered.destination[commodity]]:
                slots |= embargo.slots
        return slots


def build_problem(case: Case) -> Problem:
    """The problem of a checked case; the disruptions it holds are those the plan may know of."""
    disrupted = case.disrupted()
    offer = disrupted.offer
    sort_extra, deliver_extra, depart_extra = offer.extra_limits()
    none = np.zeros_like(offer.sort)
    free = np.zeros(len(offer.facilities))
    classes = case.settings.classes
    return Problem(
        grid=case.grid,
        offer=offer,
        disrupted=disrupted,
        offered=case.offered(offer.facilities),
        travel=offer.travel_slots(),
        rows={
            "accept": Row(offer.accept, none, free),
            "sort": Row(offer.sort, sort_extra, offer.facility_premium),
            "storage": Row(offer.storage, none, free, overflows=True),
            "deliver": Row(offer.deliver, deliver_extra, offer.facility_premium),
            "depart": Row(offer.depart, depart_extra, offer.lane_premium),
        },
        class_names=tuple(c.name for c in classes),
        time_value=np.array([c.time_value for c in classes]),
        hold_factor=np.array([c.hold_factor for c in classes]),
        penalty=np.array([c.undelivered_penalty for c in classes]),
        overflow_price=case.settings.costs["overflow_penalty"],
        hold=case.settings.hold_at_sender,
    )
