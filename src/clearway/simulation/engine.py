"""The loop over the steps of a run, with its checks.

In:     Inputs, Routes
Out:    Run: the sums at the end, series by slot of the plan, events
Not:    what a step does (kernel.py), what the sums mean (outcome.py)
Words:  series = values at the end of every slot of the plan
Source: docs/simulation.md
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.core.errors import SimulationError
from clearway.simulation.inputs import Inputs
from clearway.simulation.kernel import arrive, renew, work
from clearway.simulation.ledger import add_stock, recount
from clearway.simulation.places import KINDS
from clearway.simulation.queues import CHUNK, empty_lines, new_queues, with_room
from clearway.simulation.state import COSTS, HANDLING, HELD, MEASURES, ON_ROUND, UNDER_WAY, WAITING, Flow, Routes, World

Array = NDArray[Any]
NO_GROUP = -1
PARTS = 4  # of the facilities, shared out among the threads: however many there are, the answer is the same
ALONE = 200_000  # rows of demand up to which handing out work costs more than it saves
PIECES = 8  # of the queues when everything is counted again
LIVE = 1.0  # part of all batches that room is made for at first


@dataclass(frozen=True)
class Run:
    """One run to its end, or to ``stopped``."""

    flow: Flow
    waiting: Array  # (T, F) parcels at facilities at the end of each slot
    held: Array  # (T, F) at senders
    age: Array  # (T,) mean hours since they were offered, of all parcels waiting anywhere
    overflow: Array  # (T, F) most parcels beyond storage within the slot
    mean_age: float  # over all steps, weighted by parcels
    steps: int


class Course:
    """One run that can be carried on, looked at, and given another policy on the way.

    Parcels are conserved in whole numbers, which is checked after every step from the queues' own counts,
    and after every second day batch by batch; raises SimulationError where that fails.
    """

    def __init__(self, inputs: Inputs, routes: Routes, *, threads: int = 1) -> None:
        self.inputs, self.routes, self.world, self.threads = inputs, _own(routes), inputs.world, threads
        world, facilities, slots = self.world, len(inputs.facilities), inputs.plan_grid.slots
        alone = world.sample > 0 or len(world.row_parcels) <= ALONE
        self.parts = 1 if alone else min(PARTS, facilities)
        self.edges = _edges(world, self.parts)
        self.flow = _stocked(inputs, routes, _new_flow(inputs, routes, self.parts))
        self.waiting, self.held = np.zeros((slots, facilities), np.int64), np.zeros((slots, facilities), np.int64)
        self.overflow, self.age = np.zeros((slots, facilities)), np.zeros(slots)
        self.sum_age, self.sum_parcels, self.done, self.over = 0.0, 0.0, 0, False
        self.pool = ThreadPoolExecutor(max(1, threads))
        if len(routes.recall_left):
            self._everywhere(renew)

    def _everywhere(self, kernel: Callable[..., None]) -> None:
        """Call a kernel for every part of the facilities at the present step."""
        self.flow = _with_room(self.inputs, self.routes, self.flow, self.done, self.edges)
        given = (self.world, self.routes, self.flow, self.done)
        spans = [(p, self.edges[p], self.edges[p + 1]) for p in range(self.parts)]
        if self.threads <= 1:
            for span in spans:
                kernel(*given, *span)
            return
        for one in [self.pool.submit(kernel, *given, *span) for span in spans]:
            one.result()

    def follow(self, world: World, routes: Routes) -> None:
        """From the present step on another policy: what waits at senders and for lanes is arranged anew.

        Both policies must have room for calls (``release``), or neither.
        """
        if routes.release.shape != self.routes.release.shape:
            raise SimulationError("Only policies that both hold parcels at senders, or both do not, can follow.")
        self.world, self.routes = world, _own(routes)
        if self.done < self.inputs.grid.slots:
            self._everywhere(renew)

    def go(
        self,
        until: int | None = None,
        *,
        stopped: Callable[[], bool] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Course:
        """Run the clock to step ``until`` (default: the end); ``stopped`` is asked after every step."""
        inputs, grid = self.inputs, self.inputs.grid
        per_slot = max(1, inputs.plan_grid.slot_minutes // grid.slot_minutes)
        a_day = 1440 // grid.slot_minutes
        end = grid.slots if until is None else until
        for t in range(self.done, end):
            arrive(self.world, self.flow, t)
            self._everywhere(work)
            self.done = t + 1
            flow = self.flow
            here, outside = flow.have[:, :, WAITING].sum(axis=1), flow.have[:, :, HELD].sum(axis=1)
            parcels = int(here.sum() + outside.sum())
            hours = (parcels * self.done - int(flow.since.sum())) * grid.slot_hours
            self.sum_age += hours
            self.sum_parcels += parcels
            slot = int(self.world.slot[t])
            beyond = here - flow.place[:, HANDLING] - self.world.storage[:, t]
            self.overflow[slot] = np.maximum(self.overflow[slot], beyond)
            if self.done % per_slot == 0 or self.done == end:
                self.waiting[slot], self.held[slot] = here, outside
                self.age[slot] = hours / parcels if parcels else 0.0
            _check(self.world, flow, t, self.pool, deep=self.done % (2 * a_day) == 0 or self.done == end)
            if progress is not None and self.done % a_day == 0:
                progress(self.done, grid.slots)
            if stopped is not None and stopped():
                break
        if self.done == grid.slots and not self.over:
            self._everywhere(work)
            self.over = True
            _check(self.world, self.flow, self.done, self.pool, deep=True)
        return self

    def run(self) -> Run:
        """What there is so far."""
        age = self.sum_age / self.sum_parcels if self.sum_parcels else 0.0
        return Run(self.flow, self.waiting, self.held, self.age, np.maximum(self.overflow, 0.0), age, self.done)


def _own(routes: Routes) -> Routes:
    """Routes whose portions this run may use up."""
    return routes._replace(recall_left=routes.recall_left.copy())


def simulate_once(
    inputs: Inputs,
    routes: Routes,
    *,
    threads: int = 1,
    until: int | None = None,
    stopped: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Run the clock once, from the stock to the end or to step ``until``."""
    return Course(inputs, routes, threads=threads).go(until, stopped=stopped, progress=progress).run()


def _edges(world: World, parts: int) -> list[int]:
    """Facilities shared out among the threads in runs of about equal demand and lanes."""
    rows = np.diff(world.row_first, axis=1).sum(axis=0) if len(world.row_first) else np.zeros(len(world.lane_start) - 1)
    arrivals = np.bincount(world.row_destination, minlength=len(rows))
    load = np.cumsum(rows + arrivals + 1.0)
    return [0, *np.searchsorted(load, load[-1] * np.arange(1, parts) / parts).tolist(), len(rows)]


def _new_flow(inputs: Inputs, routes: Routes, parts: int) -> Flow:
    world = inputs.world
    f, lanes, k = len(inputs.facilities), len(inputs.lanes), len(inputs.class_names)
    steps = inputs.grid.slots
    held = f * k * (routes.release.shape[3] + 1) if routes.release.shape[0] else 0
    queues = (KINDS * f + lanes) * k + held + parts
    stock = inputs.stock
    due = len(np.unique(np.stack([stock.due, stock.facility, stock.cls])[:, stock.stage == 3], axis=1).T)
    groups = parts * (k * lanes + due + 16)
    items = 0 if world.sample <= 0 else int(world.row_parcels.sum() * world.sample)

    def ints(*shape: int) -> Array:
        return np.zeros(shape, np.int64)

    over = np.zeros((f, 4))
    over[:, 3] = -1
    # Room that is not used is never touched, so that it costs nothing; to grow means to copy.
    collections = len(world.round_day)
    most = float(np.minimum(world.row_parcels, collections / max(1, len(world.row_first))).sum())
    room = int(LIVE * most / CHUNK) + 2 * queues
    return Flow(
        q=with_room(new_queues(queues + groups, parts), np.full(parts, room // parts)),
        group_next=np.full(groups, NO_GROUP, np.int32),
        group_to=np.zeros(groups, np.int32),
        group_cls=np.zeros(groups, np.int32),
        group_since=ints(groups),
        group_free=np.arange(groups, dtype=np.int32).reshape(parts, -1)[:, ::-1].copy(),
        group_count=np.full(parts, groups // parts, np.int64),
        due_first=np.full((parts, steps + 1), NO_GROUP, np.int32),
        due_last=np.full((parts, steps + 1), NO_GROUP, np.int32),
        owed=np.zeros((f, k, f), np.float32),
        carry=np.zeros((f, 3)),
        carry_lane=np.zeros(lanes),
        handled=ints(f, steps + 1),
        have=ints(f, k, 4),
        since=ints(f, 2),
        place=ints(f, 5),
        cost=np.zeros((f, len(COSTS))),
        judged=ints(f, k, 2),
        pair=np.zeros((f, f, 4)),
        by_class=np.zeros((f, k, 2, len(MEASURES))),
        by_origin=np.zeros((f, f, 2)),
        over=over,
        event=np.zeros((4 * items, 5), np.int32),
        events=ints(1),
        items=ints(1),
        item_place=np.zeros((items + 1, 4), np.int32),
    )


def _stocked(inputs: Inputs, routes: Routes, flow: Flow) -> Flow:
    stock = inputs.stock
    # in the worst case every batch opens a chunk of its own
    needed = np.zeros(len(flow.q.spare), np.int64)
    needed[0] = len(stock.parcels) + 1024
    flow = flow._replace(q=with_room(flow.q, needed))
    add_stock(
        inputs.world, routes, flow, stock.stage, stock.facility, stock.destination, stock.cls, stock.parcels,
        stock.offered, stock.due,
    )  # fmt: skip
    return flow


def _with_room(inputs: Inputs, routes: Routes, flow: Flow, t: int, edges: list[int]) -> Flow:
    """Chunks, groups and events enough for one step, whatever happens in it."""
    world, classes = inputs.world, len(inputs.class_names)
    number = int(world.collected[t])
    at = np.array(edges)
    facilities, lanes = np.diff(at), np.diff(world.lane_start[at])
    held = routes.release.shape[3] + 1 if routes.release.shape[0] else 0
    # one chunk more for every queue that a part can touch, and what is collected
    needed = classes * (facilities * (KINDS + held) + 2 * lanes) + 64
    followed = 0
    if number >= 0:
        rows = world.row_first[int(world.round_day[number])]
        needed = needed + np.diff(rows[at]) // (CHUNK - 1)
        if world.sample > 0:
            followed = int(rows[-1] - rows[0] + world.row_parcels[rows[0] : rows[-1]].sum() * world.sample)
            needed = needed + followed // (CHUNK - 1)
    flow = flow._replace(q=with_room(flow.q, needed))
    most = classes * len(inputs.lanes)
    if (flow.group_count < most).any():
        flow = _more_groups(flow, 2 * most)
    if world.sample > 0:
        needed = int(flow.events[0]) + 4 * (int(flow.items[0]) + followed) + 64
        if needed > len(flow.event):
            event = np.zeros((max(needed, 2 * len(flow.event)), 5), np.int32)
            event[: flow.events[0]] = flow.event[: flow.events[0]]
            flow = flow._replace(event=event)
        items = int(flow.items[0]) + followed + 1
        if items > len(flow.item_place):
            more = np.zeros((items, 4), np.int32)
            flow = flow._replace(item_place=np.concatenate([flow.item_place, more]))
    return flow


def _more_groups(flow: Flow, more: int) -> Flow:
    """So many more groups for every part; groups stand at the end of the queues."""
    old, parts = len(flow.group_next), len(flow.group_count)
    free = np.zeros((parts, flow.group_free.shape[1] + more), np.int32)
    for p in range(parts):
        count = int(flow.group_count[p])
        free[p, :more] = np.arange(old + more * (p + 1) - 1, old + more * p - 1, -1)
        free[p, more : more + count] = flow.group_free[p, :count]
    q, total = flow.q, parts * more

    def longer(a: Array, value: int) -> Array:
        return np.concatenate([a, np.full(total, value, a.dtype)])

    return flow._replace(
        group_next=longer(flow.group_next, NO_GROUP),
        group_to=longer(flow.group_to, 0),
        group_cls=longer(flow.group_cls, 0),
        group_since=longer(flow.group_since, 0),
        group_free=free,
        group_count=flow.group_count + more,
        q=q._replace(line=np.concatenate([q.line, empty_lines(total)])),
    )


def _check(world: World, flow: Flow, t: int, pool: ThreadPoolExecutor, *, deep: bool) -> None:
    """Every parcel offered is delivered or somewhere; raises SimulationError where not."""
    waiting, held, offered, delivered = (int(x) for x in flow.have.sum(axis=(0, 1)))
    under_way, out = int(flow.place[:, UNDER_WAY].sum()), int(flow.place[:, ON_ROUND].sum())
    inside, queued = offered - delivered, int(flow.q.line["parcels"].sum())
    if inside != waiting + held + under_way + out or inside != queued:
        raise SimulationError(
            f"step {t}: {inside:,} parcels are not delivered yet, but {waiting:,} waiting, {held:,} at senders, "
            f"{under_way:,} under way and {out:,} out for delivery are counted, and {queued:,} are in queues"
        )
    if deep:
        found = np.zeros((PIECES, 4), np.int64)
        edges = np.linspace(0, len(flow.q.line), PIECES + 1).astype(int).tolist()
        list(pool.map(lambda i: recount(world, flow, edges[i], edges[i + 1], found[i]), range(PIECES)))
        counted = found.sum(axis=0).tolist()
        if counted != [held, waiting, out, under_way]:
            raise SimulationError(f"step {t}: batches {counted} and sums {[held, waiting, out, under_way]} differ")
