"""Delivery rounds: what couriers take, deliver and bring back; how long it took: compiled.

In:     World, Flow
Out:    the same Flow later
Not:    all that comes before (kernel.py)
Words:  as in state.py
Source: docs/simulation.md
"""

from __future__ import annotations

import numpy as np
from numba import njit

from clearway.simulation.places import (
    AGAIN,
    ROUND,
    STATION,
    comes,
    goes,
    mixed,
    note,
    queue_of,
    take,
)
from clearway.simulation.queues import (
    CHUNK,
    INNER,
    NONE,
    cut_off,
    drop,
    head,
    move,
    parcels_of,
)
from clearway.simulation.state import (
    ATTEMPTED,
    DELIVERED,
    FINISHED,
    LEFT,
    ON_ROUND,
    OUT,
)


@njit(**INNER)
def _take_chunks(s, source, target, f, k, t, room, again):
    """Couriers take whole chunks from the head of a queue, as long as all in them is ready; returns parcels.

    Batches stay where they are. What is left, chunks that are ready in part, goes batch by batch.
    """
    line = s.q.line[source]
    total = np.int64(0)
    if line.first == NONE or not (line.begin == 1 or s.q.line[target].first == NONE):
        return total
    chunk, at, cut = line.first, line.begin, np.int64(NONE)
    while chunk != NONE:
        used, n = s.q.pool[chunk * CHUNK].ready, np.int64(0)
        if s.q.pool[chunk * CHUNK + used - 1].ready > t:
            break
        for i in range(at, used):
            n += parcels_of(s.q.pool[chunk * CHUNK + i].n)
        if total + n > room:
            break
        for i in range(at, used):
            b = s.q.pool[chunk * CHUNK + i]
            if again:
                b.ready = t
            goes(s, f, k, parcels_of(b.n), b.offered)
            if b.n < 0:
                note(s, b.n, OUT, f, t, -1)
        total += n
        cut = chunk
        chunk, at = s.q.pool[chunk * CHUNK].n, 1
    if cut != NONE:
        cut_off(s.q, source, target, cut, total)
    return total


@njit(**INNER)
def begin_round(w, s, part, f, t):
    """Couriers take what they can deliver in the round that begins: first what failed before."""
    planned, extra = 0.0, 0.0
    for at in range(t, min(t + w.span[f, t], len(w.slot))):
        planned += w.deliver[f, at]
        extra += w.deliver_extra[f, at]
    s.place[f, LEFT] = w.span[f, t]
    room = take(s.carry, f, 2, planned + extra) - s.place[f, ON_ROUND]
    taken = np.int64(0)
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        for again in range(2):
            source = queue_of(w, STATION if again else AGAIN, f, k)
            n = _take_chunks(s, source, queue_of(w, ROUND, f, k), f, k, t, room, again)
            taken += n
            room -= n
            while room > 0:
                index = head(s.q, source)
                if index == NONE or s.q.pool[index].ready > t:
                    break
                b = s.q.pool[move(s.q, part, source, queue_of(w, ROUND, f, k), room)]
                n = parcels_of(b.n)
                if again:
                    b.ready = t
                goes(s, f, k, n, b.offered)
                if b.n < 0:
                    note(s, b.n, OUT, f, t, -1)
                taken += n
                room -= n
    s.place[f, ON_ROUND] += taken
    s.cost[f, 4] += max(0.0, taken - planned - 1.0) * w.facility_premium[f]


@njit(**INNER)
def deliver(w, s, part, f, t):
    """The part of the round that is delivered in this step; what fails goes back."""
    left = s.place[f, LEFT]
    if left > 0:
        s.place[f, LEFT] = left - 1
    if s.place[f, ON_ROUND] == 0 or w.deliver[f, t] <= 0.0:
        return
    room = -(-s.place[f, ON_ROUND] // max(left, 1))
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        queue = queue_of(w, ROUND, f, k)
        while room > 0:
            index = head(s.q, queue)
            if index == NONE:
                break
            n = min(np.int64(parcels_of(s.q.pool[index].n)), room)
            fails = np.int64(np.floor(n * (1.0 - w.success) + mixed(w.seed, t * 1000003 + room, f)))
            if fails > 0:
                b = s.q.pool[move(s.q, part, queue, queue_of(w, AGAIN, f, k), fails)]
                comes(s, f, k, fails, b.offered)
                if b.n < 0:
                    note(s, b.n, ATTEMPTED, f, t, -1)
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
        note(s, b.n, DELIVERED, f, t, -1)
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
