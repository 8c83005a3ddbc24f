"""One step of the clock: arrivals, acceptance, handling, sorting, departures, delivery; compiled.

In:     World (what there is in every step), Routes (what the policy says), Flow (queues and sums)
Out:    the same Flow one step later
Not:    the loop over steps (engine.py), what the arrays hold (state.py)
Words:  as in state.py
Source: docs/simulation.md
"""

from __future__ import annotations

import numpy as np
from numba import njit

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
    place,
    push,
)
from clearway.simulation.state import (
    ACCEPTED,
    ARRIVED,
    ATTEMPTED,
    DELIVERED,
    DEPARTED,
    FINISHED,
    HANDLING,
    HELD,
    LEFT,
    LOST_WAY,
    MOST_HOPS,
    NOWHERE,
    OFFERED,
    ON_ROUND,
    OUT,
    SORTED,
    UNDER_WAY,
    WAITING,
)


@njit(**INNER)
def _mixed(a, b, c):
    """A number in [0, 1) that depends on three integers alone (splitmix64)."""
    x = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b) * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(c)
    x ^= x >> np.uint64(30)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return np.float64(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)


# Kinds of queues by facility and class; after them queues by lane and class, held parcels by facility and slot
# with the class in between, a spare queue for each part, and the groups.
_SENDERS, _BARRED, STUCK, _HOME, _ARRIVALS, _STATION, _AGAIN, _ROUND = range(8)
KINDS = 8


@njit(**INNER)
def _at(w, kind, f, k):
    return (kind * (len(w.lane_start) - 1) + f) * len(w.class_order) + k


@njit(**INNER)
def _lane_queue(w, lane, k):
    classes = len(w.class_order)
    return (KINDS * (len(w.lane_start) - 1) + lane) * classes + k


@njit(**INNER)
def _held_queue(w, r, f, k, slot):
    classes = len(w.class_order)
    first = (KINDS * (len(w.lane_start) - 1) + len(w.lane_to)) * classes
    return first + (f * classes + k) * (r.release.shape[3] + 1) + slot


@njit(**INNER)
def _groups_from(s):
    return len(s.q.line) - len(s.group_next)


@njit(**INNER)
def _spare(s, part):
    return _groups_from(s) - 1 - part


@njit(**INNER)
def _note(s, n, what, f, t, onward):
    """Write down what happens to a parcel that is followed (``n`` below 0)."""
    at = s.events[0]
    s.event[at, 0] = -n
    s.event[at, 1] = what
    s.event[at, 2] = f
    s.event[at, 3] = t
    s.event[at, 4] = onward
    s.events[0] = at + 1


@njit(**INNER)
def _comes(s, f, k, n, offered):
    s.have[f, k, WAITING] += n
    s.since[f, WAITING] += n * offered


@njit(**INNER)
def _goes(s, f, k, n, offered):
    s.have[f, k, WAITING] -= n
    s.since[f, WAITING] -= n * offered


@njit(**INNER)
def _handles(s, f, n, ready, t):
    """Parcels are at the outlets until their handling ends, and so not in the yard."""
    if ready > t:
        s.place[f, HANDLING] += n
        s.handled[f, min(ready, s.handled.shape[1] - 1)] += n


@njit(**INNER)
def _take(carry, f, which, capacity):
    """Whole parcels of a capacity; what is left of one is kept for the next step."""
    if not capacity < 1e15:
        return np.int64(1) << 60
    x = capacity + carry[f, which]
    n = np.int64(np.floor(x + 1e-9))
    carry[f, which] = min(max(x - n, 0.0), 1.0)
    return n


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
def _to_lane(w, r, s, f, k, index, t):
    """The queue of the lane that the sorted batch at ``index`` takes, or of those that cannot leave."""
    lane = _route(w, r, s, f, k, index, t)
    return _at(w, STUCK, f, k) if lane == NONE else _lane_queue(w, lane, k)


@njit(**OPTIONS)
def arrive(w, s, t):
    """Groups due in step t reach their facility. Their batches stay where they are: only chains are joined."""
    base = _groups_from(s)
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
            join(s.q, queue, _at(w, _ARRIVALS, f, k))
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
                _note(s, n, ARRIVED, f, t, -1)
            at += 1
        chunk, at = s.q.pool[chunk * CHUNK].n, 1


@njit(**INNER)
def _offer_batch(w, r, s, part, f, d, k, n, offered, t):
    """Put new parcels where the policy has them wait: at their senders, or in the network."""
    parcels = parcels_of(n)
    if w.hold:
        queue = _at(w, _SENDERS, f, k)
        if r.release.shape[0] > 0:
            slot = r.release[f, d, k, w.slot[min(max(offered, 0), len(w.slot) - 1)]]
            if slot > w.slot[min(t, len(w.slot) - 1)]:
                queue = _held_queue(w, r, f, k, min(slot, r.release.shape[3]))
        s.have[f, k, HELD] += parcels
        s.since[f, HELD] += parcels * offered
    else:
        queue = _at(w, _HOME, f, k)
        _comes(s, f, k, parcels, offered)
        _handles(s, f, parcels, t + w.origin_steps, t)
        if n < 0:
            _note(s, n, ACCEPTED, f, t, -1)
    b = s.q.pool[place(s.q, part, queue)]
    b.n = n
    b.origin = f
    b.destination = d
    b.offered = offered
    b.accepted = t
    b.left = -1
    b.arrived = -1
    b.hops = 0
    b.ready = t + w.origin_steps
    s.q.line[queue].parcels += parcels


@njit(**INNER)
def _offer(w, r, s, part, f, t):
    """Parcels collected in the round that ends here appear as batches."""
    number = w.collected[t]
    if number < 0:
        return
    day, low, high, middle = w.round_day[number], w.round_low[number], w.round_high[number], w.round_middle[number]
    for row in range(w.row_first[day, f], w.row_first[day, f + 1]):
        parcels, start = w.row_parcels[row], w.row_start[row]
        n = np.int64(np.floor(parcels * high + start)) - np.int64(np.floor(parcels * low + start))
        if n <= 0:
            continue
        d, k = w.row_destination[row], w.row_class[row]
        s.have[f, k, OFFERED] += n
        if middle <= w.last_judged:
            s.judged[f, k, np.int64(f != d)] += n
            s.pair[d, f, 0] += n
        if w.sample > 0.0:
            followed = min(n, np.int64(np.floor(n * w.sample + _mixed(11, row, number))))
            for _ in range(followed):
                item = s.items[0] + 1
                s.items[0] = item
                s.item_place[item, 0] = f
                s.item_place[item, 1] = d
                s.item_place[item, 2] = k
                s.item_place[item, 3] = middle
                _offer_batch(w, r, s, part, f, d, k, -item, middle, t)
            n -= followed
        if n > 0:
            _offer_batch(w, r, s, part, f, d, k, n, middle, t)


@njit(**INNER)
def _accept(w, r, s, part, f, t):
    """Accept from senders what may be accepted: class by class, oldest first."""
    fresh = r.release.shape[0] > 0 and (t == 0 or w.slot[t] != w.slot[t - 1])
    embargo = w.embargo[t]
    turned = t > 0 and w.embargo[t - 1] != embargo
    room = _take(s.carry, f, 0, w.accept[f, t])
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        queue, barred = _at(w, _SENDERS, f, k), _at(w, _BARRED, f, k)
        if turned:
            # those barred are the older ones
            join(s.q, queue, _spare(s, part))
            _pour_all(s, part, barred, queue)
            _pour_all(s, part, _spare(s, part), queue)
        if fresh:
            _pour_all(s, part, _held_queue(w, r, f, k, w.slot[t]), queue)
        while room > 0:
            index = head(s.q, queue)
            if index == NONE:
                break
            if embargo > 0 and w.embargo_hits[embargo, s.q.pool[index].destination]:
                push(s.q, part, barred, index)
                drop(s.q, part, queue)
                continue
            b = s.q.pool[move(s.q, part, queue, _at(w, _HOME, f, k), room)]
            n = parcels_of(b.n)
            b.accepted = t
            b.ready = t + w.origin_steps
            s.have[f, k, HELD] -= n
            s.since[f, HELD] -= n * b.offered
            _comes(s, f, k, n, b.offered)
            _handles(s, f, n, b.ready, t)
            if b.n < 0:
                _note(s, b.n, ACCEPTED, f, t, -1)
            room -= n


@njit(**INNER)
def _pour_all(s, part, source, target):
    while True:
        index = head(s.q, source)
        if index == NONE:
            return
        push(s.q, part, target, index)
        drop(s.q, part, source)


@njit(**INNER)
def _sort(w, r, s, part, f, t):
    """Sort what came from other facilities and what was accepted here, class by class, in order of time."""
    room = _take(s.carry, f, 1, w.sort[f, t] + w.sort_extra[f, t])
    limited, done = room < (np.int64(1) << 60), np.int64(0)
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        home, arrivals, station = _at(w, _HOME, f, k), _at(w, _ARRIVALS, f, k), _at(w, _STATION, f, k)
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
                _handles(s, f, parcels_of(b.n), b.ready, t)
                if b.arrived < 0:
                    b.arrived = t
            else:
                b = s.q.pool[move(s.q, part, queue, _to_lane(w, r, s, f, k, index, t), room)]
            if b.n < 0:
                _note(s, b.n, SORTED, f, t, -1)
            room -= parcels_of(b.n)
            done += parcels_of(b.n)
    s.cost[f, 1] += done * w.sort_cost[f, t]
    if limited:
        s.cost[f, 4] += max(0.0, done - w.sort[f, t] - 1.0) * w.facility_premium[f]


@njit(**INNER)
def _choose_again(w, r, s, part, f, t):
    """Sorted batches choose their lane anew."""
    spare = _spare(s, part)
    for k in range(len(w.class_order)):
        for lane in range(w.lane_start[f], w.lane_start[f + 1]):
            join(s.q, _lane_queue(w, lane, k), spare)
            _pour(w, r, s, part, f, k, t, spare)
        join(s.q, _at(w, STUCK, f, k), spare)
        _pour(w, r, s, part, f, k, t, spare)


@njit(**INNER)
def _pour(w, r, s, part, f, k, t, source):
    while True:
        index = head(s.q, source)
        if index == NONE:
            return
        push(s.q, part, _to_lane(w, r, s, f, k, index, t), index)
        drop(s.q, part, source)


@njit(**INNER)
def _noise(w, lane, t):
    """Actual ÷ expected travel time of a departure: lognormal with mean 1."""
    if w.travel_sigma <= 0.0:
        return 1.0
    one, two = _mixed(w.seed, lane, t), _mixed(w.seed, t, lane + 1000003)
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
            some = some or s.q.line[_lane_queue(w, lane, k)].first != NONE
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
        way = max(1, np.int64(np.floor(hours / w.step_hours + _mixed(w.seed, lane, t + 500009))))
        sent = np.int64(0)
        for rank in range(classes):
            if room > 0:
                gone = _load_vehicle(w, s, part, f, w.class_order[rank], lane, t, way, room)
                room -= gone
                sent += gone
        s.cost[f, 0] += sent * w.lane_cost[lane]
        s.cost[f, 4] += max(0.0, sent - planned - 1.0) * w.lane_premium[lane]


@njit(**INNER)
def _load_vehicle(w, s, part, f, k, lane, t, way, room):
    """Send what is there of a class, as one group; returns how many parcels."""
    source = _lane_queue(w, lane, k)
    left = s.q.line[source].parcels
    if left == 0:
        return np.int64(0)
    s.group_count[part] -= 1
    group = s.group_free[part, s.group_count[part]]
    queue, to = _groups_from(s) + group, w.lane_to[lane]
    due = min(t + way, len(w.slot))
    ban = w.ban[lane, t] if w.ban.shape[0] > 0 else 0
    sent, since = np.int64(0), np.int64(0)
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
            _note(s, b.n, DEPARTED, f, t, to)
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
def _begin_round(w, s, part, f, t):
    """Couriers take what they can deliver in the round that begins: first what failed before."""
    planned, extra = 0.0, 0.0
    for at in range(t, min(t + w.span[f, t], len(w.slot))):
        planned += w.deliver[f, at]
        extra += w.deliver_extra[f, at]
    s.place[f, LEFT] = w.span[f, t]
    room = _take(s.carry, f, 2, planned + extra) - s.place[f, ON_ROUND]
    taken = np.int64(0)
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        for again in range(2):
            source = _at(w, _STATION if again else _AGAIN, f, k)
            while room > 0:
                index = head(s.q, source)
                if index == NONE or s.q.pool[index].ready > t:
                    break
                b = s.q.pool[move(s.q, part, source, _at(w, _ROUND, f, k), room)]
                n = parcels_of(b.n)
                if again:
                    b.ready = t
                _goes(s, f, k, n, b.offered)
                if b.n < 0:
                    _note(s, b.n, OUT, f, t, -1)
                taken += n
                room -= n
    s.place[f, ON_ROUND] += taken
    s.cost[f, 4] += max(0.0, taken - planned - 1.0) * w.facility_premium[f]


@njit(**INNER)
def _deliver(w, s, part, f, t):
    """The part of the round that is delivered in this step; what fails goes back."""
    left = s.place[f, LEFT]
    if left > 0:
        s.place[f, LEFT] = left - 1
    if s.place[f, ON_ROUND] == 0 or w.deliver[f, t] <= 0.0:
        return
    room = -(-s.place[f, ON_ROUND] // max(left, 1))
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        queue = _at(w, _ROUND, f, k)
        while room > 0:
            index = head(s.q, queue)
            if index == NONE:
                break
            n = min(np.int64(parcels_of(s.q.pool[index].n)), room)
            fails = np.int64(np.floor(n * (1.0 - w.success) + _mixed(w.seed, t * 1000003 + room, f)))
            if fails > 0:
                b = s.q.pool[move(s.q, part, queue, _at(w, _AGAIN, f, k), fails)]
                _comes(s, f, k, fails, b.offered)
                if b.n < 0:
                    _note(s, b.n, ATTEMPTED, f, t, -1)
            if n > fails:
                index = head(s.q, queue)
                _done(w, s, f, k, index, n - fails, t)
                b = s.q.pool[index]
                if parcels_of(b.n) == n - fails:
                    drop(s.q, part, queue)
                else:
                    b.n -= n - fails
                    s.q.line[queue].parcels -= n - fails
            room -= n
            s.place[f, ON_ROUND] -= n


@njit(**INNER)
def _done(w, s, f, k, index, n, t):
    """Count what is delivered, and how long it took."""
    b = s.q.pool[index]
    s.have[f, k, FINISHED] += n
    s.cost[f, 2] += n * w.deliver_cost[f]
    if b.n < 0:
        _note(s, b.n, DELIVERED, f, t, -1)
    o = b.origin
    if o < 0 or b.offered > w.last_judged:
        return
    h, far = w.step_hours, np.int64(o != f)
    whole = (t + 1 - b.offered) * h
    accepted = (t + 1 - b.accepted) * h
    left = b.left if far else b.arrived
    pair, c = s.pair[f, o], s.by_class[f, k, far]
    pair[1] += n
    pair[2] += n * whole
    c[0] += n
    c[1] += n * (left - b.accepted) * h
    c[2] += n * (b.arrived - left) * h
    c[3] += n * (b.ready - b.arrived) * h
    c[4] += n * (t + 1 - b.ready) * h
    c[5] += n * whole
    c[6] += n * accepted
    if whole <= 72.0 + 1e-9:
        c[7] += n
        pair[3] += n
    if whole <= w.promise[k] + 1e-9:
        c[8] += n
    if accepted <= 72.0 + 1e-9:
        c[9] += n
    if far:
        s.by_origin[f, o, 0] += n
        s.by_origin[f, o, 1] += n * (left - b.accepted) * h


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
def work(w, r, s, t, part, first, last):
    """Everything that happens at facilities first … last - 1 in step t; groups must have arrived."""
    anew = t > 0 and r.table[t] != r.table[t - 1]
    for f in range(first, last):
        _offer(w, r, s, part, f, t)
        if t == len(w.slot):
            continue  # the last collection ends with the horizon
        s.place[f, HANDLING] -= s.handled[f, t]
        if w.hold:
            _accept(w, r, s, part, f, t)
        if anew and r.changed[r.table[t], f]:
            _choose_again(w, r, s, part, f, t)
        _sort(w, r, s, part, f, t)
        _depart(w, r, s, part, f, t)
        if w.span[f, t] > 0:
            _begin_round(w, s, part, f, t)
        _deliver(w, s, part, f, t)
        _weigh(w, s, f, t)


@njit(**OPTIONS)
def recount(w, s, found):
    """Add up parcels in every kind of place, batch by batch: at senders, waiting, out for delivery, under way."""
    facilities, classes = len(w.lane_start) - 1, len(w.class_order)
    lanes_end = (KINDS * facilities + len(w.lane_to)) * classes
    for queue in range(len(s.q.line)):
        n = np.int64(0)
        chunk, at = s.q.line[queue].first, s.q.line[queue].begin
        while chunk != NONE:
            while at < s.q.pool[chunk * CHUNK].ready:
                n += parcels_of(s.q.pool[chunk * CHUNK + at].n)
                at += 1
            chunk, at = s.q.pool[chunk * CHUNK].n, 1
        kind = queue // (facilities * classes)
        if queue >= _groups_from(s):
            found[3] += n
        elif kind == _ROUND:
            found[2] += n
        elif queue >= lanes_end or kind in (_SENDERS, _BARRED):
            found[0] += n
        else:
            found[1] += n


@njit(**OPTIONS)
def add_stock(w, r, s, stage, facility, destination, cls, parcels, offered, due):
    """Parcels already in the network: stage 0 held, 1 unsorted, 2 sorted, 3 in transit (by due, facility, class)."""
    before_due, before_to, before_cls, group = -1, -1, -1, np.int64(NONE)
    for i in range(len(stage)):
        f, d, k, n = facility[i], destination[i], cls[i], parcels[i]
        if n <= 0:
            continue
        s.have[f, k, OFFERED] += n
        if stage[i] == 0:
            queue = _at(w, _SENDERS, f, k)
            s.have[f, k, HELD] += n
            s.since[f, HELD] += n * offered[i]
        elif stage[i] == 1:
            queue = _at(w, _ARRIVALS, f, k)
        elif stage[i] == 2:
            # sorted for delivery here, or taken up in the spare queue and sent on below
            queue = _at(w, _STATION, f, k) if d == f else _spare(s, 0)
        else:
            if due[i] != before_due or f != before_to or k != before_cls:
                s.group_count[0] -= 1
                group = s.group_free[0, s.group_count[0]]
                s.group_to[group] = f
                s.group_cls[group] = k
                s.group_since[group] = 0
                s.group_next[group] = NONE
                if s.due_first[0, due[i]] == NONE:
                    s.due_first[0, due[i]] = group
                else:
                    s.group_next[s.due_last[0, due[i]]] = group
                s.due_last[0, due[i]] = group
                before_due, before_to, before_cls = due[i], f, k
            queue = _groups_from(s) + group
            s.group_since[group] += n * offered[i]
            s.place[f, UNDER_WAY] += n
        b = s.q.pool[place(s.q, 0, queue)]
        b.n = n
        b.origin = -1
        b.destination = d
        b.offered = offered[i]
        b.accepted = 0
        b.left = 0
        b.arrived = due[i] if f == d else -1
        b.hops = 0
        b.ready = due[i]
        s.q.line[queue].parcels += n
        if stage[i] in (1, 2):
            _comes(s, f, k, n, offered[i])
        if stage[i] == 2 and f != d:
            _pour(w, r, s, 0, f, k, 0, queue)
