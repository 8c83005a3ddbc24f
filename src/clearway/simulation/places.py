"""Where batches wait, and the numbers that go with it: compiled.

In:     World, Flow
Out:    numbers of queues, counts that follow parcels, notes of parcels that are followed, chance
Not:    what happens when (kernel.py)
Words:  as in state.py
Source: docs/simulation.md
"""

from __future__ import annotations

import numpy as np
from numba import njit

from clearway.simulation.queues import (
    INNER,
)
from clearway.simulation.state import (
    HANDLING,
    WAITING,
)


@njit(**INNER)
def mixed(a, b, c):
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
SENDERS, BARRED, STUCK, HOME, ARRIVALS, STATION, AGAIN, ROUND = range(8)
KINDS = 8


@njit(**INNER)
def queue_of(w, kind, f, k):
    return (kind * (len(w.lane_start) - 1) + f) * len(w.class_order) + k


@njit(**INNER)
def lane_queue(w, lane, k):
    classes = len(w.class_order)
    return (KINDS * (len(w.lane_start) - 1) + lane) * classes + k


@njit(**INNER)
def held_queue(w, r, f, k, slot):
    classes = len(w.class_order)
    first = (KINDS * (len(w.lane_start) - 1) + len(w.lane_to)) * classes
    return first + (f * classes + k) * (r.release.shape[3] + 1) + slot


@njit(**INNER)
def groups_from(s):
    return len(s.q.line) - len(s.group_next)


@njit(**INNER)
def spare_queue(s, part):
    return groups_from(s) - 1 - part


@njit(**INNER)
def note(s, n, what, f, t, onward):
    """Write down what happens to a parcel that is followed (``n`` below 0)."""
    at = s.events[0]
    s.event[at, 0] = -n
    s.event[at, 1] = what
    s.event[at, 2] = f
    s.event[at, 3] = t
    s.event[at, 4] = onward
    s.events[0] = at + 1


@njit(**INNER)
def comes(s, f, k, n, offered):
    s.have[f, k, WAITING] += n
    s.since[f, WAITING] += n * offered


@njit(**INNER)
def goes(s, f, k, n, offered):
    s.have[f, k, WAITING] -= n
    s.since[f, WAITING] -= n * offered


@njit(**INNER)
def handles(s, f, n, ready, t):
    """Parcels are at the outlets until their handling ends, and so not in the yard."""
    if ready > t:
        s.place[f, HANDLING] += n
        s.handled[f, min(ready, s.handled.shape[1] - 1)] += n


@njit(**INNER)
def take(carry, f, which, capacity):
    """Whole parcels of a capacity; what is left of one is kept for the next step."""
    if not capacity < 1e15:
        return np.int64(1) << 60
    x = capacity + carry[f, which]
    n = np.int64(np.floor(x + 1e-9))
    carry[f, which] = min(max(x - n, 0.0), 1.0)
    return n
