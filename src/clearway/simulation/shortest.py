"""Shortest ways: for every class and destination the lane to take from every facility.

In:     lanes by origin with what each costs to use, per class
Out:    hops (K, F, F): place of the lane among those of the facility, NOWHERE where there is no way
Not:    capacities, what the costs stand for (routing.py)
Source: Bellman-Ford from every destination backward; ties go to the first lane, so the answer is fixed
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from clearway.simulation.queues import OPTIONS

Array = NDArray[Any]


@njit(**OPTIONS)
def shortest_ways(lane_start, lane_to, weight, banned, allows, hops, best):
    """Fill hops (K, F, F) of the cheapest ways.

    weight (K, L): inf where the class may not go; banned (L,): set of bans, 0 none, whose ``allows``
    (sets, F) says for which destinations the lane may be used all the same. best (F,) is scratch.
    """
    classes, facilities = weight.shape[0], len(lane_start) - 1
    for k in range(classes):
        for d in range(facilities):
            best[:] = np.inf
            best[d] = 0.0
            changed = True
            while changed:
                changed = False
                for f in range(facilities):
                    for lane in range(lane_start[f], lane_start[f + 1]):
                        if banned[lane] > 0 and not allows[banned[lane], d]:
                            continue
                        x = weight[k, lane] + best[lane_to[lane]]
                        if x < best[f] - 1e-9 and f != d:
                            best[f] = x
                            hops[k, f, d] = lane - lane_start[f]
                            changed = True
