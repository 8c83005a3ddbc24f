"""One slot of a plan that may be carried out: the policies, rationed to what every row can take.

In:     fractions of all blocks, state of the slot, capacities of the slot
Out:    new state and the parcels accepted, sorted, sent and delivered, within every limit
Not:    the loop over slots (state.py)
Words:  tilt = factor on the weight of an option for all commodities of a facility, which moves those
        first that lose least by going another way; ration = equal share for those that have no other
Source: docs/solver.md. Every row belongs to one facility (a lane's to its origin), so facilities of a
        slot are independent of each other and are shared out among the threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from clearway.planning.dual.sweeps import ACCEPT, HOLD, SORT
from clearway.planning.dual.vector import WIDTH, above, all_of, least, load, most, save, total, unpack, widen

ROUNDS = 12
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy"}


_TINY = 1e-200  # keeps 0 / 0 at 0


@njit(**_OPTIONS)
def _tilted(amount, at, fraction, place, tilt):
    """Parcels that take the first of two options when its weight is ``tilt`` times the fraction."""
    f = load(fraction, place)
    up = f * tilt
    return load(amount, at) * up / (up + most(1.0 - f, 0.0) + _TINY)


@njit(**_OPTIONS)
def _tilted_load(amount, home, fraction, first, last, tilt):
    sum_ = 0.0
    for b in range(first, last):
        sum_ += total(_tilted(amount, home + b * WIDTH, fraction, b * WIDTH, tilt))
    return sum_


@njit(**_OPTIONS)
def _ration_two(
    amount, home, fraction, first, last, row, room, pull, loads, ready, moved, writing
):  # fmt: skip
    """Move what a row can take of a class from ``amount`` to ``ready``: its sorting, or its acceptance."""
    limit = room[row]
    want = _tilted_load(amount, home, fraction, first, last, 1.0)
    tilt = 1.0
    if want > limit or (pull > 1.0 and want > 0.0):
        low, high = (1e-12, 1.0) if want > limit else (1.0, pull)
        kept = -1.0 if want > limit else want
        for _ in range(ROUNDS):
            tilt = np.sqrt(low * high)
            now = _tilted_load(amount, home, fraction, first, last, tilt)
            if now > limit:
                high = tilt
            else:
                low, kept = tilt, now
                if now > 0.999 * limit:
                    break
        tilt = low
        want = kept if kept >= 0 else _tilted_load(amount, home, fraction, first, last, tilt)
    part = min(1.0, limit / max(want, _TINY))
    sum_ = 0.0
    for b in range(first, last):
        at = home + b * WIDTH
        have = load(amount, at)
        x = least(_tilted(amount, at, fraction, b * WIDTH, tilt) * part, have)
        save(amount, at, have - x)
        save(ready, at, load(ready, at) + x)
        if writing:
            save(moved, at, x)
        sum_ += total(x)
    room[row] = max(0.0, limit - sum_)
    loads[row] += sum_


@njit(**_OPTIONS)
def repair_slot(
    t, facilities_here, class_first, starts, lane, tau_t, to, target, targets_here, hold,
    room, priced, pull, drop, supply, share, inboxes, off, hin, hout,
    cur_lane, cur_node, cur_deliver, lanes, facilities,
    loads, accepted, sorted_, delivered, flow, thread, writing, under_way, waiting, outside,
    fraction, amount, tilt, want, weight,
):  # fmt: skip
    """Move the parcels of slot t at the given facilities; everything in double precision.

    room (R,) what the rows can still take, priced (R,) where it is worth something; supply (F, B, W)
    parcels offered on the day, of which ``share`` falls in the slot. inboxes (threads, ring, F, B, W)
    parcels that arrive, by slot modulo ring. under_way, waiting, outside (threads, B) add up parcel-slots.
    ``flow`` (C, W), ``accepted``, ``sorted_`` (F, B, W) and ``delivered`` (B, W) take what is moved; without
    ``writing`` they are not touched. fraction (B, W), amount (B,), tilt, want (options,) and weight
    (options of a facility over all blocks, W) are scratch.
    """
    threads, ring, _, blocks, _ = inboxes.shape
    count = cur_lane.shape[1]
    slot = t % ring
    for i in range(len(facilities_here)):
        f = facilities_here[i]
        home = f * blocks * WIDTH
        for th in range(threads):
            box = ((th * ring + slot) * facilities + f) * blocks * WIDTH
            for b in range(blocks):
                save(hin, home + b * WIDTH, load(hin, home + b * WIDTH) + load(inboxes, box + b * WIDTH))
                save(inboxes, box + b * WIDTH, all_of(0.0))
        row_accept = lanes + 3 * facilities + f
        row_sort = lanes + f
        row_deliver = lanes + facilities + f
        for k in range(len(class_first) - 1):
            b0, b1 = class_first[k], class_first[k + 1]
            if b0 == b1:
                continue
            for b in range(b0, b1):
                at = home + b * WIDTH
                node = ((t * blocks + b) * facilities + f) * 3 * WIDTH
                if hold:
                    save(off, at, load(off, at) + widen(load(supply, at)) * share)
                    save(fraction, b * WIDTH, widen(load(cur_node, node + ACCEPT * WIDTH)))
                else:
                    save(hin, at, load(hin, at) + widen(load(supply, at)) * share)
            if hold:
                up = pull if priced[row_accept] else 1.0
                _ration_two(off, home, fraction, b0, b1, row_accept, room, up, loads, hin, accepted, writing)
            for b in range(b0, b1):
                node = ((t * blocks + b) * facilities + f) * 3 * WIDTH
                save(fraction, b * WIDTH, widen(load(cur_node, node + SORT * WIDTH)))
            up = pull if priced[row_sort] else 1.0
            _ration_two(hin, home, fraction, b0, b1, row_sort, room, up, loads, hout, sorted_, writing)
            # onward: place 0 is delivery, then the lanes of the facility
            e0, e1 = 1 << 40, -1
            some = 0.0
            n = 0
            for b in range(b0, b1):
                amount[b] = total(load(hout, home + b * WIDTH))
                some += amount[b]
                c0, c1 = starts[b, f], starts[b, f + 1]
                if c1 > c0:
                    e0 = min(e0, lane[c0])
                    e1 = max(e1, lane[c1 - 1])
                if amount[b] > 0.0:
                    for c in range(c0, c1):
                        w = widen(load(cur_lane, (t * count + c) * WIDTH))
                        save(weight, n, above(w, drop))
                        n += WIDTH
            if some <= 1e-9:
                continue
            width = max(0, e1 - e0 + 1) + 1
            tilt[:width] = 1.0
            power = 1.0
            for again in range(ROUNDS):
                want[:width] = 0.0
                n = 0
                for b in range(b0, b1):
                    if amount[b] <= 0.0:
                        continue
                    mine = b * WIDTH
                    node = ((t * blocks + b) * facilities + f) * 3 * WIDTH
                    sum_ = widen(load(cur_node, node + HOLD * WIDTH))
                    c0, c1 = starts[b, f], starts[b, f + 1]
                    begun = n
                    for c in range(c0, c1):
                        if tau_t[lane[c]] >= 0:
                            sum_ = sum_ + load(weight, n) * tilt[lane[c] - e0 + 1]
                        n += WIDTH
                    if targets_here[b, f]:
                        save(fraction, mine, sum_)
                        for j in range(WIDTH):
                            if target[b, j] == f:
                                fraction[b, j] += tilt[0] * unpack(cur_deliver[t, b, j])
                        sum_ = load(fraction, mine)
                    rate = load(hout, home + mine) / (sum_ + _TINY)
                    save(fraction, mine, rate)
                    n = begun
                    for c in range(c0, c1):
                        e = lane[c]
                        if tau_t[e] >= 0:
                            want[e - e0 + 1] += tilt[e - e0 + 1] * total(load(weight, n) * rate)
                        n += WIDTH
                    if targets_here[b, f]:
                        for j in range(WIDTH):
                            if target[b, j] == f:
                                want[0] += fraction[b, j] * tilt[0] * unpack(cur_deliver[t, b, j])
                moving = False
                for x in range(width):
                    r = row_deliver if x == 0 else e0 + x - 1
                    scarce = priced[r] and tilt[x] < pull and 0 < want[x] < 0.98 * room[r]
                    if want[x] > room[r] * 1.001 or scarce:
                        moving = True
                if not moving or again == ROUNDS - 1:
                    break
                for x in range(width):
                    r = row_deliver if x == 0 else e0 + x - 1
                    if want[x] > room[r]:
                        tilt[x] = max(1e-12, tilt[x] * min(1.0, max(room[r], 1e-9) / want[x]) ** power)
                    elif priced[r] and want[x] > 0:
                        tilt[x] = min(max(pull, tilt[x]), tilt[x] * (room[r] / want[x]) ** min(power, 1.0))
                power = min(4.0, power * 1.6)
            n = 0
            for b in range(b0, b1):
                if amount[b] <= 0.0:
                    continue
                mine = b * WIDTH
                if targets_here[b, f]:
                    part = min(1.0, room[row_deliver] / max(want[0], _TINY))
                    for j in range(WIDTH):
                        if target[b, j] == f:
                            x = fraction[b, j] * tilt[0] * unpack(cur_deliver[t, b, j]) * part
                            x = min(x, hout[f, b, j])
                            hout[f, b, j] -= x
                            loads[row_deliver] += x
                            if writing:
                                delivered[b, j] = x
                left = load(hout, home + mine)
                rate = load(fraction, mine)
                for c in range(starts[b, f], starts[b, f + 1]):
                    e = lane[c]
                    way = tau_t[e]
                    if way >= 0:
                        place = e - e0 + 1
                        part = tilt[place] * min(1.0, room[e] / max(want[place], _TINY))
                        at = (((thread * ring + (t + way) % ring) * facilities + to[e]) * blocks + b) * WIDTH
                        sent = least(load(weight, n) * rate * part, left)
                        left = left - sent
                        save(inboxes, at, load(inboxes, at) + sent)
                        if writing:
                            save(flow, c * WIDTH, sent)
                        s = total(sent)
                        loads[e] += s
                        under_way[thread, b] += way * s
                    n += WIDTH
                save(hout, home + mine, left)
            for x in range(width):
                r = row_deliver if x == 0 else e0 + x - 1
                room[r] = max(0.0, room[r] - want[x])
        stays = 0.0
        for b in range(blocks):
            at = home + b * WIDTH
            here = total(load(hin, at) + load(hout, at))
            waiting[thread, b] += here
            stays += here
            if hold:
                outside[thread, b] += total(load(off, at))
        loads[lanes + 2 * facilities + f] += stays
