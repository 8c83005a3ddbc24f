"""What it costs a parcel to be bound to one lane for a wave, at a plan's prices: compiled.

In:     arrays of a Problem, prices, entries of a sort plan by commodity
Out:    cost to the end of a parcel sorted in the wave, for each lane asked about
Not:    which lanes to ask about (changes.py)
Words:  bound = takes this lane as soon as it is cheapest to leave on it; after the wave it is free again
Source: docs/planning.md section 9; the sweep is that of lagrangian.py for one commodity at a time
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from clearway.planning.problem import Problem

Array = NDArray[Any]
FAR = 1e15


@njit(nogil=True, cache=True, error_model="numpy")
def _lane_costs(
    first, last, target, wait, end, start, lane_of, to, tau, leave, allowed, hits, outside, stay, work, deliver,
    entry_first, facility, low, high, lanes, found,
):  # fmt: skip
    """Fill found (entries, 3) for the commodities first … last - 1. ``leave`` (T, L) costs of departing."""
    slots, facilities = stay.shape
    vin, vout = np.zeros((slots + 1, facilities)), np.zeros((slots + 1, facilities))
    way = np.zeros((slots, len(to)))
    for g in range(first, last):
        if entry_first[g] == entry_first[g + 1]:
            continue
        vin[slots], vout[slots] = end[g], end[g]
        d = target[g]
        for t in range(slots - 1, -1, -1):
            for f in range(facilities):
                best = wait[g] + stay[t, f] + vout[t + 1, f]
                if f == d:
                    best = min(best, deliver[t, f])
                for i in range(start[f], start[f + 1]):
                    lane = lane_of[i]
                    cost = FAR
                    if allowed[g, lane] and leave[t, lane] < FAR:
                        cost = leave[t, lane] + wait[g] * tau[t, lane] + vin[t + tau[t, lane], to[lane]]
                        for ban in range(len(hits)):
                            if hits[ban, t, lane] and outside[ban, d]:
                                cost = FAR
                    way[t, lane] = cost
                    best = min(best, cost)
                vout[t, f] = best
                vin[t, f] = min(wait[g] + stay[t, f] + vin[t + 1, f], work[t, f] + best)
        for e in range(entry_first[g], entry_first[g + 1]):
            f = facility[e]
            for which in range(3):
                lane = lanes[e, which]
                if lane < 0:
                    found[e, which] = FAR
                    continue
                now, total = vout[high[e] + 1, f], 0.0
                for t in range(high[e], low[e] - 1, -1):
                    now = min(way[t, lane], wait[g] + stay[t, f] + now)
                    total += now
                found[e, which] = total / (high[e] - low[e] + 1)


def lane_costs(
    problem: Problem,
    prices: dict[str, Array],
    commodity: Array,
    facility: Array,
    low: Array,
    high: Array,
    lanes: Array,
    threads: int = 2,
) -> Array:
    """Mean cost to the end of a parcel sorted in slots low … high that is bound to each of three lanes.

    Parameters
    ----------
    commodity, facility, low, high
        Of each entry (E,), sorted by commodity.
    lanes
        (E, 3) numbers of lanes, -1: none.

    Returns
    -------
    (E, 3) currency per parcel; FAR where there is no lane.
    """
    offer, rows, grid = problem.offer, problem.rows, problem.grid
    order = np.argsort(offer.origin, kind="stable")
    start = np.searchsorted(offer.origin[order], np.arange(len(offer.facilities) + 1))
    cls = problem.offered.cls
    leave = np.where(problem.may_depart(), offer.lane_cost[:, None] + prices["depart"], FAR)
    cap = problem.overflow_price * grid.slot_hours
    stay = np.minimum(np.where(rows["storage"].limited, prices["storage"], 0.0), cap)
    work = np.where(rows["sort"].shut, FAR, offer.sort_cost + prices["sort"])
    deliver = np.where(rows["deliver"].shut, FAR, offer.deliver_cost[:, None] + prices["deliver"])
    bans = problem.disrupted.transit_bans
    hits = np.zeros((len(bans), grid.slots, len(offer.lanes)), bool)
    outside = np.zeros((len(bans), len(offer.facilities)), bool)
    for i, ban in enumerate(bans):
        hits[i], outside[i] = ban.departures.T, ~ban.members
    found = np.zeros((len(commodity), 3))
    shared = (
        problem.offered.destination.astype(np.int64), problem.time_value[cls] * grid.slot_hours,
        problem.penalty[cls], start, order, offer.destination, np.ascontiguousarray(problem.travel.T),
        np.ascontiguousarray(leave.T), np.ascontiguousarray(offer.lane_classes[:, cls].T), hits, outside,
        np.ascontiguousarray(stay.T), np.ascontiguousarray(work.T), np.ascontiguousarray(deliver.T),
        np.searchsorted(commodity, np.arange(problem.commodities + 1)), facility.astype(np.int64),
        low.astype(np.int64), high.astype(np.int64), lanes.astype(np.int64), found,
    )  # fmt: skip
    edges = np.linspace(0, problem.commodities, 4 * threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda i: _lane_costs(edges[i], edges[i + 1], *shared), range(len(edges) - 1)))
    return found
