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

from clearway.planning.dual.vector import (
    WIDTH,
    all_of,
    count_up_to,
    exp2,
    least,
    load,
    load_least,
    log,
    most,
    pack,
    save,
    total,
    unpack,
    widen,
)

HOLD, SORT, ACCEPT = 0, 1, 2
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy"}
_FAR = np.float32(1e9)
_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


@njit(**_OPTIONS)
def departures(price, lane_cost, tau, wait, cost):
    """What a departure costs a class of parcels, (T, E): fee, price and waiting under way."""
    slots, lanes = tau.shape
    for t in range(slots):
        for e in range(lanes):
            cost[t, e] = _FAR if tau[t, e] < 0 else lane_cost[e] + price[t, e] + wait * np.float32(tau[t, e])


@njit(**_OPTIONS)
def soft_backward(
    block, price, departure, start, lane, arrives, sort_cost, deliver_cost, target, targets_here,
    wait, at_sender, end, mu, mix, hold, ban, ban_cost, embargo, embargo_cost,
    ref_lane, ref_node, ref_deliver, cur_lane, cur_node, cur_deliver, vin, vout, voff, work,
):  # fmt: skip
    """Softmin policies of one block at the given prices, tilted by the reference fractions.

    price (T, R) in the order lanes, sort, deliver, storage, accept; departure (T, E) costs of departing,
    arrives and ban (T, E) as in Layout; fractions (T, options, WIDTH) 16 bit; vin, voff (T + 1, F, WIDTH) and vout
    (F, WIDTH) costs to go; work (options, WIDTH).
    """
    slots, lanes = arrives.shape
    facilities = len(start) - 1
    count = cur_lane.shape[1]
    blocks = cur_node.shape[1]
    banned = ban.shape[1] > 0
    inverse = np.float32(1.4426950408889634) / mu  # exponentials to the base 2
    last_value = all_of(end)
    for f in range(facilities):
        save(vin, (slots * facilities + f) * WIDTH, last_value)
        save(vout, f * WIDTH, last_value)
        save(voff, f * WIDTH, last_value)
    for t in range(slots - 1, -1, -1):
        arrives_now, cost_now, ban_now = arrives[t], departure[t], ban[t if banned else 0]
        for f in range(facilities):
            here = f * WIDTH
            node = ((t * blocks + block) * facilities + f) * 3 * WIDTH
            first, last = start[f], start[f + 1]
            cost = load(vout, here) + (wait + price[t, lanes + 2 * facilities + f])
            low = cost
            save(work, 0, cost)
            n = WIDTH
            for c in range(first, last):
                e = lane[c]
                cost = load(vin, arrives_now[e] * WIDTH) + cost_now[e]
                if banned and ban_now[e] > 0:
                    cost = cost + load(ban_cost, ban_now[e] * WIDTH)
                low = least(low, cost)
                save(work, n, cost)
                n += WIDTH
            if targets_here[f]:
                deliver = deliver_cost[f] + price[t, lanes + facilities + f]
                save(work, n, all_of(_FAR))
                for j in range(WIDTH):
                    if target[j] == f:
                        work[n // WIDTH, j] = deliver
                low = least(low, load(work, n))
            weight = (load(ref_node, node + HOLD * WIDTH) + mix) * exp2((low - load(work, 0)) * inverse)
            save(work, 0, weight)
            sum_ = weight
            n = WIDTH
            for c in range(first, last):
                weight = (load_least(ref_lane, (t * count + c) * WIDTH) + mix) * exp2((low - load(work, n)) * inverse)
                sum_ = sum_ + weight
                save(work, n, weight)
                n += WIDTH
            if targets_here[f]:
                at = (t * blocks + block) * WIDTH
                weight = (load(ref_deliver, at) + mix) * exp2((low - load(work, n)) * inverse)
                sum_ = sum_ + weight
                save(work, n, weight)
            save(vout, here, low - log(sum_) * mu)
            part = _ONE / sum_
            save(cur_node, node + HOLD * WIDTH, load(work, 0) * part)
            n = WIDTH
            for c in range(first, last):
                save(cur_lane, (t * count + c) * WIDTH, load(work, n) * part)
                n += WIDTH
            if targets_here[f]:
                save(work, n, load(work, n) * part)
                for j in range(WIDTH):
                    if target[j] == f:
                        cur_deliver[t, block, j] = pack(work[n // WIDTH, j])
        # sorting and accepting in loops of their own: facilities do not wait for each other's logarithms
        for f in range(facilities):
            node = ((t * blocks + block) * facilities + f) * 3 * WIDTH
            now = (t * facilities + f) * WIDTH
            go = load(vout, f * WIDTH) + (sort_cost[t, f] + price[t, lanes + f])
            stay = load(vin, now + facilities * WIDTH) + (wait + price[t, lanes + 2 * facilities + f])
            low = least(go, stay)
            r = load(ref_node, node + SORT * WIDTH)
            x = (r + mix) * exp2((low - go) * inverse)
            y = (most(_ONE - r, _ZERO) + mix) * exp2((low - stay) * inverse)
            sum_ = x + y
            save(vin, now, low - log(sum_) * mu)
            save(cur_node, node + SORT * WIDTH, x / sum_)
        if hold:
            bar = embargo[t] * WIDTH
            for f in range(facilities):
                node = ((t * blocks + block) * facilities + f) * 3 * WIDTH
                now = (t * facilities + f) * WIDTH
                go = load(vin, now) + load(embargo_cost, bar) + price[t, lanes + 3 * facilities + f]
                stay = load(voff, f * WIDTH) + at_sender
                low = least(go, stay)
                r = load(ref_node, node + ACCEPT * WIDTH)
                x = (r + mix) * exp2((low - go) * inverse)
                y = (most(_ONE - r, _ZERO) + mix) * exp2((low - stay) * inverse)
                sum_ = x + y
                save(voff, f * WIDTH, low - log(sum_) * mu)
                save(cur_node, node + ACCEPT * WIDTH, x / sum_)


@njit(**_OPTIONS)
def load_forward(
    block, start, lane, box, target, targets_here, hold, day, share, supply, held, unsorted, sorted_,
    arriving, cur_lane, cur_node, cur_deliver, loads, inbox, off, hin, hout,
):  # fmt: skip
    """Parcels of one block sent along their policies; adds to ``loads`` (T, R).

    box (T, E) the place in ``inbox`` (ring + 1, F, WIDTH) that a departure reaches, as in Layout.

    Fractions are taken as they stand: they sum to one but for their rounding, which prices do not feel.
    """
    slots, lanes = box.shape
    facilities = len(start) - 1
    count = cur_lane.shape[1]
    blocks = cur_node.shape[1]
    ring = len(inbox) - 1
    inbox[:] = _ZERO
    none = all_of(_ZERO)
    for f in range(facilities):
        for j in range(WIDTH):
            off[f, j] = held[f, block, j]
            hin[f, j] = unsorted[f, block, j]
            hout[f, j] = sorted_[f, block, j]
    for t in range(slots):
        d = day[t]
        part = share[t]
        box_now, loads_now = box[t], loads[t]
        for i in range(len(arriving)):
            if int(arriving[i, 0]) == t:
                hin[int(arriving[i, 1]), int(arriving[i, 2])] += np.float32(arriving[i, 3])
        for f in range(facilities):
            here = f * WIDTH
            node = ((t * blocks + block) * facilities + f) * 3 * WIDTH
            taken = load(supply, ((d * facilities + f) * blocks + block) * WIDTH) * part
            if hold:
                stock = load(off, here) + taken
                taken = stock * load(cur_node, node + ACCEPT * WIDTH)
                save(off, here, stock - taken)
                loads_now[lanes + 3 * facilities + f] += total(taken)
            arrived = (t % ring * facilities + f) * WIDTH
            stock = load(hin, here) + taken + load(inbox, arrived)
            save(inbox, arrived, none)
            done = stock * load(cur_node, node + SORT * WIDTH)
            stock = stock - done
            save(hin, here, stock)
            loads_now[lanes + f] += total(done)
            ready = load(hout, here) + done
            if total(ready) > np.float32(1e-6):
                for c in range(start[f], start[f + 1]):
                    e = lane[c]
                    at = box_now[e] * WIDTH
                    sent = ready * load(cur_lane, (t * count + c) * WIDTH)
                    save(inbox, at, load(inbox, at) + sent)
                    loads_now[e] += total(sent)
                if targets_here[f]:
                    save(hout, here, ready)
                    for j in range(WIDTH):
                        if target[j] == f:
                            loads_now[lanes + facilities + f] += hout[f, j] * unpack(cur_deliver[t, block, j])
                ready = ready * load(cur_node, node + HOLD * WIDTH)
            save(hout, here, ready)
            loads_now[lanes + 2 * facilities + f] += total(stock + ready)


@njit(**_OPTIONS)
def exact_value(
    block, price, departure, start, lane, arrives, sort_cost, deliver_cost, target, targets_here,
    wait, at_sender, end, hold, ban, ban_cost, embargo, embargo_cost,
    day, share, supply, held, unsorted, sorted_, arriving, vin, vout, voff, counting, used, keeping, all_voff,
):  # fmt: skip
    """Σ parcels × cheapest cost-to-go of one block over all its lanes, in double precision.

    With ``counting``, ``used`` (E,) counts how often each lane is the best way on; with ``keeping``,
    ``all_voff`` (T, F, WIDTH) takes the cost-to-go of what is offered.
    """
    slots, lanes = arrives.shape
    facilities = len(start) - 1
    blocks = supply.shape[2]
    banned = ban.shape[1] > 0
    last_value = all_of(end)
    for f in range(facilities):
        save(vin, (slots * facilities + f) * WIDTH, last_value)
        save(vout, f * WIDTH, last_value)
        save(voff, f * WIDTH, last_value)
    value = 0.0
    for t in range(slots - 1, -1, -1):
        d = day[t]
        part = share[t]
        arrives_now, cost_now, ban_now = arrives[t], departure[t], ban[t if banned else 0]
        for f in range(facilities):
            here = f * WIDTH
            stay = wait + price[t, lanes + 2 * facilities + f]
            low = load(vout, here) + stay
            for c in range(start[f], start[f + 1]):
                e = lane[c]
                cost = load(vin, arrives_now[e] * WIDTH) + cost_now[e]
                if banned and ban_now[e] > 0:
                    cost = cost + load(ban_cost, ban_now[e] * WIDTH)
                low = least(low, cost)
            save(vout, here, low)
            if targets_here[f]:
                deliver = deliver_cost[f] + price[t, lanes + facilities + f]
                for j in range(WIDTH):
                    if target[j] == f:
                        vout[f, j] = min(vout[f, j], deliver)
                low = load(vout, here)
            if counting:
                limit = low + 1e-9
                for c in range(start[f], start[f + 1]):
                    e = lane[c]
                    cost = load(vin, arrives_now[e] * WIDTH) + cost_now[e]
                    if banned and ban_now[e] > 0:
                        cost = cost + load(ban_cost, ban_now[e] * WIDTH)
                    used[e] += count_up_to(cost, limit)
            now = (t * facilities + f) * WIDTH
            inside = least(low + (sort_cost[t, f] + price[t, lanes + f]), load(vin, now + facilities * WIDTH) + stay)
            save(vin, now, inside)
            given = widen(load(supply, ((d * facilities + f) * blocks + block) * WIDTH)) * part
            if hold:
                enter = inside + load(embargo_cost, embargo[t] * WIDTH) + price[t, lanes + 3 * facilities + f]
                outside = least(load(voff, here) + at_sender, enter)
                save(voff, here, outside)
                value += total(given * outside)
                if keeping:
                    save(all_voff, now, outside)
            else:
                value += total(given * inside)
                if keeping:
                    save(all_voff, now, inside)
    for f in range(facilities):
        for j in range(WIDTH):
            value += unsorted[f, block, j] * vin[0, f, j] + sorted_[f, block, j] * vout[f, j]
            if hold:
                value += held[f, block, j] * voff[f, j]
    for i in range(len(arriving)):
        value += arriving[i, 3] * vin[int(arriving[i, 0]), int(arriving[i, 1]), int(arriving[i, 2])]
    return value


@njit(**_OPTIONS)
def largest(codes, first, last, found):
    """The largest code (C,) of the candidate lanes from ``first`` to ``last`` in any slot and column."""
    slots, _, width = codes.shape
    for t in range(slots):
        for c in range(first, last):
            code = found[c]
            for j in range(width):
                code = max(code, codes[t, c, j])
            found[c] = code


@njit(**_OPTIONS)
def take_over(old, source, first, last, new):
    """Copy lanes (T, C, 4 × 64 bits) by their old place; a new one (-1) begins at 0, from where ``mix`` raises it."""
    for t in range(first, last):
        for c in range(new.shape[1]):
            at = source[c]
            for j in range(4):
                new[t, c, j] = old[t, at, j] if at >= 0 else 0
