"""What the kernels read and change: the world by step, the routes of a policy, the flow of parcels.

In:     arrays (inputs.py, policies.py, engine.py)
Out:    World, Routes, Flow; the numbers of their columns
Not:    what happens in a step (kernel.py)
Words:  step = slot of the clock; group = what one departure carries; row = parcels of one origin,
        destination, class and day
Source: docs/simulation.md
"""

from __future__ import annotations

from typing import Any, NamedTuple

from clearway.simulation.queues import Queues

NOWHERE = 65535  # a hop that is none
MOST_HOPS = 12  # then the shortest way is taken
ACCEPTED, ARRIVED, SORTED, DEPARTED, OUT, ATTEMPTED, DELIVERED = range(7)
Array = Any


class World(NamedTuple):
    """What there is, for F facilities, L lanes (ordered by origin), S steps, K classes, T slots of the plan."""

    lane_start: Array  # (F + 1,)
    lane_to: Array  # (L,)
    lane_class: Array  # (L, K) bool
    by_rate: Array  # (L,) bool: leaves every ``dispatch`` steps; else by timetable
    depart: Array  # (L, S) parcels
    depart_extra: Array
    hours: Array  # (L, S) float32
    accept: Array  # (F, S)
    sort: Array
    sort_extra: Array
    storage: Array
    deliver: Array  # (F, S) inside rounds
    deliver_extra: Array
    span: Array  # (F, S) steps of the round that begins here, else 0
    ban: Array  # (L, S) set of bans on a departure, 0: none; (0, 0) where nothing is banned
    ban_allows: Array  # (sets, F) bool
    embargo: Array  # (S,) set, 0: none
    embargo_hits: Array  # (sets, F) bool
    lane_cost: Array
    sort_cost: Array  # (F, S)
    deliver_cost: Array  # (F,)
    lane_premium: Array
    facility_premium: Array
    time_value: Array  # (K,)
    hold_factor: Array
    overflow_price: float
    class_order: Array  # (K,) from the highest time value down
    row_destination: Array  # rows, sorted by day and origin
    row_class: Array
    row_parcels: Array  # of the day
    row_start: Array  # part of a parcel that rounding starts with
    row_first: Array  # (days, F + 1)
    collected: Array  # (S + 1,) collection that ends here, -1: none
    round_day: Array  # collections: their day
    round_low: Array  # part of the day's parcels collected before
    round_high: Array  # and at the end
    round_middle: Array  # step
    slot: Array  # (S,) slot of the plan that holds a step
    hold: bool
    step_hours: float
    dispatch: int  # steps
    origin_steps: int
    destination_steps: int
    travel_factor: float
    travel_sigma: float
    success: float
    promise: Array  # (K,) hours
    last_judged: int  # parcels offered after this step are not judged
    sample: float  # part of the parcels that are followed
    seed: int


class Routes(NamedTuple):
    """What the policy says. Hops are places among the lanes of a facility."""

    hops: Array  # (tables, F, K, F, 2) uint16
    second: Array  # (tables, F, K, F) uint8, twentieths that take the second
    table: Array  # (S,)
    changed: Array  # (tables, F) bool: other than in the table before
    guide: int  # table of shortest ways
    soon: Array  # (S, L) bool: leaves within the next hours
    release: Array  # (F, F, K, T) slot in which parcels offered in a slot are called in, or (0, 0, 0, 0)
    # stock at senders is called in portions: of origin, destination and class in the order of slots
    recall_first: Array  # (F·F·K + 1,), or (0,)
    recall_slot: Array  # T: not within the horizon
    recall_left: Array  # parcels; used up


class Flow(NamedTuple):
    """Everything that changes. Only the thread of its facility touches a facility's numbers."""

    q: Queues
    group_next: Array  # (groups,)
    group_to: Array
    group_cls: Array
    group_since: Array  # sum of parcels × step offered
    group_free: Array  # (parts, groups)
    group_count: Array  # (parts,)
    due_first: Array  # (parts, S + 1) first group due in a step
    due_last: Array
    owed: Array  # (F, K, F) float32 what the second hop is owed
    carry: Array  # (F, 3) parts of parcels: acceptance, sorting, delivery
    carry_lane: Array  # (L,)
    handled: Array  # (F, S + 1) parcels whose handling at outlets ends in a step
    have: Array  # (F, K, 4) parcels: waiting here, held at senders, offered, delivered
    since: Array  # (F, 2) sum of parcels × step offered: waiting here, held at senders
    place: Array  # (F, 5) steps left of the round, under way (from here, less to here), out, shortest way taken,
    #                      in handling at outlets
    cost: Array  # (F, 6)
    judged: Array  # (F, K, 2) parcels offered in time to be judged: same city, inter-city
    pair: Array  # (F, F, 4) by destination and origin: judged, delivered of those, hours, within 72 h
    by_class: Array  # (F, K, 2, 10) at the destination, see MEASURES
    by_origin: Array  # (F, F, 2) by destination and origin, inter-city: parcels, hours of origin processing
    over: Array  # (F, 4) beyond storage: hours, parcel-hours, most, last step (-1)
    event: Array  # (events, 5): item, step of work, facility, step, next facility
    events: Array  # (1,)
    items: Array  # (1,) parcels followed so far
    item_place: Array  # (items, 4): origin, destination, class, offered


COSTS = ("transport", "sorting", "delivery", "time", "extra", "overflow")
MEASURES = (
    "parcels",
    "origin_processing",
    "transport",
    "destination_processing",
    "delivery",
    "whole_trip",
    "from_acceptance",
    "within_72h",
    "within_promise",
    "within_72h_of_acceptance",
)
WAITING, HELD, OFFERED, FINISHED = range(4)
LEFT, UNDER_WAY, ON_ROUND, LOST_WAY, HANDLING = range(5)
