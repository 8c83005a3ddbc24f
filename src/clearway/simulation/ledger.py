"""Stock put into the queues at the start, and everything in them counted again: compiled.

In:     World, Routes, Flow, stock
Out:    the queues filled; sums to compare
Not:    the steps between (kernel.py)
Words:  as in state.py
Source: docs/simulation.md
"""

from __future__ import annotations

import numpy as np
from numba import njit

from clearway.simulation.kernel import (
    pour,
)
from clearway.simulation.places import (
    ARRIVALS,
    BARRED,
    KINDS,
    ROUND,
    SENDERS,
    STATION,
    comes,
    groups_from,
    queue_of,
    spare_queue,
)
from clearway.simulation.queues import (
    CHUNK,
    NONE,
    OPTIONS,
    parcels_of,
    place,
)
from clearway.simulation.state import (
    HELD,
    OFFERED,
    UNDER_WAY,
)


@njit(**OPTIONS)
def recount(w, s, first, last, found):
    """Add up parcels in queues first … last - 1, batch by batch: at senders, waiting, out for delivery, under way."""
    facilities, classes = len(w.lane_start) - 1, len(w.class_order)
    lanes_end = (KINDS * facilities + len(w.lane_to)) * classes
    for queue in range(first, last):
        n = np.int64(0)
        chunk, at = s.q.line[queue].first, s.q.line[queue].begin
        while chunk != NONE:
            while at < s.q.pool[chunk * CHUNK].ready:
                n += parcels_of(s.q.pool[chunk * CHUNK + at].n)
                at += 1
            chunk, at = s.q.pool[chunk * CHUNK].n, 1
        kind = queue // (facilities * classes)
        if queue >= groups_from(s):
            found[3] += n
        elif kind == ROUND:
            found[2] += n
        elif queue >= lanes_end or kind in (SENDERS, BARRED):
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
            queue = queue_of(w, SENDERS, f, k)
            s.have[f, k, HELD] += n
            s.since[f, HELD] += n * offered[i]
        elif stage[i] == 1:
            queue = queue_of(w, ARRIVALS, f, k)
        elif stage[i] == 2:
            # sorted for delivery here, or taken up in the spare queue and sent on below
            queue = queue_of(w, STATION, f, k) if d == f else spare_queue(s, 0)
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
            queue = groups_from(s) + group
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
            comes(s, f, k, n, offered[i])
        if stage[i] == 2 and f != d:
            pour(w, r, s, 0, f, k, 0, queue)


@njit(**OPTIONS)
def list_batches(w, s, found):
    """Write down every batch that is anywhere: queue, parcels, destination, offered, ready.

    found (batches, 5) int64, or (0, 5) to count only; returns how many there are.
    """
    number = 0
    for queue in range(len(s.q.line)):
        chunk, at = s.q.line[queue].first, s.q.line[queue].begin
        while chunk != NONE:
            while at < s.q.pool[chunk * CHUNK].ready:
                b = s.q.pool[chunk * CHUNK + at]
                if number < len(found):
                    found[number, 0] = queue
                    found[number, 1] = parcels_of(b.n)
                    found[number, 2] = b.destination
                    found[number, 3] = b.offered
                    found[number, 4] = b.ready
                number += 1
                at += 1
            chunk, at = s.q.pool[chunk * CHUNK].n, 1
    return number
