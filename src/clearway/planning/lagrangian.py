"""The proven lower bound: the Lagrangian of the planning model at any prices, computed exactly.

In:     Problem, a price for each row and slot
Out:    a number no plan can beat; cost-to-go of every source; what is out of reach
Not:    finding good prices (the solvers)
Words:  price = multiplier of a capacity row; cost-to-go = cheapest way to the end for one parcel
Source: docs/planning.md section 8. For prices π ≥ 0 every feasible plan costs at least

            Σ parcels · cost-to-go(π)  −  Σ π·base  −  Σ extra·max(0, π − premium),

        because the capacity rows are moved into the objective and what remains falls apart into one
        shortest path per parcel through the time-expanded network. Storage prices are cut at M·Δ,
        the price of overflow, above which that bound would be −∞.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clearway.demand.offered import Sources
from clearway.planning.problem import ROWS, Problem

Floats = NDArray[np.float64]
Prices = Mapping[str, Floats]
_BLOCK_CELLS = 6_000_000
_UNREACHED = 1e12


@dataclass(frozen=True)
class CostToGo:
    """Cheapest cost to the end of one parcel of each source, in the order of the sources."""

    offered: Floats
    held: Floats
    unsorted: Floats
    sorted: Floats
    arriving: Floats

    def items(self) -> tuple[Floats, ...]:
        """The five arrays in the order of :data:`SOURCES`."""
        return (self.offered, self.held, self.unsorted, self.sorted, self.arriving)


SOURCES = ("offered", "held", "unsorted", "sorted", "arriving")


def zero_prices(problem: Problem) -> dict[str, Floats]:
    """No price anywhere."""
    return {row: np.zeros_like(problem.rows[row].base) for row in ROWS}


def lower_bound(problem: Problem, prices: Prices) -> float:
    """The Lagrangian at the given prices (negative ones count as 0)."""
    prices = _usable(problem, prices)
    costs = cost_to_go(problem, prices, problem.penalty)
    total = 0.0
    for name, values in zip(SOURCES, costs.items(), strict=True):
        total += float(np.dot(getattr(problem.offered, name).parcels, values))
    for name in ROWS:
        row = problem.rows[name]
        limited, price = row.limited, prices[name]
        total -= float(np.sum(price[limited] * row.base[limited]))
        total -= float(np.sum((row.extra * np.maximum(0.0, price - row.premium[:, None]))[limited]))
    return total


def _usable(problem: Problem, prices: Prices) -> dict[str, Floats]:
    usable = {name: np.where(problem.rows[name].limited, np.maximum(prices[name], 0.0), 0.0) for name in ROWS}
    cap = problem.overflow_price * problem.grid.slot_hours
    usable["storage"] = np.minimum(usable["storage"], cap)
    return usable


@dataclass(frozen=True)
class OutOfReach:
    """Parcels no plan could deliver inside the horizon, even without limits on open rows."""

    parcels: float
    cost: float
    by_destination: dict[int, float]  # parcels by destination facility


def out_of_reach(problem: Problem) -> OutOfReach:
    """Parcels whose shortest time to delivery is beyond the horizon, and what they cost at least."""
    prices = zero_prices(problem)
    reach = cost_to_go(problem, prices, np.full_like(problem.penalty, _UNREACHED))
    least = cost_to_go(problem, prices, problem.penalty)
    parcels = cost = 0.0
    by_destination: dict[int, float] = {}
    for name, seen, value in zip(SOURCES, reach.items(), least.items(), strict=True):
        sources: Sources = getattr(problem.offered, name)
        lost = seen >= _UNREACHED / 2
        parcels += float(sources.parcels[lost].sum())
        cost += float(np.dot(sources.parcels[lost], value[lost]))
        targets = problem.offered.destination[sources.commodity[lost]]
        for target, count in zip(targets.tolist(), sources.parcels[lost].tolist(), strict=True):
            by_destination[target] = by_destination.get(target, 0.0) + count
    return OutOfReach(parcels, cost, by_destination)


def cost_to_go(problem: Problem, prices: Prices, penalty: Floats) -> CostToGo:
    """Cheapest cost of every source by a backward sweep over the slots, in blocks of commodities."""
    facilities, count = len(problem.offer.facilities), problem.commodities
    width = max(1, _BLOCK_CELLS // max(1, facilities * problem.grid.slots))
    found = {name: np.zeros(len(getattr(problem.offered, name).parcels)) for name in SOURCES}
    for first in range(0, count, width):
        block = np.arange(first, min(count, first + width))
        values = _sweep(problem, prices, penalty, block)
        for name in SOURCES:
            sources: Sources = getattr(problem.offered, name)
            mine = np.flatnonzero((sources.commodity >= first) & (sources.commodity <= block[-1]))
            table = values[_TABLE[name]]
            found[name][mine] = table[sources.slot[mine], sources.facility[mine], sources.commodity[mine] - first]
    return CostToGo(**found)


_TABLE = {"offered": 0, "held": 0, "unsorted": 1, "sorted": 2, "arriving": 1}


def _sweep(
    problem: Problem, prices: Prices, penalty: Floats, block: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Cost-to-go of waiting at the sender's, unsorted and sorted; each (T, F, block)."""
    offer, grid, rows = problem.offer, problem.grid, problem.rows
    slots, facilities = grid.slots, len(offer.facilities)
    cls, target = problem.offered.cls[block], problem.offered.destination[block]
    wait = problem.time_value[cls] * grid.slot_hours
    at_sender = wait * problem.hold_factor[cls]
    end = np.broadcast_to(penalty[cls], (facilities, len(block)))
    order = np.argsort(offer.origin, kind="stable")
    starts = np.searchsorted(offer.origin[order], np.arange(facilities))
    has_lane = np.bincount(offer.origin, minlength=facilities) > 0
    starts = starts[has_lane]
    may_depart = problem.may_depart()
    banned_class = ~offer.lane_classes[:, cls]
    bans = [(ban.departures, ~ban.members[target]) for ban in problem.disrupted.transit_bans]
    embargoed = np.stack([problem.embargoed(g) for g in block], axis=1)  # (T, block)
    # Infinite, not empty: lanes that may not depart read slots that are not yet swept before they are ruled out.
    sender, unsorted, sorted_ = (np.full((slots, facilities, len(block)), np.inf) for _ in range(3))
    for t in range(slots - 1, -1, -1):
        last = t == slots - 1
        stay = wait + prices["storage"][:, t, None]
        out = stay + (end if last else sorted_[t + 1])
        can_deliver = ~rows["deliver"].shut[target, t]
        here = np.flatnonzero(can_deliver)
        delivered = offer.deliver_cost[target[here]] + prices["deliver"][target[here], t]
        out[target[here], here] = np.minimum(out[target[here], here], delivered)
        if len(order):
            arrival = np.minimum(t + problem.travel[:, t], slots - 1)
            way = (offer.lane_cost + prices["depart"][:, t])[:, None] + wait * problem.travel[:, t, None]
            way = way + unsorted[arrival, offer.destination]
            way[~may_depart[:, t]] = np.inf
            way[banned_class] = np.inf
            for departures, outside in bans:
                way[np.ix_(departures[:, t], outside)] = np.inf
            best = np.minimum.reduceat(way[order], starts, axis=0)
            out[has_lane] = np.minimum(out[has_lane], best)
        sorted_[t] = out
        into = stay + (end if last else unsorted[t + 1])
        work = (offer.sort_cost[:, t] + prices["sort"][:, t])[:, None] + out
        work[rows["sort"].shut[:, t]] = np.inf
        unsorted[t] = np.minimum(into, work)
        if problem.hold:
            accepted = prices["accept"][:, t, None] + unsorted[t]
            accepted[rows["accept"].shut[:, t]] = np.inf
            accepted[:, embargoed[t]] = np.inf
            sender[t] = np.minimum(at_sender + (end if last else sender[t + 1]), accepted)
        else:
            sender[t] = unsorted[t]
    return sender, unsorted, sorted_
