"""From flows to what a floor can carry out: next hops by wave, and when held parcels are called in.

In:     what a plan sends on each lane and keeps at senders, slot by slot
Out:    SortPlan: at most two next hops per facility, wave, destination and class, in steps of 5 %; calls
Not:    solving, simulating
Words:  wave = part of a day, named by the clock it begins at; call = the slot in which parcels offered in
        an earlier slot are accepted, oldest first
Source: docs/planning.md section 9
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.timegrid import TimeGrid, parse_clock
from clearway.planning.problem import Problem

Array = NDArray[Any]
STEPS = 20  # a share is a whole number of twentieths
LEAST = 0.05  # parcels in a wave; less is no flow


@dataclass(frozen=True)
class SortPlan:
    """``hops``: facility, day, wave, destination, class, next_hop, lane, share, parcels. ``calls``: facility,
    destination, class, slot (null: stock held at the start), call (null: not within the horizon), parcels; only
    parcels that wait, but for stock, of which every portion stands there."""

    hops: pl.DataFrame
    calls: pl.DataFrame


@dataclass(frozen=True)
class Waves:
    """The waves of a horizon: the wave of each slot (T,), and day and clock of each wave."""

    of_slot: Array
    days: tuple[Any, ...]
    clocks: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of waves."""
        return len(self.days)


def waves_of(grid: TimeGrid, clocks: Sequence[str]) -> Waves:
    """Cut a horizon at the given times of day; a slot belongs to the wave that holds its start."""
    minutes = sorted(parse_clock(c) for c in clocks)
    label = {m: f"{m // 60:02d}:{m % 60:02d}" for m in minutes}
    of_slot, days, names = np.zeros(grid.slots, np.int64), [], []
    before = None
    for t in range(grid.slots):
        moment = grid.time(t)
        now = moment.hour * 60 + moment.minute
        begun = [m for m in minutes if m <= now]
        key = (moment.date(), begun[-1]) if begun else (moment.date() - timedelta(days=1), minutes[-1])
        if key != before:
            days.append(key[0])
            names.append(label[key[1]])
            before = key
        of_slot[t] = len(days) - 1
    return Waves(of_slot, tuple(days), tuple(names))


def _named(codes: Array, names: Sequence[str]) -> pl.Series:
    """Names by number, as an Enum of all of them."""
    return pl.Series(list(names), dtype=pl.Enum(list(names))).gather(pl.Series(codes.astype(np.uint32)))


@dataclass
class HopCollector:
    """Takes what is sent in a wave and keeps the two lanes with most."""

    parts: list[tuple[Array, ...]] = field(default_factory=list)

    def take(self, wave: int, facility: Array, commodity: Array, lane: Array, parcels: Array) -> None:
        """One wave; each (facility, commodity, lane) once."""
        some = parcels > LEAST
        facility, commodity, lane, parcels = facility[some], commodity[some], lane[some], parcels[some]
        if not len(facility):
            return
        key = facility.astype(np.int64) * (int(commodity.max()) + 1) + commodity
        order = np.lexsort((lane, -parcels, key))
        key, lane, parcels = key[order], lane[order], parcels[order]
        first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
        after = first + 1
        has = np.append(after, len(key))[:-1] < len(key)
        has &= key[np.minimum(after, len(key) - 1)] == key[first]
        other = np.minimum(after, len(key) - 1)
        twentieths = np.where(has, np.rint(STEPS * parcels[other] / (parcels[first] + parcels[other])), 0)
        twentieths = twentieths.astype(np.uint8)
        self.parts.append(
            (
                np.full(len(first), wave, np.uint16),
                facility[order][first].astype(np.uint16),
                commodity[order][first].astype(np.uint32),
                lane[first].astype(np.int32),
                np.where(twentieths > 0, lane[other], -1).astype(np.int32),
                twentieths,
                (parcels[first] + np.where(has, parcels[other], 0.0)).astype(np.float32),
            )
        )

    def frame(self, problem: Problem, waves: Waves) -> pl.DataFrame:
        """All waves as one table."""
        types = (np.uint16, np.uint16, np.uint32, np.int32, np.int32, np.uint8, np.float32)
        none = tuple(np.zeros(0, t) for t in types)
        wave, facility, commodity, one, two, part, parcels = (np.concatenate(x) for x in zip(none, *self.parts))
        split = part > 0
        wave, facility, commodity = (np.concatenate([x, x[split]]) for x in (wave, facility, commodity))
        lane = np.concatenate([one, two[split]])
        share = np.concatenate([STEPS - part, part[split]]) / STEPS
        parcels = np.concatenate([parcels, parcels[split]]) * share
        names = problem.offer.facilities
        clocks = sorted(set(waves.clocks))
        number = np.array([clocks.index(c) for c in waves.clocks], np.uint32)
        days = pl.Series(waves.days, dtype=pl.Date)
        return pl.DataFrame(
            {
                "facility": _named(facility, names),
                "day": days.gather(wave.astype(np.uint32)),
                "wave": _named(number[wave] if len(wave) else wave, clocks),
                "destination": _named(problem.offered.destination[commodity], names),
                "class": _named(problem.offered.cls[commodity], problem.class_names),
                "next_hop": _named(problem.offer.destination[lane], names),
                "lane": _named(lane, problem.offer.lanes),
                "share": pl.Series(share, dtype=pl.Float32),
                "parcels": pl.Series(parcels, dtype=pl.Float32),
            }
        ).sort("facility", "day", "wave", "destination", "class", pl.col("share").neg(), "lane")


class CallCollector:
    """Follows, cell by cell, when parcels offered in each slot are accepted: oldest first."""

    def __init__(self, held: Array, slots: int, offered: Callable[[Array, Array], Array]) -> None:
        """``held`` (cells,): stock at senders; ``offered(slot, cells)``: parcels offered in slots at cells."""
        self.slots, self.offered = slots, offered
        self.before = held.astype(float).ravel()  # offered before the first slot that was not called yet
        self.pointer = np.zeros(len(self.before), np.int64)
        self.total = self.before.copy()
        self.cells = np.arange(len(self.before))
        self.late: list[tuple[Array, Array, Array, Array]] = []
        self.stocked = np.flatnonzero(self.before > LEAST)
        self.stock = self.before[self.stocked]
        self.left = self.stock.copy()

    def take(self, t: int, held: Array) -> None:
        """The end of slot t, with what is still held (cells,)."""
        self.total += self.offered(np.full(len(self.cells), t), self.cells)
        accepted = self.total - held.ravel()
        rest = np.clip(self.stock - accepted[self.stocked], 0.0, self.left)
        portion = self.left - rest
        some = portion > LEAST
        if some.any():
            size = int(some.sum())
            self.late.append((self.stocked[some], np.full(size, -1), np.full(size, t), portion[some]))
            self.left[some] = rest[some]
        at = self.cells
        while len(at):
            slot = self.pointer[at]
            amount = self.offered(slot, at)
            done = accepted[at] >= self.before[at] + 0.5 * amount - 0.5
            at, slot, amount = at[done], slot[done], amount[done]
            wait = (slot < t) & (amount > LEAST)
            if wait.any():
                self.late.append((at[wait], slot[wait], np.full(int(wait.sum()), t), amount[wait]))
            self.before[at] += amount
            self.pointer[at] += 1
            at = at[self.pointer[at] <= t]

    def waits(self) -> tuple[Array, Array, Array, Array]:
        """Cells, slots offered, slots called (``slots``: never) and parcels of all that waits."""
        some = self.left > LEAST
        size = int(some.sum())
        left = [(self.stocked[some], np.full(size, -1), np.full(size, self.slots), self.left[some])]
        for cell in np.flatnonzero(self.pointer < self.slots):
            slot = np.arange(self.pointer[cell], self.slots)
            amount = self.offered(slot, np.full(len(slot), cell))
            some = amount > LEAST
            if some.any():
                size = int(some.sum())
                left.append((np.full(size, cell), slot[some], np.full(size, self.slots), amount[some]))
        none = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        cells, slots, calls, parcels = (np.concatenate(x) for x in zip(none, *self.late, *left))
        return cells, slots, calls, parcels


def call_frame(
    problem: Problem, facility: Array, commodity: Array, slot: Array, call: Array, parcels: Array
) -> pl.DataFrame:
    """Calls as a table, in a fixed order."""
    names = problem.offer.facilities
    slots = problem.grid.slots
    return pl.DataFrame(
        {
            "facility": _named(facility, names),
            "destination": _named(problem.offered.destination[commodity], names),
            "class": _named(problem.offered.cls[commodity], problem.class_names),
            "slot": pl.Series(slot, dtype=pl.Int32).replace(-1, None),
            "call": pl.Series(np.where(call < slots, call, -1), dtype=pl.Int32).replace(-1, None),
            "parcels": pl.Series(parcels, dtype=pl.Float32),
        }
    ).sort("facility", "slot", "destination", "class", pl.col("call").fill_null(slots))


def sort_plan_of_frames(
    problem: Problem, clocks: Sequence[str], flows: pl.DataFrame, commodities: pl.DataFrame
) -> SortPlan:
    """The sort plan of written-out flows."""
    waves = waves_of(problem.grid, clocks)
    f, k = problem.offer.facilities, len(problem.class_names)
    place = {name: i for i, name in enumerate(f)}
    lanes = {name: i for i, name in enumerate(problem.offer.lanes)}
    cls = {name: i for i, name in enumerate(problem.class_names)}
    number = np.full(len(f) * k, -1, np.int64)
    number[problem.offered.destination * k + problem.offered.cls] = np.arange(problem.commodities)

    def commodity(frame: pl.DataFrame) -> Array:
        d = frame["destination"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        return np.asarray(number[d * k + frame["class"].replace_strict(cls, return_dtype=pl.Int64).to_numpy()])

    hops = HopCollector()
    sent = (
        flows.with_columns(pl.Series("wave", waves.of_slot[flows["slot"].to_numpy()]))
        .group_by("wave", "lane", "destination", "class", maintain_order=True)
        .agg(pl.col("parcels").sum())
    )
    for wave, part in sorted(sent.partition_by("wave", as_dict=True).items()):
        lane = part["lane"].replace_strict(lanes, return_dtype=pl.Int64).to_numpy()
        hops.take(int(str(wave[0])), problem.offer.origin[lane], commodity(part), lane, part["parcels"].to_numpy())
    if not problem.hold:
        none = np.zeros(0, np.int64)
        return SortPlan(hops.frame(problem, waves), call_frame(problem, none, none, none, none, np.zeros(0)))
    # only cells where something is offered matter, and all of them stand in ``commodities``
    cell = commodities["facility"].replace_strict(place, return_dtype=pl.Int64).to_numpy() * problem.commodities
    cell = cell + commodity(commodities)
    ids, position = np.unique(cell, return_inverse=True)
    offered, held = np.zeros((problem.grid.slots, len(ids))), np.zeros((problem.grid.slots, len(ids)))
    slot = commodities["slot"].to_numpy()
    offered[slot, position] = commodities["offered"].to_numpy()
    held[slot, position] = commodities["held"].to_numpy()
    stock = np.zeros(len(ids))
    at = problem.offered.held
    key = at.facility * problem.commodities + at.commodity
    where = np.searchsorted(ids, key)
    known = (where < len(ids)) & (ids[np.minimum(where, max(0, len(ids) - 1))] == key) if len(ids) else where < 0
    np.add.at(stock, where[known], at.parcels[known])
    calls = CallCollector(stock, problem.grid.slots, lambda t, c: offered[t, c])
    for t in range(problem.grid.slots):
        calls.take(t, held[t])
    cells, slots, called, parcels = calls.waits()
    found = ids[cells] if len(ids) else cells
    return SortPlan(
        hops.frame(problem, waves),
        call_frame(problem, found // problem.commodities, found % problem.commodities, slots, called, parcels),
    )
