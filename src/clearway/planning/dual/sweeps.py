"""The sweeps of one block of commodities: policies backward in time, loads forward, the exact bound.

In:     arrays of a block (see layout.py), prices by slot and row
Out:    fractions by node and option, loads by row, the bound's terms
Not:    the order of iterations (ascent.py), what may really be moved (repair.py)
Words:  node = (facility, slot) unsorted or sorted; option = lane, hold, sort, deliver, accept
Source: docs/solver.md
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from clearway.planning.dual.bits import (
    WIDTH,
    accept,
    as_good,
    begin,
    best,
    best_barred,
    divide,
    enter,
    fill,
    first_code,
    keep,
    more,
    offer,
    offer_barred,
    pack,
    send,
    set_d,
    settle,
    sort,
    total,
    two,
    unpack,
    value_of,
    weigh,
    write,
)

HOLD, SORT, ACCEPT = 0, 1, 2
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy"}
_FAR = np.float32(1e9)


@njit(**_OPTIONS)
def soft_backward(
    block, price, start, lane, to, tau, lane_cost, sort_cost, deliver_cost, target, targets_here,
    wait, at_sender, end, mu, inverse, mix, hold, ban, ban_cost, embargo, embargo_cost,
    ref_lane, ref_node, ref_deliver, cur_lane, cur_node, cur_deliver, vin, vout, voff, work,
):  # fmt: skip
    """Softmin policies of one block at the given prices, tilted by the reference fractions.

    price (T, R) in the order lanes, sort, deliver, storage, accept; fractions (T, options, WIDTH) 16 bit;
    work (options + 4, WIDTH).
    """
    slots, lanes = tau.shape
    facilities = len(start) - 1
    count = cur_lane.shape[1]
    blocks = cur_node.shape[1]
    low = (work.shape[0] - 1) * WIDTH
    sums = (work.shape[0] - 2) * WIDTH
    for f in range(facilities):
        fill(vin, (slots * facilities + f) * WIDTH, end)
        fill(vout, f * WIDTH, end)
        fill(voff, f * WIDTH, end)
    for t in range(slots - 1, -1, -1):
        for f in range(facilities):
            here = f * WIDTH
            node = ((t * blocks + block) * facilities + f) * 3 * WIDTH
            own = (block * facilities + f) * WIDTH
            stay = wait + price[t, lanes + 2 * facilities + f]
            first, last = start[f], start[f + 1]
            begin(vout, here, stay, work, 0, work, low)
            n = WIDTH
            for c in range(first, last):
                e = lane[c]
                way = tau[t, e]
                if way < 0:
                    fill(work, n, _FAR)
                else:
                    base = lane_cost[e] + price[t, e] + wait * np.float32(way)
                    at = ((t + way) * facilities + to[e]) * WIDTH
                    s = ban[t, e]
                    if s == 0:
                        offer(vin, at, base, work, n, work, low)
                    else:
                        offer_barred(vin, at, base, ban_cost, s * WIDTH, work, n, work, low)
                n += WIDTH
            if targets_here[f]:
                cost = deliver_cost[f] + price[t, lanes + facilities + f]
                fill(work, n, _FAR)
                for j in range(WIDTH):
                    if target[j] == f:
                        work[n // WIDTH, j] = cost
                        work[low // WIDTH, j] = min(work[low // WIDTH, j], cost)
            fill(work, sums, np.float32(0.0))
            weigh(ref_node, node + HOLD * WIDTH, work, 0, work, low, inverse, own, mix, work, sums)
            n = WIDTH
            for c in range(first, last):
                weigh(ref_lane, (t * count + c) * WIDTH, work, n, work, low, inverse, own, mix, work, sums)
                n += WIDTH
            if targets_here[f]:
                weigh(ref_deliver, (t * blocks + block) * WIDTH, work, n, work, low, inverse, own, mix, work, sums)
            settle(work, low, work, sums, mu, own, vout, here)
            write(work, 0, work, sums, cur_node, node + HOLD * WIDTH)
            n = WIDTH
            for c in range(first, last):
                write(work, n, work, sums, cur_lane, (t * count + c) * WIDTH)
                n += WIDTH
            if targets_here[f]:
                for j in range(WIDTH):
                    if target[j] == f:
                        cur_deliver[t, block, j] = pack(work[n // WIDTH, j] * work[sums // WIDTH, j])
            two(
                vout, here, embargo_cost, 0, sort_cost[t, f] + price[t, lanes + f],
                vin, ((t + 1) * facilities + f) * WIDTH, stay, ref_node, node + SORT * WIDTH,
                inverse, own, mu, own, mix, vin, (t * facilities + f) * WIDTH, cur_node, node + SORT * WIDTH,
            )  # fmt: skip
            if hold:
                two(
                    vin, (t * facilities + f) * WIDTH, embargo_cost, embargo[t] * WIDTH,
                    price[t, lanes + 3 * facilities + f], voff, here, at_sender, ref_node, node + ACCEPT * WIDTH,
                    inverse, own, mu, own, mix, voff, here, cur_node, node + ACCEPT * WIDTH,
                )  # fmt: skip


@njit(**_OPTIONS)
def load_forward(
    block, start, lane, to, tau, target, targets_here, hold, day, share, supply, held, unsorted, sorted_,
    arriving, cur_lane, cur_node, cur_deliver, loads, inbox, off, hin, hout, work,
):  # fmt: skip
    """Parcels of one block sent along their policies; adds to ``loads`` (T, R)."""
    slots, lanes = tau.shape
    facilities = len(start) - 1
    count = cur_lane.shape[1]
    blocks = cur_node.shape[1]
    inbox[:] = np.float32(0.0)
    for i in range(len(arriving)):
        inbox[int(arriving[i, 0]), int(arriving[i, 1]), int(arriving[i, 2])] += np.float32(arriving[i, 3])
    for f in range(facilities):
        for j in range(WIDTH):
            off[f, j] = held[f, block, j]
            hin[f, j] = unsorted[f, block, j]
            hout[f, j] = sorted_[f, block, j]
    for t in range(slots):
        d = day[t]
        part = share[t]
        for f in range(facilities):
            here = f * WIDTH
            node = ((t * blocks + block) * facilities + f) * 3 * WIDTH
            given = ((d * facilities + f) * blocks + block) * WIDTH
            if hold:
                loads[t, lanes + 3 * facilities + f] += accept(
                    off, here, supply, given, part, cur_node, node + ACCEPT * WIDTH, work, 0
                )
            else:
                enter(supply, given, part, work, 0)
            loads[t, lanes + f] += sort(
                work, 0, inbox, (t * facilities + f) * WIDTH, hin, here, cur_node, node + SORT * WIDTH, hout, here
            )
            if total(hout, here) > np.float32(1e-6):
                first, last = start[f], start[f + 1]
                first_code(cur_node, node + HOLD * WIDTH, work, WIDTH)
                for c in range(first, last):
                    more(cur_lane, (t * count + c) * WIDTH, work, WIDTH)
                if targets_here[f]:
                    for j in range(WIDTH):
                        if target[j] == f:
                            work[1, j] += unpack(cur_deliver[t, block, j])
                divide(hout, here, work, WIDTH)
                keep(cur_node, node + HOLD * WIDTH, work, WIDTH, hout, here)
                for c in range(first, last):
                    e = lane[c]
                    way = tau[t, e]
                    if way >= 0:
                        loads[t, e] += send(
                            cur_lane, (t * count + c) * WIDTH, work, WIDTH,
                            inbox, ((t + way) * facilities + to[e]) * WIDTH,
                        )  # fmt: skip
                if targets_here[f]:
                    for j in range(WIDTH):
                        if target[j] == f:
                            loads[t, lanes + facilities + f] += work[1, j] * unpack(cur_deliver[t, block, j])
            loads[t, lanes + 2 * facilities + f] += total(hin, here) + total(hout, here)


@njit(**_OPTIONS)
def exact_value(
    block, price, start, lane, to, tau, lane_cost, sort_cost, deliver_cost, target, targets_here,
    wait, at_sender, end, hold, ban, ban_cost, embargo, embargo_cost,
    day, share, supply, held, unsorted, sorted_, arriving, vin, vout, voff, counting, used, keeping, all_voff,
):  # fmt: skip
    """Σ parcels × cheapest cost-to-go of one block over all its lanes, in double precision.

    With ``counting``, ``used`` (E,) counts how often each lane is the best way on; with ``keeping``,
    ``all_voff`` (T, F, WIDTH) takes the cost-to-go of what is offered.
    """
    slots, lanes = tau.shape
    facilities = len(start) - 1
    blocks = supply.shape[2]
    for f in range(facilities):
        for j in range(WIDTH):
            vin[slots, f, j] = end
            vout[f, j] = end
            voff[f, j] = end
    value = 0.0
    for t in range(slots - 1, -1, -1):
        d = day[t]
        part = share[t]
        for f in range(facilities):
            here = f * WIDTH
            given = ((d * facilities + f) * blocks + block) * WIDTH
            stay = wait + price[t, lanes + 2 * facilities + f]
            now, ahead = (t * facilities + f) * WIDTH, ((t + 1) * facilities + f) * WIDTH
            set_d(vout, here, stay, vout, here)
            for c in range(start[f], start[f + 1]):
                e = lane[c]
                way = tau[t, e]
                if way >= 0:
                    base = lane_cost[e] + price[t, e] + wait * way
                    at = ((t + way) * facilities + to[e]) * WIDTH
                    s = ban[t, e]
                    if s == 0:
                        best(vin, at, base, vout, here)
                    else:
                        best_barred(vin, at, base, ban_cost, s * WIDTH, vout, here)
            if targets_here[f]:
                cost = deliver_cost[f] + price[t, lanes + facilities + f]
                for j in range(WIDTH):
                    if target[j] == f:
                        vout[f, j] = min(vout[f, j], cost)
            if counting:
                for c in range(start[f], start[f + 1]):
                    e = lane[c]
                    way = tau[t, e]
                    if way >= 0:
                        base = lane_cost[e] + price[t, e] + wait * way
                        used[e] += as_good(vin, ((t + way) * facilities + to[e]) * WIDTH, base, vout, here)
            set_d(vin, ahead, stay, vin, now)
            best(vout, here, sort_cost[t, f] + price[t, lanes + f], vin, now)
            if hold:
                set_d(voff, here, at_sender, voff, here)
                best_barred(
                    vin, now, price[t, lanes + 3 * facilities + f], embargo_cost, embargo[t] * WIDTH, voff, here
                )
                value += value_of(supply, given, part, voff, here)
                if keeping:
                    for j in range(WIDTH):
                        all_voff[t, f, j] = voff[f, j]
            else:
                value += value_of(supply, given, part, vin, now)
                if keeping:
                    for j in range(WIDTH):
                        all_voff[t, f, j] = vin[t, f, j]
    for f in range(facilities):
        for j in range(WIDTH):
            value += unsorted[f, block, j] * vin[0, f, j] + sorted_[f, block, j] * vout[f, j]
            if hold:
                value += held[f, block, j] * voff[f, j]
    for i in range(len(arriving)):
        value += arriving[i, 3] * vin[int(arriving[i, 0]), int(arriving[i, 1]), int(arriving[i, 2])]
    return value


@njit(**_OPTIONS)
def mean_share(codes, total):
    """Add up the fractions of every candidate lane, codes (T, C, WIDTH), total (C,)."""
    for t in range(codes.shape[0]):
        for c in range(codes.shape[1]):
            for j in range(WIDTH):
                total[c] += unpack(codes[t, c, j])


@njit(**_OPTIONS)
def take_over(old, source, new):
    """Copy lanes (T, C, WIDTH) by their old place; -1 leaves a new one at 0, from where ``mix`` raises it."""
    for t in range(new.shape[0]):
        for c in range(new.shape[1]):
            if source[c] >= 0:
                for j in range(WIDTH):
                    new[t, c, j] = old[t, source[c], j]
