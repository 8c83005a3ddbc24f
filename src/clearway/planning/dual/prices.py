"""Move the prices: accelerated projected steps with the kink of extra capacity, and common moves.

In:     loads, capacities, prices of this and the last step
Out:    new prices, in place
Not:    loads and bounds (sweeps.py), when to stop (ascent.py)
Source: docs/solver.md
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, error_model="numpy")
def move_prices(
    price,
    ahead,
    base,
    extra,
    premium,
    cap,
    live,
    load,
    common,
    last_sign,
    step,
    count,
    common_max,
    first_common,
    gain,
    settings,
):
    """One step from ``ahead`` (y); ``price`` (p) and ``ahead`` are overwritten, all (T, R).

    ``gain`` (T, R) is the factor on each row's own step, with the sign of its last excess: it grows while
    the sign stays and is cut where it turns (``settings``: growth, most, cut, least).

    Returns the priced violation Σ p (X - u - e)+, and 1.0 where the momentum was restarted.
    """
    slots, rows = price.shape
    grow_by, most, cut_by, least = settings
    excess = np.zeros(rows)
    size = np.zeros(rows)
    for t in range(slots):
        for r in range(rows):
            if live[t, r]:
                c = base[t, r]
                if ahead[t, r] >= premium[r]:
                    c += extra[t, r]
                x = load[t, r]
                if ahead[t, r] > 0 or x > c:
                    excess[r] += x - c
                    size[r] += max(x, c)
    for r in range(rows):
        if size[r] > 0:
            sign = 1.0 if excess[r] > 0 else -1.0
            grow = 1.1 if sign == last_sign[r] else 0.5
            common[r] = min(common_max, max(0.1, common[r] * grow))
            last_sign[r] = sign
            excess[r] = step[r] * common[r] * excess[r] / size[r]
    turn = 0.0
    violation = 0.0
    for t in range(slots):
        for r in range(rows):
            if not live[t, r]:
                continue
            y = ahead[t, r]
            x = load[t, r]
            u = base[t, r]
            e = extra[t, r]
            m = premium[r]
            over = x - u - e
            if over > 0 and price[t, r] < cap[t, r]:  # at its cap a price has said all it can
                violation += price[t, r] * over
            yb = y
            if first_common[r]:
                c = u + (e if y >= m else 0.0)
                if y > 0 or x > c:
                    yb = y + excess[r]
            c = u + (e if y >= m else 0.0)
            g = gain[t, r]
            if y > 0 or x > c:
                up = x > c
                same = (g > 0) == up
                g = min(abs(g) * grow_by, most) if same else max(abs(g) * cut_by, least)
                gain[t, r] = g if up else -g
            s = step[r] * abs(g)
            low = max(u, 1e-3)
            q = x / low
            d = np.log(q) if q > 1.0 else q - 1.0
            a = yb + s * d
            if a > m:
                high = max(u + e, 1e-3)
                q = x / high
                d = np.log(q) if q > 1.0 else q - 1.0
                a = max(m, yb + s * d)
            a = min(max(a, np.float32(0.0)), cap[t, r])
            turn += (a - y) * (a - price[t, r]) * low / s
            load[t, r] = a
    momentum = count
    if turn < 0:
        momentum = 0.0
    beta = momentum / (momentum + 3.0)
    for t in range(slots):
        for r in range(rows):
            if not live[t, r]:
                continue
            a = load[t, r]
            y = a + beta * (a - price[t, r])
            price[t, r] = a
            ahead[t, r] = min(max(y, np.float32(0.0)), cap[t, r])
    return violation, turn < 0
