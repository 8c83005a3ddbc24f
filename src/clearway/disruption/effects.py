"""Apply disruptions to an Offer: eight kinds, slot by slot.

In:     Offer, checked disruptions, Targets
Out:    Disrupted: another Offer, embargoes and transit bans
Not:    checking rows (read.py), finding members (targets.py)
Words:  touched = slots that overlap the disruption; arrival slot = departure slot + travel slots
Source: docs/planning.md section 6. Delays come first, because closures look at arrival slots.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.disruption.targets import Targets
from clearway.network import Offer

Mask = NDArray[np.bool_]
_DEFAULT_ROWS = "sort deliver depart"


@dataclass(frozen=True)
class Embargo:
    """Parcels for ``members`` (F,) are not accepted anywhere in ``slots`` (T,)."""

    id: str
    members: Mask
    slots: Mask


@dataclass(frozen=True)
class TransitBan:
    """Departures in ``departures`` (L, T) carry only parcels whose destination is in ``members`` (F,)."""

    id: str
    members: Mask
    departures: Mask


@dataclass(frozen=True)
class Disrupted:
    """What the network offers after disruptions."""

    offer: Offer
    embargoes: tuple[Embargo, ...]
    transit_bans: tuple[TransitBan, ...]


def apply_disruptions(offer: Offer, disruptions: pl.DataFrame, targets: Targets) -> Disrupted:
    """The offer after all the given disruptions."""
    rows = list(disruptions.iter_rows(named=True))
    if not rows:
        return Disrupted(offer, (), ())
    offer = _delayed(offer, rows, targets)
    work = _Work(offer, targets)
    for row in rows:
        work.apply(row)
    return Disrupted(
        replace(
            offer,
            accept=work.accept,
            sort=work.sort,
            storage=work.storage,
            deliver=work.deliver,
            depart=work.depart,
            sort_cost=work.sort_cost,
        ),
        tuple(work.embargoes),
        tuple(work.transit_bans),
    )


def _delayed(offer: Offer, rows: list[dict[str, Any]], targets: Targets) -> Offer:
    """Travel hours after slow (factors multiply) and handling (hours add), by departure slot."""
    factor = np.ones_like(offer.hours)
    added = np.zeros_like(offer.hours)
    for row in rows:
        if row["kind"] not in ("slow", "handling"):
            continue
        touched = offer.grid.touched(row["start"], row["end"])
        if row["target_type"] == "lane":
            lane = targets.lane(row["target"])
            if lane is not None:
                factor[lane, touched] *= row["factor"]
            continue
        members = targets.members(row["target_type"], row["target"])
        ends = members[offer.destination]
        if row["kind"] == "slow":
            factor[np.ix_(ends | members[offer.origin], touched)] *= row["factor"]
        else:
            added[np.ix_(ends, touched)] += row["hours"]
    return replace(offer, hours=offer.hours * factor + added)


class _Work:
    """Copies of the rows while disruptions are applied one after the other."""

    def __init__(self, offer: Offer, targets: Targets) -> None:
        self.offer, self.targets = offer, targets
        self.accept, self.sort = offer.accept.copy(), offer.sort.copy()
        self.storage, self.deliver = offer.storage.copy(), offer.deliver.copy()
        self.depart, self.sort_cost = offer.depart.copy(), offer.sort_cost.copy()
        self.embargoes: list[Embargo] = []
        self.transit_bans: list[TransitBan] = []
        self._arrival = np.arange(offer.grid.slots)[None, :] + offer.travel_slots()

    def apply(self, row: dict[str, Any]) -> None:
        touched = self.offer.grid.touched(row["start"], row["end"])
        if row["target_type"] == "lane":
            self._lane(row, touched)
            return
        members = self.targets.members(row["target_type"], row["target"])
        starts, ends = members[self.offer.origin], members[self.offer.destination]
        match row["kind"]:
            case "closed":
                for rows in (self.sort, self.deliver, self.accept):
                    rows[np.ix_(members, touched)] = 0
                self.depart[np.ix_(starts, touched)] = 0
                self._shut_arrivals(ends, touched)
            case "no-entry":
                self._shut_arrivals(ends & ~starts, touched)
            case "no-exit":
                self.depart[np.ix_(starts & ~ends, touched)] = 0
            case "no-transit":
                either = touched[None, :] | self._arriving_in(touched)
                self.transit_bans.append(TransitBan(row["id"], members, either & (ends & ~starts)[:, None]))
            case "embargo":
                self.embargoes.append(Embargo(row["id"], members, touched))
            case "capacity":
                self._scale(row, members, starts, ends, touched)
            case "handling" if row["factor"] is not None:
                self.sort_cost[np.ix_(members, touched)] *= row["factor"]

    def _lane(self, row: dict[str, Any], touched: Mask) -> None:
        lane = self.targets.lane(row["target"])
        if lane is not None and row["kind"] == "closed":
            self.depart[lane, touched] = 0
        elif lane is not None and row["kind"] == "capacity":
            self.depart[lane, touched] *= row["factor"]

    def _arriving_in(self, touched: Mask) -> Mask:
        """Departures whose arrival slot is touched, shape (L, T)."""
        last = len(touched)
        within = self._arrival < last
        return np.asarray(within & touched[np.minimum(self._arrival, last - 1)])

    def _shut_arrivals(self, lanes: Mask, touched: Mask) -> None:
        self.depart[self._arriving_in(touched) & lanes[:, None]] = 0

    def _scale(self, row: dict[str, Any], members: Mask, starts: Mask, ends: Mask, touched: Mask) -> None:
        names = (row["rows"] or _DEFAULT_ROWS).split()
        by_facility = {"accept": self.accept, "sort": self.sort, "storage": self.storage, "deliver": self.deliver}
        for name in dict.fromkeys(names):
            if name == "depart":
                self.depart[np.ix_(starts, touched)] *= row["factor"]
            elif name == "arrive":
                self.depart[self._arriving_in(touched) & ends[:, None]] *= row["factor"]
            else:
                _scale_limited(by_facility[name], members, touched, row["factor"])


def _scale_limited(rows: NDArray[np.float64], members: Mask, touched: Mask, factor: float) -> None:
    """Multiply the limited cells; a row without limit is unaffected, also by 0."""
    cells = np.ix_(members, touched)
    block = rows[cells]
    rows[cells] = np.multiply(block, factor, out=block, where=np.isfinite(block))
