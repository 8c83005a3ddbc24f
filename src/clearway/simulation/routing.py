"""Which lane a sorted parcel takes, and when it is called in from its sender: what each policy says.

In:     Inputs, cases, a plan's sort plan
Out:    Routes for the kernels
Not:    carrying them out (kernel.py), making sort plans (planning)
Words:  table = next hops that hold for some steps; guide = shortest ways with nothing disturbed
Source: docs/simulation.md
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.simulation.inputs import Inputs
from clearway.simulation.shortest import shortest_ways
from clearway.simulation.state import NOWHERE, Routes, World

Array = NDArray[Any]
SOON_HOURS = 12.0  # a lane that does not leave within this is shut for the choice of a second


def weights(world: World, hours: Array, open_lanes: Array, sort_cost: Array) -> Array:
    """What each lane costs each class to use (K, L): its cost, the sorting after it, the time of travel."""
    weight = world.lane_cost + sort_cost[world.lane_to] + world.time_value[:, None] * np.maximum(hours, 1e-3)
    weight = np.maximum(weight, 1e-9)
    return np.where(world.lane_class.T & open_lanes, weight, np.inf)


def ways(
    world: World,
    hours: Array,
    open_lanes: Array,
    sort_cost: Array,
    banned: tuple[Array, Array] | None = None,
) -> Array:
    """Hops (K, F, F) of the cheapest open ways; ``banned``: set of bans on each lane, whom each set lets through."""
    f, k = len(world.lane_start) - 1, len(world.time_value)
    hops = np.full((k, f, f), NOWHERE, np.uint16)
    number, allows = banned or (np.zeros(len(world.lane_to), np.int64), world.ban_allows)
    shortest_ways(
        world.lane_start,
        world.lane_to,
        weights(world, hours, open_lanes, sort_cost),
        number,
        allows,
        hops,
        np.zeros(f),
    )
    return hops


def guide(world: World) -> Array:
    """Hops of the cheapest ways at the hours and costs of the quietest step, all lanes open."""
    ever = (world.depart + world.depart_extra).max(axis=1, initial=0.0) > 0
    return ways(world, world.hours.min(axis=1).astype(float), ever, world.sort_cost.min(axis=1))


def leaves_soon(world: World) -> Array:
    """Whether a lane has a departure within SOON_HOURS of each step (L, S)."""
    span = max(1, round(SOON_HOURS / world.step_hours))
    can = world.depart + world.depart_extra > 0
    steps = can.shape[1]
    last = np.full(can.shape[0], 1 << 30)
    soon = np.zeros(can.shape, bool)
    for t in range(steps - 1, -1, -1):
        last = np.where(can[:, t], t, last)
        soon[:, t] = last - t < span
    return soon


def no_release() -> Array:
    """Parcels are called in as they are offered."""
    return np.zeros((0, 0, 0, 0), np.uint16)


def one_hop(table: Array) -> Array:
    """Tables (W, F, K, F, 2) without a second choice, of hops (W, F, K, F)."""
    return np.stack([table, np.full_like(table, NOWHERE)], axis=-1)


def make_routes(
    world: World,
    tables: Array,
    table_of_step: Array,
    *,
    second: Array | None = None,
    release: Array | None = None,
    recall: tuple[Array, Array, Array] | None = None,
) -> Routes:
    """Routes of hops ``tables`` (W, F, K, F, 2); the guide is added as the last table.

    ``recall``: cell, slot and parcels of the portions in which stock at senders is called, by cell and slot.
    """
    f = len(world.lane_start) - 1
    hops = np.concatenate([tables, one_hop(guide(world).transpose(1, 0, 2)[None])])
    shares = np.zeros(hops.shape[:4], np.uint8)
    if second is not None:
        shares[:-1] = second
    changed = np.ones((len(hops), f), bool)
    for i in range(1, len(tables)):
        changed[i] = (hops[i] != hops[i - 1]).any(axis=(1, 2, 3))
    return Routes(
        hops=hops,
        second=shares,
        table=table_of_step.astype(np.int64),
        changed=changed,
        guide=len(hops) - 1,
        soon=np.ascontiguousarray(leaves_soon(world).T),
        release=no_release() if release is None else release,
        **_portions(world, release, recall),
    )


def _portions(world: World, release: Array | None, recall: tuple[Array, Array, Array] | None) -> dict[str, Array]:
    cells = 0 if release is None else release.shape[0] ** 2 * len(world.time_value) + 1
    cell, slot, parcels = recall or (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return {
        "recall_first": np.searchsorted(cell, np.arange(cells)).astype(np.int32),
        "recall_slot": slot.astype(np.int64),
        "recall_left": parcels.astype(float),
    }


def shortest_routes(inputs: Inputs) -> Routes:
    """Every parcel on its cheapest undisturbed way, at all times."""
    world = inputs.world
    return make_routes(world, one_hop(guide(world).transpose(1, 0, 2)[None]), np.zeros(inputs.grid.slots, np.int64))
