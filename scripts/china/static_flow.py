"""Usual routes, and a fluid run of the network on them: loads, stock, and what a week leaves undelivered.

In:     lanes with hours and cost, volumes by class
Out:    next hops, loads of the mean day, the state after some days, the undelivered share
Not:    planning: every destination keeps its usual next hop and waits where capacity is short
Words:  next hop = the lane a destination's parcels take from a facility
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Net:
    """Arrays of a network: F facilities, L lanes, K classes, D destinations (the first facilities)."""

    facilities: int
    destinations: int
    origin: Ints
    destination: Ints
    slots: Ints  # travel time of each lane
    cost: Floats  # (L,)
    carries: NDArray[np.bool_]  # (L, K)
    wait: Floats  # (K,) cost of a slot of waiting
    sort_cost: float


def next_hops(net: Net) -> NDArray[np.int64]:
    """Cheapest next lane by class, facility and destination, shape (K, F, D); -1: none or arrived."""
    result = np.full((len(net.wait), net.facilities, net.destinations), -1, np.int64)
    for k, wait in enumerate(net.wait):
        lanes = np.flatnonzero(net.carries[:, k])
        lanes = lanes[np.argsort(net.origin[lanes], kind="stable")]
        starts = np.searchsorted(net.origin[lanes], np.arange(net.facilities))
        present = np.bincount(net.origin[lanes], minlength=net.facilities) > 0
        weight = net.cost[lanes] + wait * net.slots[lanes] + net.sort_cost
        to_go = np.full((net.facilities, net.destinations), np.inf)
        to_go[np.arange(net.destinations), np.arange(net.destinations)] = 0
        while True:
            by_lane = weight[:, None] + to_go[net.destination[lanes]]
            best = np.full_like(to_go, np.inf)
            best[present] = np.minimum.reduceat(by_lane, starts[present], axis=0)
            better = np.minimum(to_go, best)
            if np.array_equal(better, to_go):
                break
            to_go = better
        ends = np.append(starts[1:], len(lanes))
        for f in np.flatnonzero(present):
            pick = np.argmin(by_lane[starts[f] : ends[f]], axis=0)
            reachable = np.isfinite(by_lane[starts[f] : ends[f]].min(axis=0))
            result[k, f] = np.where(reachable, lanes[starts[f] + pick], -1)
        result[k, np.arange(net.destinations), np.arange(net.destinations)] = -1
    return result


def mean_loads(net: Net, hops: NDArray[np.int64], volume: Floats) -> tuple[Floats, Floats]:
    """Parcels a day over each lane and sorted at each facility; ``volume`` (K, D, D) a day."""
    lane_load, sort_load = np.zeros(len(net.origin)), np.zeros(net.facilities)
    columns = np.arange(net.destinations)
    for k in range(len(net.wait)):
        flow = np.zeros((net.facilities, net.destinations))
        flow[: net.destinations] = volume[k]
        for _ in range(net.facilities):
            sort_load += flow.sum(axis=1)
            f, d = np.nonzero((flow > 0) & (hops[k] >= 0))
            if not len(f):
                break
            lane, parcels = hops[k][f, d], flow[f, d]
            np.add.at(lane_load, lane, parcels)
            flow = np.zeros_like(flow)
            np.add.at(flow, (net.destination[lane], columns[d]), parcels)
    return lane_load, sort_load


@dataclass
class State:
    """What is in the network: unsorted and sorted (K, F, D), and arrivals in a ring of slots.

    ``now`` is the place of the current slot in the ring.
    """

    unsorted: Floats
    sorted: Floats
    arriving: Floats  # (slots ahead, K, F, D)
    delivered: float = 0.0
    now: int = 0

    def ahead(self) -> Floats:
        """Arrivals by slot from now."""
        return np.roll(self.arriving, -self.now, axis=0)


def run(
    net: Net,
    hops: NDArray[np.int64],
    offered: list[Floats],
    sort: Floats,
    deliver: Floats,
    lane: Floats,
    state: State | None = None,
) -> State:
    """Run the slots of ``offered`` (each (K, D, D)) with capacities per slot; classes in their order."""
    k_, f_, d_ = len(net.wait), net.facilities, net.destinations
    ahead = int(net.slots.max()) + 1
    state = state or State(np.zeros((k_, f_, d_)), np.zeros((k_, f_, d_)), np.zeros((ahead, k_, f_, d_)))
    routes = []
    for k in range(k_):
        f, d = np.nonzero(hops[k] >= 0)
        routes.append((f, d, hops[k][f, d]))
    diagonal = np.arange(d_)
    for volume in offered:
        state.unsorted += state.arriving[state.now]
        state.arriving[state.now] = 0
        state.now = (state.now + 1) % len(state.arriving)
        state.unsorted[:, :d_] += volume
        left_sort, left_deliver, left_lane = sort.copy(), deliver[:d_].copy(), lane.copy()
        for k in range(k_):
            total = state.unsorted[k].sum(axis=1)
            share = np.minimum(1.0, np.divide(left_sort, total, out=np.ones(f_), where=total > 0))
            moved = state.unsorted[k] * share[:, None]
            left_sort = np.maximum(0.0, left_sort - moved.sum(axis=1))
            state.unsorted[k] -= moved
            state.sorted[k] += moved
            here = state.sorted[k][diagonal, diagonal]
            done = np.minimum(here, left_deliver)
            left_deliver -= done
            state.sorted[k][diagonal, diagonal] -= done
            state.delivered += float(done.sum())
            f, d, e = routes[k]
            wanted = state.sorted[k][f, d]
            load = np.bincount(e, wanted, minlength=len(net.origin))
            part = np.minimum(1.0, np.divide(left_lane, load, out=np.ones(len(load)), where=load > 0))
            gone = wanted * part[e]
            left_lane = np.maximum(0.0, left_lane - np.bincount(e, gone, minlength=len(load)))
            state.sorted[k][f, d] -= gone
            np.add.at(
                state.arriving, ((state.now + net.slots[e] - 1) % len(state.arriving), k, net.destination[e], d), gone
            )
    return state
