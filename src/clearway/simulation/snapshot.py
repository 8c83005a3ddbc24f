"""The state of a run at a time: stock and parcels in transit, as a case starts with them; its files.

In:     Course
Out:    State: the tables of a case's stock, what was offered and delivered before
Not:    going on from there (planning.replan, rehearsal.py)
Words:  held, unsorted, sorted, in-transit: as in docs/case-format.md. Parcels in handling at outlets are in
        transit to their centre; those out for delivery are sorted, since they may come back
Source: docs/simulation.md
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.timegrid import format_time
from clearway.planning import State
from clearway.simulation.engine import Course
from clearway.simulation.inputs import Inputs
from clearway.simulation.ledger import list_batches
from clearway.simulation.places import AGAIN, ARRIVALS, BARRED, HOME, KINDS, ROUND, SENDERS, STATION, STUCK
from clearway.simulation.state import FINISHED, OFFERED

Array = NDArray[Any]
_STAGE = {
    SENDERS: "held",
    BARRED: "held",
    STUCK: "sorted",
    HOME: "unsorted",
    ARRIVALS: "unsorted",
    STATION: "sorted",
    AGAIN: "sorted",
    ROUND: "sorted",
}


def take_state(course: Course) -> State:
    """What there is in a run that has been carried to the beginning of a step."""
    inputs, flow, now = course.inputs, course.flow, course.done
    found = np.zeros((list_batches(course.world, flow, np.zeros((0, 5), np.int64)), 5), np.int64)
    list_batches(course.world, flow, found)
    queue, parcels, destination, offered, ready = found.T
    stage, facility, cls = _placed(course, queue)
    # handling at the outlets goes on until a parcel is ready
    handled = (stage == "unsorted") & (ready > now)
    stage = np.where(handled, "in-transit", stage)
    moving = stage == "in-transit"
    grid = inputs.grid
    step = np.timedelta64(grid.slot_minutes, "m")
    start = np.datetime64(grid.start, "us")
    frame = pl.DataFrame(
        {
            "stage": pl.Series(stage.tolist(), dtype=pl.String),
            "facility": _names(inputs, facility),
            "destination": _names(inputs, destination),
            "class": pl.Series(list(inputs.class_names), dtype=pl.String).gather(cls.astype(np.uint32)),
            "parcels": pl.Series(parcels, dtype=pl.Float64),
            "arrives": pl.Series(start + np.maximum(ready, now) * step),
            "offered_at": pl.Series(start + offered * step),
        }
    ).with_columns(pl.when(pl.Series(moving)).then(pl.col("arrives")).alias("arrives"))
    keys = ["stage", "facility", "destination", "class", "arrives", "offered_at"]
    stock = frame.group_by(keys).agg(pl.col("parcels").sum()).sort(keys, nulls_last=True)
    have = flow.have.sum(axis=0)
    by_class = {
        name: {"offered": int(have[k, OFFERED]), "delivered": int(have[k, FINISHED])}
        for k, name in enumerate(inputs.class_names)
    }
    return State(format_time(grid.time(now)), stock.select(*keys[:4], "parcels", *keys[4:]), by_class)


def _names(inputs: Inputs, codes: Array) -> pl.Series:
    return pl.Series(list(inputs.facilities), dtype=pl.String).gather(codes.astype(np.uint32))


def _placed(course: Course, queue: Array) -> tuple[Array, Array, Array]:
    """Stage, facility and class of queues by their numbers."""
    inputs, flow, world = course.inputs, course.flow, course.world
    f, k, lanes = len(inputs.facilities), len(inputs.class_names), len(world.lane_to)
    groups = len(flow.q.line) - len(flow.group_next)
    lane_from = np.repeat(np.arange(f), np.diff(world.lane_start))
    stages = np.array([_STAGE[kind] for kind in range(KINDS)])
    at_lanes, at_held = KINDS * f * k, (KINDS * f + lanes) * k
    cls = queue % k
    stage = np.full(len(queue), "held", dtype="<U10")
    facility = np.zeros(len(queue), np.int64)
    here = queue < at_lanes
    stage[here], facility[here] = stages[queue[here] // (f * k)], (queue[here] // k) % f
    waits = (queue >= at_lanes) & (queue < at_held)
    stage[waits], facility[waits] = "sorted", lane_from[(queue[waits] - at_lanes) // k]
    held = (queue >= at_held) & (queue < groups)
    cell = (queue[held] - at_held) // (course.routes.release.shape[3] + 1)
    facility[held], cls[held] = cell // k, cell % k
    moving = queue >= groups
    group = queue[moving] - groups
    stage[moving], facility[moving], cls[moving] = "in-transit", flow.group_to[group], flow.group_cls[group]
    return stage, facility, cls
