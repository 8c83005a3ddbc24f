"""What a sort plan costs: the policies of a plan held to its next hops, and the plan made anew.

In:     State with the policies of a plan, the hops of each wave
Out:    the State with policies that send everything by these hops
Not:    making hops (sortplan.py), the passes (state.py)
Words:  bound = what leaves a facility in a wave is shared out as the sort plan says; when it leaves is free
Source: docs/planning.md section 9
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.planning.dual.state import State
from clearway.planning.dual.vector import WIDTH
from clearway.planning.sortplan import STEPS

Array = NDArray[Any]


def bind_to_hops(state: State, of_slot: Array, parts: Sequence[tuple[Array, ...]]) -> None:
    """Change the fractions of lanes of ``state`` so that each wave uses the hops of ``parts`` alone.

    ``parts`` are those of a HopCollector: wave, facility, commodity, first lane, second lane (-1), twentieths
    of the second, parcels. Where the sort plan says nothing, the fractions stay.
    """
    lay, blocks = state.layout, state.blocks
    commodities = int(blocks.columns.max(initial=-1)) + 1
    block, column = np.zeros(commodities, np.int64), np.zeros(commodities, np.int64)
    b, j = np.nonzero(blocks.columns >= 0)
    block[blocks.columns[b, j]], column[blocks.columns[b, j]] = b, j
    place = np.full((blocks.count, lay.lanes), -1, np.int64)
    place[state.owner, state.lane] = np.arange(state.count)
    back = np.empty(lay.lanes, np.int64)
    back[lay.order] = np.arange(lay.lanes)
    # candidates of one block and facility stand side by side
    first = state.starts[:, :-1].ravel()
    used = np.diff(np.append(first, state.count)) > 0
    segment = np.repeat(np.arange(len(first))[used], np.diff(np.append(first, state.count))[used])
    for part in parts:
        if not len(part[0]):
            continue
        wave, facility, commodity, one, two, twentieths, _ = part
        g, f = commodity.astype(np.int64), facility.astype(np.int64)
        share = np.zeros((state.count, WIDTH))
        second = twentieths / STEPS
        lane = place[block[g], back[one]]
        share[lane, column[g]] = 1.0 - second
        split = twentieths > 0
        share[place[block[g], back[np.maximum(two, 0)]][split], column[g][split]] = second[split]
        told = np.zeros((len(first), WIDTH), bool)
        told[block[g] * lay.facilities + f, column[g]] = True
        told = told[segment]
        for t in np.flatnonzero(of_slot == wave[0]).tolist():
            fraction = _read(state.cur_lane[t])
            total = np.zeros((len(first), WIDTH))
            total[used] = np.add.reduceat(fraction, first[used], axis=0) if state.count else 0.0
            new = np.where(told, total[segment] * share, fraction)
            state.cur_lane[t] = _written(new)


def _read(codes: Array) -> Array:
    """Fractions of the 16-bit numbers that policies are kept in: 5 bits of exponent, 11 of mantissa."""
    return np.where(codes > 0, np.ldexp(1.0 + (codes & 2047) / 2048.0, (codes >> 11).astype(int) - 31), 0.0)


def _written(fractions: Array) -> Array:
    """The reverse of :func:`_read`, rounded down; what is too small is 0."""
    mantissa, exponent = np.frexp(np.clip(fractions, 0.0, 1.0))
    code = ((exponent + 30) << 11) + np.floor((2.0 * mantissa - 1.0) * 2048.0).astype(int)
    return np.where((fractions > 0) & (exponent > -30), code, 0).astype(np.uint16)
