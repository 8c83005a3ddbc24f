"""The problem as the kernels want it: lanes by origin, rows in one line, commodities in blocks of 16.

In:     Problem
Out:    Layout (network and rows), Blocks (commodities, supplies, candidate lanes)
Not:    fractions and prices (ascent.py)
Words:  block = up to 16 commodities of one class whose destinations lie close; slack = what a lane
        costs beyond the cheapest way at no prices
Source: docs/solver.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from clearway.planning.dual.vector import WIDTH
from clearway.planning.problem import Problem

Array = NDArray[Any]
NO_LIMIT = 1e12
FORBIDDEN = 1e9
ORDER = ("depart", "sort", "deliver", "storage", "accept")


@dataclass(frozen=True)
class Layout:
    """Network and rows. R = E + 4 F rows in each slot: lanes, sort, deliver, storage, accept."""

    slots: int
    facilities: int
    lanes: int
    order: Array  # lane of the problem at each place
    start: Array  # (F + 1,) first lane of each facility
    to: Array
    tau: Array  # (T, E) slots, -1 where nothing may depart
    arrives: Array  # (T, E) node (slot × F + facility) that a departure reaches, one of slot T where nothing may depart
    box: Array  # (T, E) the same with the slot modulo ``ring``; slot ``ring`` where nothing may depart
    lane_cost: Array
    sort_cost: Array  # (T, F)
    deliver_cost: Array
    base: Array  # (T, R)
    extra: Array
    premium: Array  # (R,)
    cap: Array  # (T, R) the highest price that can be of use
    live: Array  # (T, R) rows with a price that may move
    shut: Array  # (T, R)
    ban: Array  # (T, E) number of a set of bans, 0: none; (1, 0) where nothing is banned anywhere
    embargo: Array  # (T,) number of a set of embargoes, 0: none
    day: Array  # (T,)
    share: Array  # (T,) of the day's demand
    dt: float
    hold: bool

    @property
    def ring(self) -> int:
        """Slots that parcels under way are spread over."""
        return int(self.tau.max(initial=0)) + 1

    @property
    def storage(self) -> slice:
        """Where the storage rows stand among the R."""
        return slice(self.lanes + 2 * self.facilities, self.lanes + 3 * self.facilities)

    @property
    def rows(self) -> int:
        """R, the number of rows in each slot."""
        return self.lanes + 4 * self.facilities


@dataclass(frozen=True)
class Blocks:
    """Commodities in blocks, by class from the highest time value down."""

    count: int
    columns: Array  # (B, W) commodity, -1: none
    target: Array  # (B, W) destination, -1: none
    targets_here: Array  # (B, F)
    cls: Array  # (B,)
    class_first: Array  # first block of each class in order, and the end
    wait: Array  # (B,) per slot at a facility
    at_sender: Array
    end: Array  # (B,)
    ban_cost: Array  # (B, S, W)
    embargo_cost: Array
    supply: Array  # (D, F, B, W) parcels of a day
    held: Array  # (F, B, W)
    unsorted: Array
    sorted: Array
    arriving: list[Array]  # per block: slot, facility, column, parcels
    allowed: Array  # (B, E) lanes open to the class
    slack: Array  # (B, E) the least of the block

    def all_lanes(self, layout: Layout) -> tuple[Array, list[Array]]:
        """Every lane the class may use: starts (B, F + 1) and lanes per block."""
        return self.chosen(layout, self.allowed)

    def chosen(self, layout: Layout, mask: Array) -> tuple[Array, list[Array]]:
        """Starts (B, F + 1) and lane numbers per block of the lanes in ``mask`` (B, E)."""
        starts = np.zeros((self.count, layout.facilities + 1), np.int64)
        total = np.concatenate([np.zeros((self.count, 1), np.int64), np.cumsum(mask, axis=1)], axis=1)
        starts[:] = total[:, layout.start]
        return starts, [np.flatnonzero(mask[b]).astype(np.uint32) for b in range(self.count)]

    def near(self, layout: Layout, slack: float, least: int = 3) -> Array:
        """Lanes with less than ``slack``, and at least so many of every block and facility: mask (B, E)."""
        mask = np.zeros_like(self.allowed)
        for f in range(layout.facilities):
            first, last = layout.start[f], layout.start[f + 1]
            if first == last:
                continue
            part = np.where(self.allowed[:, first:last], self.slack[:, first:last], np.inf)
            rank = np.argsort(np.argsort(part, axis=1, kind="stable"), axis=1, kind="stable")
            mask[:, first:last] = ((rank < least) | (part < slack)) & np.isfinite(part)
        return mask


def build_layout(problem: Problem) -> Layout:
    """Rows and lanes of a problem in the order of the kernels."""
    offer, slots = problem.offer, problem.grid.slots
    facilities, lanes = len(offer.facilities), len(offer.lanes)
    order = np.argsort(offer.origin, kind="stable")
    start = np.searchsorted(offer.origin[order], np.arange(facilities + 1))
    tau = np.where(problem.may_depart(), problem.travel, -1)[order].T
    fields = ("base", "extra", "premium", "shut")
    parts = {
        field: [getattr(problem.rows[name], field)[order if name == "depart" else slice(None)] for name in ORDER]
        for field in fields
    }
    base, extra, shut = (np.concatenate([part.T for part in parts[n]], axis=1) for n in ("base", "extra", "shut"))
    premium = np.concatenate(parts["premium"])
    limited = np.isfinite(base) & ~shut
    dt = problem.grid.slot_hours
    highest = float(problem.penalty.max(initial=0)) + dt * slots * float(problem.time_value.max(initial=0))
    if not problem.hold:
        highest += dt * slots * problem.overflow_price
    cap = np.full(base.shape, highest)
    storage = slice(lanes + 2 * facilities, lanes + 3 * facilities)
    cap[:, storage] = problem.overflow_price * dt
    accept = slice(lanes + 3 * facilities, None)
    if not problem.hold:
        limited[:, accept] = False
        shut[:, accept] = False
    ban, embargo = _sets(problem, order)
    to = offer.destination[order].astype(np.int64)
    reached, ring = np.arange(slots)[:, None] + tau, int(tau.max(initial=0)) + 1
    return Layout(
        slots=slots,
        facilities=facilities,
        lanes=lanes,
        order=order,
        start=start.astype(np.int64),
        to=to,
        tau=np.ascontiguousarray(tau, np.int16),
        arrives=(np.where(tau >= 0, reached, slots) * facilities + to).astype(np.uint32),
        box=(np.where(tau >= 0, reached % ring, ring) * facilities + to).astype(np.uint32),
        lane_cost=offer.lane_cost[order],
        sort_cost=np.ascontiguousarray(offer.sort_cost.T),
        deliver_cost=offer.deliver_cost,
        base=np.where(np.isfinite(base), base, NO_LIMIT),
        extra=extra,
        premium=premium,
        cap=cap,
        live=limited,
        shut=shut,
        ban=ban,
        embargo=embargo,
        day=problem.offered.day_of_slot,
        share=problem.offered.share_of_slot,
        dt=dt,
        hold=problem.hold,
    )


def _sets(problem: Problem, order: Array) -> tuple[Array, Array]:
    """Numbers of the sets of bans on each departure and of embargoes in each slot."""
    slots = problem.grid.slots
    bans = problem.disrupted.transit_bans
    stack = np.zeros((slots, len(order), max(1, len(bans))), bool)
    for i, ban in enumerate(bans):
        stack[:, :, i] = ban.departures[order].T
    number = _number(stack.reshape(slots * len(order), stack.shape[2]))
    times = np.zeros((slots, max(1, len(problem.disrupted.embargoes))), bool)
    for i, embargo in enumerate(problem.disrupted.embargoes):
        times[:, i] = embargo.slots
    table = number.reshape(slots, len(order)) if number.any() else np.zeros((1, 0), np.int64)
    return table.astype(np.uint32), _number(times)


def _distinct(stack: Array) -> Array:
    """Distinct rows, the empty one first."""
    return np.unique(np.concatenate([np.zeros((1, stack.shape[1]), bool), stack]), axis=0)


def _number(stack: Array) -> Array:
    if not stack.any():
        return np.zeros(len(stack), np.int64)
    _, inverse = np.unique(np.concatenate([np.zeros((1, stack.shape[1]), bool), stack]), axis=0, return_inverse=True)
    return inverse.ravel()[1:].astype(np.int64)


def build_blocks(problem: Problem, layout: Layout) -> Blocks:
    """Commodities of a problem in blocks of one class, destinations close to each other together."""
    offered = problem.offered
    facilities = layout.facilities
    classes = np.argsort(-problem.time_value, kind="stable")
    base_tau = np.where(layout.tau >= 0, layout.tau.astype(np.int64), 1 << 30).min(axis=0, initial=1 << 30)
    usable = base_tau < (1 << 30)
    columns: list[Array] = []
    cls: list[int] = []
    class_first = [0]
    ways: dict[int, Array] = {}
    for k in classes:
        mine = np.flatnonzero(offered.cls == k)
        lanes_ok = usable & problem.offer.lane_classes[layout.order, k]
        way = layout.lane_cost + problem.time_value[k] * layout.dt * np.where(usable, base_tau, 0)
        if len(mine):
            ways[k] = _cheapest(
                layout.start,
                layout.to,
                np.where(lanes_ok, way, np.inf),
                layout.sort_cost.min(axis=0),
                layout.deliver_cost,
                offered.destination[mine],
            )
            for part in _bisected(np.arange(len(mine)), np.minimum(ways[k], 1e6)):
                columns.append(np.pad(mine[part], (0, WIDTH - len(part)), constant_values=-1))
                cls.append(int(k))
        class_first.append(len(columns))
    count = len(columns)
    table = np.array(columns, np.int64).reshape(count, WIDTH)
    kind = np.array(cls, np.int64)
    target = np.where(table >= 0, offered.destination[table], -1)
    here = np.zeros((count, facilities), bool)
    here[np.repeat(np.arange(count), WIDTH)[target.ravel() >= 0], target[target >= 0]] = True
    allowed = problem.offer.lane_classes[layout.order][:, kind].T & usable[None, :]
    place = np.zeros((problem.commodities, 2), np.int64)
    b, j = np.nonzero(table >= 0)
    place[table[b, j]] = np.stack([b, j], axis=1)
    slack = np.zeros(allowed.shape, np.float32)
    for i in range(count):
        k = cls[i]
        mine = np.flatnonzero(offered.cls == k)
        position = np.searchsorted(mine, table[i][table[i] >= 0])
        slack[i] = _slack(layout, problem, k, ways[k][:, position], base_tau)
    days = len(offered.days)
    supply = np.zeros((max(1, days), facilities, count, WIDTH), np.float32)
    daily = offered.daily
    np.add.at(supply, (daily.day, daily.facility, *place[daily.commodity].T), daily.parcels)
    stock = {}
    for name in ("held", "unsorted", "sorted"):
        s = getattr(offered, name)
        stock[name] = np.zeros((facilities, count, WIDTH))
        np.add.at(stock[name], (s.facility, *place[s.commodity].T), s.parcels)
    a = offered.arriving
    where = place[a.commodity]
    arriving = []
    for i in range(count):
        mine = np.flatnonzero(where[:, 0] == i) if len(where) else np.zeros(0, np.int64)
        arriving.append(
            np.stack([a.slot[mine], a.facility[mine], where[mine, 1], a.parcels[mine]], axis=1).astype(float)
        )
    return Blocks(
        count=count,
        columns=table,
        target=target,
        targets_here=here,
        cls=kind,
        class_first=np.array(class_first, np.int64),
        wait=problem.time_value[kind] * layout.dt,
        at_sender=problem.time_value[kind] * problem.hold_factor[kind] * layout.dt,
        end=problem.penalty[kind],
        ban_cost=_set_costs(
            [ban.members for ban in problem.disrupted.transit_bans],
            _ban_stack(problem, layout),
            target,
            inside=False,
        ),
        embargo_cost=_set_costs(
            [e.members for e in problem.disrupted.embargoes], _embargo_stack(problem), target, inside=True
        ),
        supply=supply,
        held=stock["held"],
        unsorted=stock["unsorted"],
        sorted=stock["sorted"],
        arriving=arriving,
        allowed=allowed,
        slack=slack,
    )


def _ban_stack(problem: Problem, layout: Layout) -> Array:
    bans = problem.disrupted.transit_bans
    if not bans:
        return np.zeros((1, 0), bool)
    return _distinct(np.stack([b.departures[layout.order].T.ravel() for b in bans], axis=1))


def _embargo_stack(problem: Problem) -> Array:
    if not problem.disrupted.embargoes:
        return np.zeros((1, 0), bool)
    return _distinct(np.stack([e.slots for e in problem.disrupted.embargoes], axis=1))


def _set_costs(members: Sequence[Array], sets: Array, target: Array, *, inside: bool) -> Array:
    """Cost (B, S, W) of each set for each column: forbidden where one of its members says so."""
    cost = np.zeros((len(target), len(sets), WIDTH))
    for i, member in enumerate(members):
        hit = member[target] if inside else ~member[target]
        hit = hit & (target >= 0)
        cost += np.where(hit[:, None, :] & sets[None, :, i, None], FORBIDDEN, 0.0)
    return cost


@njit(nogil=True, cache=True)
def _cheapest(start, to, way, sort_cost, deliver_cost, targets):
    """Cheapest cost (F, columns) from sorted at a facility to delivery, without prices and capacities."""
    facilities = len(start) - 1
    best = np.full((facilities, len(targets)), np.inf)
    for g in range(len(targets)):
        d = targets[g]
        best[d, g] = deliver_cost[d]
    changed = True
    while changed:
        changed = False
        for f in range(facilities):
            for e in range(start[f], start[f + 1]):
                if way[e] < np.inf:
                    base = way[e] + sort_cost[to[e]]
                    for g in range(len(targets)):
                        x = base + best[to[e], g]
                        if x < best[f, g] - 1e-12:
                            best[f, g] = x
                            changed = True
    return best


def _slack(layout: Layout, problem: Problem, k: int, ways: Array, base_tau: Array) -> Array:
    origin = np.repeat(np.arange(layout.facilities), np.diff(layout.start))
    way = layout.lane_cost + problem.time_value[k] * layout.dt * base_tau
    with np.errstate(invalid="ignore"):
        beyond = way[:, None] + layout.sort_cost.min(axis=0)[layout.to, None] + ways[layout.to] - ways[origin]
    beyond = np.nan_to_num(beyond, nan=FORBIDDEN, posinf=FORBIDDEN, neginf=FORBIDDEN)
    return beyond.min(axis=1, initial=FORBIDDEN).astype(np.float32)


def _bisected(places: Array, ways: Array) -> list[Array]:
    """Groups of at most WIDTH columns whose costs from everywhere are alike (k-d bisection)."""
    if len(places) <= WIDTH:
        return [places]
    spread = ways[:, places]
    axis = int(np.argmax(spread.std(axis=1)))
    ranked = places[np.argsort(spread[axis], kind="stable")]
    half = -(-len(places) // (2 * WIDTH)) * WIDTH
    return _bisected(ranked[:half], ways) + _bisected(ranked[half:], ways)
