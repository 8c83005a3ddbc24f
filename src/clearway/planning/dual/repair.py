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

from clearway.planning.dual.bits import (
    WIDTH,
    join_d,
    load_d,
    more_d,
    open_d,
    rate_d,
    send_d,
    tilt_load_d,
    tilt_move_d,
    total_d,
    unpack,
)
from clearway.planning.dual.sweeps import ACCEPT, HOLD, SORT

ROUNDS = 12
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy"}


@njit(**_OPTIONS)
def _tilt_of_two(amount, at, fraction, first, last, room, pull):
    """Tilt of the first of two options so that it takes at most ``room``; returns tilt and load."""
    load = 0.0
    for b in range(first, last):
        load += tilt_load_d(amount, at + b * WIDTH, fraction, b * WIDTH, 1.0)
    if load <= room and (pull <= 1.0 or load <= 0.0):
        return 1.0, load
    low, high = 1e-12, 1.0
    if load <= room:
        low, high = 1.0, pull
    kept = load if low == 1.0 else 0.0
    for _ in range(ROUNDS):
        tilt = np.sqrt(low * high)
        load = 0.0
        for b in range(first, last):
            load += tilt_load_d(amount, at + b * WIDTH, fraction, b * WIDTH, tilt)
        if load > room:
            high = tilt
        else:
            low = tilt
            kept = load
            if load > 0.999 * room:
                break
    if low == 1e-12:
        for b in range(first, last):
            kept += tilt_load_d(amount, at + b * WIDTH, fraction, b * WIDTH, low)
    return low, kept


@njit(**_OPTIONS)
def repair_slot(
    t, facilities_here, class_first, starts, lane, tau_t, to, target, targets_here, hold,
    room, priced, pull, drop, supply_t, inboxes, off, hin, hout,
    cur_lane, cur_node, cur_deliver, lanes, facilities,
    loads, accepted, sorted_, delivered, flow, thread, writing, under_way, fraction, amount, tilt, load,
):  # fmt: skip
    """Move the parcels of slot t at the given facilities; everything in double precision.

    room (R,) what the rows can still take, priced (R,) where it is worth something; supply_t (F, B, W)
    parcels offered in the slot. inboxes (threads, ring, F, B, W) parcels that arrive, by slot modulo ring.
    ``flow`` (C, W), ``accepted``, ``sorted_`` (F, B, W) and ``delivered`` (B, W) take what is moved; without
    ``writing`` they are scratch of one row.
    """
    threads, ring, _, blocks, _ = inboxes.shape
    count = cur_lane.shape[1]
    slot = t % ring
    for i in range(len(facilities_here)):
        f = facilities_here[i]
        for th in range(threads):
            for b in range(blocks):
                at = (f * blocks + b) * WIDTH
                join_d(inboxes, ((th * ring + slot) * facilities * blocks) * WIDTH + at, hin, at)
        row_accept = lanes + 3 * facilities + f
        row_sort = lanes + f
        row_deliver = lanes + facilities + f
        for k in range(len(class_first) - 1):
            b0, b1 = class_first[k], class_first[k + 1]
            home = f * blocks * WIDTH
            if hold:
                for b in range(b0, b1):
                    join_d(supply_t, home + b * WIDTH, off, home + b * WIDTH)
                    open_d(cur_node, (((t * blocks + b) * facilities + f) * 3 + ACCEPT) * WIDTH, fraction, b * WIDTH)
                up = pull if priced[row_accept] else 1.0
                tilt_a, want = _tilt_of_two(off, home, fraction, b0, b1, room[row_accept], up)
                part = min(1.0, room[row_accept] / max(want, 1e-200))
                moved = 0.0
                for b in range(b0, b1):
                    at = home + b * WIDTH
                    moved += tilt_move_d(
                        off, at, fraction, b * WIDTH, tilt_a, part, hin, at, accepted, at if writing else 0
                    )
                room[row_accept] = max(0.0, room[row_accept] - moved)
                loads[row_accept] += moved
            else:
                for b in range(b0, b1):
                    at = home + b * WIDTH
                    join_d(supply_t, at, hin, at)
            for b in range(b0, b1):
                open_d(cur_node, (((t * blocks + b) * facilities + f) * 3 + SORT) * WIDTH, fraction, b * WIDTH)
            up = pull if priced[row_sort] else 1.0
            tilt_s, want = _tilt_of_two(hin, home, fraction, b0, b1, room[row_sort], up)
            part = min(1.0, room[row_sort] / max(want, 1e-200))
            moved = 0.0
            for b in range(b0, b1):
                at = home + b * WIDTH
                moved += tilt_move_d(
                    hin, at, fraction, b * WIDTH, tilt_s, part, hout, at, sorted_, at if writing else 0
                )
            room[row_sort] = max(0.0, room[row_sort] - moved)
            loads[row_sort] += moved
            # onward: place 0 is delivery, then the lanes of the facility
            e0, e1 = 1 << 40, -1
            some = 0.0
            for b in range(b0, b1):
                amount[b, 0] = total_d(hout, home + b * WIDTH)
                some += amount[b, 0]
                if starts[b, f + 1] > starts[b, f]:
                    e0 = min(e0, lane[starts[b, f]])
                    e1 = max(e1, lane[starts[b, f + 1] - 1])
            if some <= 1e-9:
                continue
            width = max(0, e1 - e0 + 1) + 1
            tilt[:width] = 1.0
            power = 1.0
            for again in range(ROUNDS):
                load[:width] = 0.0
                for b in range(b0, b1):
                    if amount[b, 0] <= 0.0:
                        continue
                    mine = b * WIDTH
                    open_d(cur_node, (((t * blocks + b) * facilities + f) * 3 + HOLD) * WIDTH, fraction, mine)
                    c0, c1 = starts[b, f], starts[b, f + 1]
                    for c in range(c0, c1):
                        e = lane[c]
                        if tau_t[e] >= 0:
                            more_d(cur_lane, (t * count + c) * WIDTH, drop, tilt[e - e0 + 1], fraction, mine)
                    if targets_here[b, f]:
                        for j in range(WIDTH):
                            if target[b, j] == f:
                                fraction[b, j] += tilt[0] * unpack(cur_deliver[t, b, j])
                    rate_d(hout, home + mine, fraction, mine)
                    for c in range(c0, c1):
                        e = lane[c]
                        if tau_t[e] >= 0:
                            x = e - e0 + 1
                            load[x] += tilt[x] * load_d(cur_lane, (t * count + c) * WIDTH, drop, fraction, mine)
                    if targets_here[b, f]:
                        for j in range(WIDTH):
                            if target[b, j] == f:
                                load[0] += fraction[b, j] * tilt[0] * unpack(cur_deliver[t, b, j])
                moving = False
                for x in range(width):
                    r = row_deliver if x == 0 else e0 + x - 1
                    scarce = priced[r] and tilt[x] < pull and 0 < load[x] < 0.98 * room[r]
                    if load[x] > room[r] * 1.001 or scarce:
                        moving = True
                if not moving or again == ROUNDS - 1:
                    break
                for x in range(width):
                    r = row_deliver if x == 0 else e0 + x - 1
                    if load[x] > room[r]:
                        tilt[x] = max(1e-12, tilt[x] * min(1.0, max(room[r], 1e-9) / load[x]) ** power)
                    elif priced[r] and load[x] > 0:
                        tilt[x] = min(max(pull, tilt[x]), tilt[x] * (room[r] / load[x]) ** min(power, 1.0))
                power = min(4.0, power * 1.6)
            for b in range(b0, b1):
                if amount[b, 0] <= 0.0:
                    continue
                mine = b * WIDTH
                if targets_here[b, f]:
                    part = min(1.0, room[row_deliver] / max(load[0], 1e-200))
                    for j in range(WIDTH):
                        if target[b, j] == f:
                            x = fraction[b, j] * tilt[0] * unpack(cur_deliver[t, b, j]) * part
                            x = min(x, hout[f, b, j])
                            hout[f, b, j] -= x
                            loads[row_deliver] += x
                            if writing:
                                delivered[b, j] = x
                for c in range(starts[b, f], starts[b, f + 1]):
                    e = lane[c]
                    way = tau_t[e]
                    if way >= 0:
                        place = e - e0 + 1
                        part = tilt[place] * min(1.0, room[e] / max(load[place], 1e-200))
                        at = (((thread * ring + (t + way) % ring) * facilities + to[e]) * blocks + b) * WIDTH
                        s = send_d(
                            cur_lane, (t * count + c) * WIDTH, drop, fraction, mine, part, hout, home + mine,
                            inboxes, at, flow, c * WIDTH if writing else thread * WIDTH,
                        )  # fmt: skip
                        loads[e] += s
                        under_way[thread, b] += way * s
            for x in range(width):
                r = row_deliver if x == 0 else e0 + x - 1
                room[r] = max(0.0, room[r] - load[x])
        stays = 0.0
        for b in range(blocks):
            at = (f * blocks + b) * WIDTH
            stays += total_d(hin, at) + total_d(hout, at)
        loads[lanes + 2 * facilities + f] += stays
