"""One step of the clock: arrivals, sorting, departures, and the order of all the rest; compiled.

In:     World (what there is in every step), Routes (what the policy says), Flow (queues and sums)
Out:    the same Flow one step later
Not:    the loop over steps (engine.py), the arrays (state.py), what comes before (intake.py) and after (delivery.py)
Words:  as in state.py
Source: docs/simulation.md
"""

from __future__ import annotations

import numpy as np
from numba import njit

from clearway.simulation.delivery import (
    begin_round,
    deliver,
)
from clearway.simulation.intake import accept, offer, recall
from clearway.simulation.places import (
    ARRIVALS,
    HOME,
    STATION,
    STUCK,
    groups_from,
    handles,
    lane_queue,
    mixed,
    note,
    queue_of,
    spare_queue,
    take,
)
from clearway.simulation.queues import (
    CHUNK,
    INNER,
    NONE,
    OPTIONS,
    drop,
    head,
    join,
    move,
    parcels_of,
    push,
)
from clearway.simulation.state import (
    ARRIVED,
    DEPARTED,
    HANDLING,
    HELD,
    LOST_WAY,
    MOST_HOPS,
    NOWHERE,
    SORTED,
    UNDER_WAY,
    WAITING,
)


@njit(**INNER)
def _route(w, r, s, f, k, index, t):
    """The lane a sorted batch takes from here, NONE where there is none."""
    b = s.q.pool[index]
    d = b.destination
    table = r.table[t]
    if b.hops >= MOST_HOPS:
        table = r.guide
        s.place[f, LOST_WAY] += 1
    one = r.hops[table, f, k, d, 0]
    if one == NOWHERE:
        return NONE
    lane = w.lane_start[f] + one
    two = r.hops[table, f, k, d, 1]
    if two == NOWHERE:
        return lane
    other = w.lane_start[f] + two
    share = r.second[table, f, k, d]
    if share > 0:
        n = parcels_of(b.n)
        owed = s.owed[f, k, d] + n * share / 20.0
        if owed >= 0.5 * n:
            owed -= n
            lane, other = other, lane
        s.owed[f, k, d] = owed
    if not r.soon[t, lane] and r.soon[t, other]:
        return other
    return lane


@njit(**INNER)
def to_lane(w, r, s, f, k, index, t):
    """The queue of the lane that the sorted batch at ``index`` takes, or of those that cannot leave."""
    lane = _route(w, r, s, f, k, index, t)
    return queue_of(w, STUCK, f, k) if lane == NONE else lane_queue(w, lane, k)


@njit(**OPTIONS)
def arrive(w, s, t):
    """Groups due in step t reach their facility. Their batches stay where they are: only chains are joined."""
    base = groups_from(s)
    for part in range(len(s.group_count)):
        group = s.due_first[part, t]
        while group != NONE:
            f, k, queue = s.group_to[group], s.group_cls[group], base + group
            n = s.q.line[queue].parcels
            s.place[f, UNDER_WAY] -= n
            s.have[f, k, WAITING] += n
            s.since[f, WAITING] += s.group_since[group]
            if w.sample > 0.0:
                _note_arrivals(s, queue, f, t)
            join(s.q, queue, queue_of(w, ARRIVALS, f, k))
            after = s.group_next[group]
            s.group_free[part, s.group_count[part]] = group
            s.group_count[part] += 1
            group = after


@njit(**INNER)
def _note_arrivals(s, queue, f, t):
    chunk, at = s.q.line[queue].first, s.q.line[queue].begin
    while chunk != NONE:
        while at < s.q.pool[chunk * CHUNK].ready:
            n = s.q.pool[chunk * CHUNK + at].n
            if n < 0:
                note(s, n, ARRIVED, f, t, -1)
            at += 1
        chunk, at = s.q.pool[chunk * CHUNK].n, 1


@njit(**INNER)
def _sort(w, r, s, part, f, t):
    """Sort what came from other facilities and what was accepted here, class by class, in order of time."""
    room = take(s.carry, f, 1, w.sort[f, t] + w.sort_extra[f, t])
    limited, done = room < (np.int64(1) << 60), np.int64(0)
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        home, arrivals, station = queue_of(w, HOME, f, k), queue_of(w, ARRIVALS, f, k), queue_of(w, STATION, f, k)
        while room > 0:
            index, queue = head(s.q, home), home
            if index != NONE and s.q.pool[index].ready > t:
                index = NONE
            other = head(s.q, arrivals)
            if other != NONE and (index == NONE or s.q.pool[other].ready <= s.q.pool[index].ready):
                index, queue = other, arrivals
            if index == NONE:
                break
            if s.q.pool[index].destination == f:
                b = s.q.pool[move(s.q, part, queue, station, room)]
                b.ready = t + w.destination_steps
                handles(s, f, parcels_of(b.n), b.ready, t)
                if b.arrived < 0:
                    b.arrived = t
            else:
                b = s.q.pool[move(s.q, part, queue, to_lane(w, r, s, f, k, index, t), room)]
            if b.n < 0:
                note(s, b.n, SORTED, f, t, -1)
            room -= parcels_of(b.n)
            done += parcels_of(b.n)
    s.cost[f, 1] += done * w.sort_cost[f, t]
    if limited:
        s.cost[f, 4] += max(0.0, done - w.sort[f, t] - 1.0) * w.facility_premium[f]


@njit(**INNER)
def _choose_again(w, r, s, part, f, t):
    """Sorted batches choose their lane anew."""
    spare = spare_queue(s, part)
    for k in range(len(w.class_order)):
        for lane in range(w.lane_start[f], w.lane_start[f + 1]):
            join(s.q, lane_queue(w, lane, k), spare)
            pour(w, r, s, part, f, k, t, spare)
        join(s.q, queue_of(w, STUCK, f, k), spare)
        pour(w, r, s, part, f, k, t, spare)


@njit(**INNER)
def pour(w, r, s, part, f, k, t, source):
    while True:
        index = head(s.q, source)
        if index == NONE:
            return
        push(s.q, part, to_lane(w, r, s, f, k, index, t), index)
        drop(s.q, part, source)


@njit(**INNER)
def _noise(w, lane, t):
    """Actual ÷ expected travel time of a departure: lognormal with mean 1."""
    if w.travel_sigma <= 0.0:
        return 1.0
    one, two = mixed(w.seed, lane, t), mixed(w.seed, t, lane + 1000003)
    normal = np.sqrt(-2.0 * np.log(max(one, 1e-300))) * np.cos(2.0 * np.pi * two)
    return np.exp(w.travel_sigma * normal - 0.5 * w.travel_sigma * w.travel_sigma)


@njit(**INNER)
def _depart(w, r, s, part, f, t):
    """Vehicles leave: lanes with a rate every so often with what has come up to then, others by timetable."""
    classes = len(w.class_order)
    for lane in range(w.lane_start[f], w.lane_start[f + 1]):
        if w.by_rate[lane] and (t + lane) % w.dispatch != w.dispatch - 1:
            continue
        if w.depart[lane, t] + w.depart_extra[lane, t] <= 0:
            continue
        some = False
        for k in range(classes):
            some = some or s.q.line[lane_queue(w, lane, k)].first != NONE
        if not some:
            continue
        planned, extra = 0.0, 0.0
        for at in range(max(0, t - w.dispatch + 1) if w.by_rate[lane] else t, t + 1):
            planned += w.depart[lane, at]
            extra += w.depart_extra[lane, at]
        x = planned + extra + s.carry_lane[lane]
        room = np.int64(1) << 60 if not x < 1e15 else np.int64(np.floor(x + 1e-9))
        s.carry_lane[lane] = min(max(x - room, 0.0), 1.0)
        if room <= 0:
            continue
        hours = w.hours[lane, t] * w.travel_factor * _noise(w, lane, t)
        way = max(1, np.int64(np.floor(hours / w.step_hours + mixed(w.seed, lane, t + 500009))))
        sent = np.int64(0)
        for rank in range(classes):
            if room > 0:
                gone = _load_vehicle(w, s, part, f, w.class_order[rank], lane, t, way, room)
                room -= gone
                sent += gone
        s.cost[f, 0] += sent * w.lane_cost[lane]
        s.cost[f, 4] += max(0.0, sent - planned - 1.0) * w.lane_premium[lane]


@njit(**INNER)
def _leave_in_place(s, source, f, to, t, due):
    """Every batch of a queue leaves; returns the sum of parcels × step offered."""
    since = np.int64(0)
    chunk, at = s.q.line[source].first, s.q.line[source].begin
    while chunk != NONE:
        used = s.q.pool[chunk * CHUNK].ready
        while at < used:
            b = s.q.pool[chunk * CHUNK + at]
            if b.left < 0:
                b.left = t + 1
            b.ready = due
            if b.destination == to:
                b.arrived = due
            b.hops += 1
            since += parcels_of(b.n) * b.offered
            if b.n < 0:
                note(s, b.n, DEPARTED, f, t, to)
            at += 1
        chunk, at = s.q.pool[chunk * CHUNK].n, 1
    return since


@njit(**INNER)
def _load_vehicle(w, s, part, f, k, lane, t, way, room):
    """Send what is there of a class, as one group; returns how many parcels."""
    source = lane_queue(w, lane, k)
    left = s.q.line[source].parcels
    if left == 0:
        return np.int64(0)
    s.group_count[part] -= 1
    group = s.group_free[part, s.group_count[part]]
    queue, to = groups_from(s) + group, w.lane_to[lane]
    due = min(t + way, len(w.slot))
    ban = w.ban[lane, t] if w.ban.shape[0] > 0 else 0
    sent, since = np.int64(0), np.int64(0)
    if ban == 0 and left <= room and s.q.line[source].begin == 1:
        # all of it leaves: batches stay where they are, only the chain is handed over
        sent, since, left = left, _leave_in_place(s, source, f, to, t, due), np.int64(0)
        join(s.q, source, queue)
    while room > 0 and left > 0:
        index = head(s.q, source)
        n = parcels_of(s.q.pool[index].n)
        left -= n
        if ban > 0 and not w.ban_allows[ban, s.q.pool[index].destination]:
            push(s.q, part, source, index)
            drop(s.q, part, source)
            continue
        b = s.q.pool[move(s.q, part, source, queue, room)]
        n = parcels_of(b.n)
        if b.left < 0:
            b.left = t + 1
        b.ready = due
        if b.destination == to:
            b.arrived = due
        b.hops += 1
        since += n * b.offered
        if b.n < 0:
            note(s, b.n, DEPARTED, f, t, to)
        sent += n
        room -= n
    if sent == 0:
        s.group_free[part, s.group_count[part]] = group
        s.group_count[part] += 1
        return sent
    s.have[f, k, WAITING] -= sent
    s.since[f, WAITING] -= since
    s.place[f, UNDER_WAY] += sent
    s.cost[f, 3] += sent * w.time_value[k] * way * w.step_hours
    s.group_to[group] = to
    s.group_cls[group] = k
    s.group_since[group] = since
    s.group_next[group] = NONE
    if s.due_first[part, due] == NONE:
        s.due_first[part, due] = group
    else:
        s.group_next[s.due_last[part, due]] = group
    s.due_last[part, due] = group
    return sent


@njit(**INNER)
def _weigh(w, s, f, t):
    """What waiting costs in this step, and where it is more than there is room for."""
    waiting = np.int64(0)
    for k in range(len(w.class_order)):
        waiting += s.have[f, k, WAITING]
        value = s.have[f, k, WAITING] + w.hold_factor[k] * s.have[f, k, HELD]
        s.cost[f, 3] += w.step_hours * w.time_value[k] * value
    beyond = waiting - s.place[f, HANDLING] - w.storage[f, t]
    if beyond > 0.5:
        s.over[f, 0] += w.step_hours
        s.over[f, 1] += beyond * w.step_hours
        s.over[f, 2] = max(s.over[f, 2], beyond)
        s.over[f, 3] = t
        s.cost[f, 5] += beyond * w.step_hours * w.overflow_price


@njit(**OPTIONS)
def renew(w, r, s, t, part, first, last):
    """Another policy from step t on: held parcels are called anew, sorted ones choose their lane anew."""
    for f in range(first, last):
        if w.hold and r.release.shape[0] > 0:
            recall(w, r, s, part, f, t)
        _choose_again(w, r, s, part, f, min(t, len(w.slot) - 1))


@njit(**OPTIONS)
def work(w, r, s, t, part, first, last):
    """Everything that happens at facilities first … last - 1 in step t; groups must have arrived."""
    anew = t > 0 and r.table[t] != r.table[t - 1]
    for f in range(first, last):
        offer(w, r, s, part, f, t)
        if t == len(w.slot):
            continue  # the last collection ends with the horizon
        s.place[f, HANDLING] -= s.handled[f, t]
        if w.hold:
            accept(w, r, s, part, f, t)
        if anew and r.changed[r.table[t], f]:
            _choose_again(w, r, s, part, f, t)
        _sort(w, r, s, part, f, t)
        _depart(w, r, s, part, f, t)
        if w.span[f, t] > 0:
            begin_round(w, s, part, f, t)
        deliver(w, s, part, f, t)
        _weigh(w, s, f, t)
