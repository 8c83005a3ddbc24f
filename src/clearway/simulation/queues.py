"""Queues of batches: chains of small chunks out of one pool, first in, first out.

In:     a pool of records, queue numbers
Out:    place, push, head, drop, move, join: compiled, without allocation
Not:    what the queues mean (kernel.py)
Words:  batch = parcels of one origin, destination and class that travel together; chunk = CHUNK batches
        side by side; chain = chunks that name the next one; part = facilities that one thread works on
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

CHUNK = 16
NONE = -1
# Nothing here allocates, so references need not be counted: counting them took three times the work itself.
OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}
# of functions that only compiled code calls: no way in from Python is made, which saves most of the compiling
INNER: Any = {**OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

BATCH = np.dtype(
    [
        ("n", np.int32),  # parcels; below 0: one parcel that is followed, by its number
        ("origin", np.int16),  # -1: not known (stock)
        ("destination", np.int16),
        ("offered", np.int16),  # steps; below 0: before the start
        ("accepted", np.int16),
        ("left", np.int16),  # the origin; -1: not yet
        ("arrived", np.int16),  # at the destination; -1: not yet
        ("ready", np.int16),  # to be sorted, to go out for delivery; then first out
        ("hops", np.int16),
    ],
    align=True,
)


# What is looked at together lies together: a look at memory far away costs more than all else.
QUEUE = np.dtype([("first", np.int32), ("last", np.int32), ("begin", np.int64), ("parcels", np.int64)])


class Queues(NamedTuple):
    """All queues, and the chunks they are made of."""

    # (chunks × CHUNK,) of BATCH; the first of each chunk is no batch: its ``n`` is the next chunk, its
    # ``ready`` the places used
    pool: NDArray[Any]
    free: NDArray[np.int32]  # (parts, chunks) stacks of free chunks
    spare: NDArray[np.int64]  # (parts,) how many of them
    line: NDArray[Any]  # (Q,) of QUEUE: first and last chunk, place in the first, parcels


def new_queues(queues: int, parts: int) -> Queues:
    """Empty queues without any room."""
    return Queues(
        pool=np.zeros(0, BATCH),
        free=np.zeros((parts, 0), np.int32),
        spare=np.zeros(parts, np.int64),
        line=empty_lines(queues),
    )


def empty_lines(queues: int) -> NDArray[Any]:
    """So many queues with nothing in them."""
    lines = np.zeros(queues, QUEUE)
    lines["first"] = lines["last"] = NONE
    return lines


def with_room(q: Queues, needed: NDArray[np.int64]) -> Queues:
    """The same queues with at least so many free chunks for each part (parts,)."""
    parts = len(q.spare)
    short = q.spare < needed
    if not short.any():
        return q
    if (q.spare - needed).sum() >= 0:
        # enough in all: the richest gives to those who lack
        for p in np.flatnonzero(short).tolist():
            while q.spare[p] < needed[p]:
                rich = int(np.argmax(q.spare - needed))
                n = max(int(needed[p] - q.spare[p]), int(q.spare[rich] - needed[rich]) // 2)
                n = min(n, int(q.spare[rich] - needed[rich]))
                q.free[p, q.spare[p] : q.spare[p] + n] = q.free[rich, q.spare[rich] - n : q.spare[rich]]
                q.spare[p] += n
                q.spare[rich] -= n
        return q
    old = len(q.pool) // CHUNK
    more = max(int(np.maximum(needed - q.spare, 0).sum()), old // 2)
    pool = np.empty((old + more) * CHUNK, BATCH)
    pool[: len(q.pool)] = q.pool
    free = np.empty((parts, old + more), np.int32)
    spare = q.spare.copy()
    share = np.maximum(needed - spare, 0)
    share += (more - int(share.sum())) // parts
    share[0] += more - int(share.sum())
    first: int = old
    for p in range(parts):
        # chunks that were never used lie at the bottom of the stacks
        free[p, : share[p]] = np.arange(first + share[p] - 1, first - 1, -1)
        free[p, share[p] : share[p] + spare[p]] = q.free[p, : spare[p]]
        first += int(share[p])
    return q._replace(pool=pool, free=free, spare=spare + share)


@njit(**INNER)
def parcels_of(n):
    """How many parcels a batch has, by its ``n``."""
    return n if n > 0 else 1


@njit(**INNER)
def place(q, part, at):
    """A place for one more batch at the end of a queue; the caller fills it and counts its parcels."""
    line = q.line[at]
    last = line.last
    if last == NONE or q.pool[last * CHUNK].ready == CHUNK:
        q.spare[part] -= 1
        chunk = q.free[part, q.spare[part]]
        q.pool[chunk * CHUNK].n = NONE
        q.pool[chunk * CHUNK].ready = 1
        if last == NONE:
            line.first = chunk
            line.begin = 1
        else:
            q.pool[last * CHUNK].n = chunk
        line.last = chunk
        last = chunk
    link = q.pool[last * CHUNK]
    index = last * CHUNK + link.ready
    link.ready += 1
    return index


@njit(**INNER)
def push(q, part, at, source):
    """Copy the batch at place ``source`` of the pool to the end of a queue; returns its place there."""
    index = place(q, part, at)
    q.pool[index] = q.pool[source]
    q.line[at].parcels += parcels_of(q.pool[index].n)
    return index


@njit(**INNER)
def head(q, at):
    """Place of the oldest batch of a queue, NONE where it is empty."""
    line = q.line[at]
    if line.first == NONE:
        return NONE
    return line.first * CHUNK + line.begin


@njit(**INNER)
def drop(q, part, at):
    """Forget the oldest batch (its parcels are counted out)."""
    line = q.line[at]
    chunk = line.first
    line.parcels -= parcels_of(q.pool[chunk * CHUNK + line.begin].n)
    line.begin += 1
    if line.begin == q.pool[chunk * CHUNK].ready:
        if chunk == line.last:
            line.first = NONE
            line.last = NONE
        else:
            line.first = q.pool[chunk * CHUNK].n
        line.begin = 1
        q.free[part, q.spare[part]] = chunk
        q.spare[part] += 1


@njit(**INNER)
def move(q, part, source, target, most):
    """Move the oldest batch, or ``most`` parcels of it; returns its new place."""
    index = head(q, source)
    n = q.pool[index].n
    if n <= most:
        new = push(q, part, target, index)
        drop(q, part, source)
        return new
    new = place(q, part, target)
    q.pool[new] = q.pool[index]
    q.pool[new].n = most
    q.line[target].parcels += most
    q.pool[index].n = n - most
    q.line[source].parcels -= most
    return new


@njit(**INNER)
def cut_off(q, source, target, last, parcels):
    """Hand the chunks of a queue up to ``last``, with so many parcels in all, to the end of another."""
    a, b = q.line[source], q.line[target]
    rest = q.pool[last * CHUNK].n
    if b.first == NONE:
        b.first = a.first
        b.begin = a.begin
    else:
        # nothing was taken from the source before, or what was would come back
        q.pool[b.last * CHUNK].n = a.first
    q.pool[last * CHUNK].n = NONE
    b.last = last
    b.parcels += parcels
    a.first = rest
    a.begin = 1
    if rest == NONE:
        a.last = NONE
    a.parcels -= parcels


@njit(**INNER)
def join(q, source, target):
    """Hand the whole chain of one queue to the end of another."""
    a, b = q.line[source], q.line[target]
    if a.first == NONE:
        return
    if b.first == NONE:
        b.first = a.first
        b.begin = a.begin
    else:
        # nothing was taken from the source before, or what was would come back
        q.pool[b.last * CHUNK].n = a.first
    b.last = a.last
    b.parcels += a.parcels
    a.first = NONE
    a.last = NONE
    a.parcels = 0
