"""Parcels appear at their senders and are accepted: compiled.

In:     World, Routes, Flow
Out:    the same Flow later
Not:    what follows acceptance (kernel.py)
Words:  as in state.py
Source: docs/simulation.md
"""

from __future__ import annotations

import numpy as np
from numba import njit

from clearway.simulation.places import (
    BARRED,
    HOME,
    SENDERS,
    comes,
    handles,
    held_queue,
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
    HELD,
    OFFERED,
    WAITING,
)


@njit(**INNER)
def _offer_batch(w, r, s, part, f, d, k, n, offered, t):
    """Put new parcels where the policy has them wait: at their senders, or in the network."""
    parcels = parcels_of(n)
    if w.hold:
        queue = queue_of(w, SENDERS, f, k)
        if r.release.shape[0] > 0:
            slot = r.release[f, d, k, w.slot[min(max(offered, 0), len(w.slot) - 1)]]
            if slot > w.slot[min(t, len(w.slot) - 1)]:
                queue = held_queue(w, r, f, k, min(slot, r.release.shape[3]))
        s.have[f, k, HELD] += parcels
        s.since[f, HELD] += parcels * offered
    else:
        queue = queue_of(w, HOME, f, k)
        comes(s, f, k, parcels, offered)
        handles(s, f, parcels, t + w.origin_steps, t)
        if n < 0:
            note(s, n, ACCEPTED, f, t, -1)
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
def offer(w, r, s, part, f, t):
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
            followed = min(n, np.int64(np.floor(n * w.sample + mixed(11, row, number))))
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
def _accept_in_place(w, s, queue, f, k, t):
    """Every batch of a queue is accepted where it lies."""
    parcels, since = np.int64(0), np.int64(0)
    ready = t + w.origin_steps
    chunk, at = s.q.line[queue].first, s.q.line[queue].begin
    while chunk != NONE:
        used = s.q.pool[chunk * CHUNK].ready
        while at < used:
            b = s.q.pool[chunk * CHUNK + at]
            b.accepted = t
            b.ready = ready
            n = parcels_of(b.n)
            parcels += n
            since += n * b.offered
            if b.n < 0:
                note(s, b.n, ACCEPTED, f, t, -1)
            at += 1
        chunk, at = s.q.pool[chunk * CHUNK].n, 1
    s.have[f, k, HELD] -= parcels
    s.since[f, HELD] -= since
    comes(s, f, k, parcels, 0)
    s.since[f, WAITING] += since
    handles(s, f, parcels, ready, t)


@njit(**INNER)
def accept(w, r, s, part, f, t):
    """Accept from senders what may be accepted: class by class, oldest first."""
    fresh = r.release.shape[0] > 0 and (t == 0 or w.slot[t] != w.slot[t - 1])
    embargo = w.embargo[t]
    turned = t > 0 and w.embargo[t - 1] != embargo
    room = take(s.carry, f, 0, w.accept[f, t])
    for rank in range(len(w.class_order)):
        k = w.class_order[rank]
        queue, barred = queue_of(w, SENDERS, f, k), queue_of(w, BARRED, f, k)
        if turned:
            # those barred are the older ones
            join(s.q, queue, spare_queue(s, part))
            _pour_all(s, part, barred, queue)
            _pour_all(s, part, spare_queue(s, part), queue)
        if fresh:
            _pour_all(s, part, held_queue(w, r, f, k, w.slot[t]), queue)
        line = s.q.line[queue]
        home = queue_of(w, HOME, f, k)
        if embargo == 0 and line.parcels <= room and (line.begin == 1 or s.q.line[home].first == NONE):
            # all of it is accepted: batches stay where they are, only the chain is handed over
            room -= line.parcels
            _accept_in_place(w, s, queue, f, k, t)
            join(s.q, queue, home)
        while room > 0:
            index = head(s.q, queue)
            if index == NONE:
                break
            if embargo > 0 and w.embargo_hits[embargo, s.q.pool[index].destination]:
                push(s.q, part, barred, index)
                drop(s.q, part, queue)
                continue
            b = s.q.pool[move(s.q, part, queue, home, room)]
            n = parcels_of(b.n)
            b.accepted = t
            b.ready = t + w.origin_steps
            s.have[f, k, HELD] -= n
            s.since[f, HELD] -= n * b.offered
            comes(s, f, k, n, b.offered)
            handles(s, f, n, b.ready, t)
            if b.n < 0:
                note(s, b.n, ACCEPTED, f, t, -1)
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
def recall(w, r, s, part, f, t):
    """Parcels held at senders of f wait for the slots in which the policy calls stock in, oldest first."""
    facilities, slots = r.release.shape[0], r.release.shape[3]
    spare, now = spare_queue(s, part), w.slot[min(t, len(w.slot) - 1)]
    for k in range(len(w.class_order)):
        join(s.q, queue_of(w, BARRED, f, k), spare)
        senders = queue_of(w, SENDERS, f, k)
        _pour_all(s, part, senders, spare)
        for slot in range(slots + 1):
            _pour_all(s, part, held_queue(w, r, f, k, slot), spare)
        while True:
            index = head(s.q, spare)
            if index == NONE:
                break
            b = s.q.pool[index]
            cell = (f * facilities + b.destination) * len(w.class_order) + k
            at, end = r.recall_first[cell], r.recall_first[cell + 1]
            while at < end and r.recall_left[at] <= 0.5:
                at += 1
            queue = senders
            if at < end:
                r.recall_left[at] -= parcels_of(b.n)
                if r.recall_slot[at] > now:
                    queue = held_queue(w, r, f, k, r.recall_slot[at])
            push(s.q, part, queue, index)
            drop(s.q, part, spare)
