"""What there is in every step of the clock, as arrays for the kernels.

In:     Case (as it really turns out), SimulationSettings
Out:    Inputs: World, names, stock, order of the lanes
Not:    policies (routing.py), the loop (engine.py)
Words:  step = slot of the clock; round = couriers' tour; collection = what becomes one batch
Source: docs/simulation.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.cases import Case, SimulationSettings
from clearway.core.timegrid import TimeGrid, parse_clock
from clearway.demand import Offered
from clearway.disruption import Disrupted
from clearway.network import Offer
from clearway.simulation.state import World

Array = NDArray[Any]
ROUNDING = 7  # seed of how parts of parcels are rounded: the same in every run
JUDGED_HOURS = 72.0  # parcels offered later than this before the end are not judged


@dataclass(frozen=True)
class Stock:
    """Parcels in the network at the start, sorted by step due and facility, in whole parcels."""

    stage: Array  # 0 held, 1 unsorted, 2 sorted, 3 in transit
    facility: Array
    destination: Array
    cls: Array
    parcels: Array
    offered: Array  # step, below 0 before the start
    due: Array


@dataclass(frozen=True)
class Inputs:
    """A case on the clock. ``order`` lists the lanes of the offer by origin."""

    world: World
    stock: Stock
    grid: TimeGrid
    plan_grid: TimeGrid
    facilities: tuple[str, ...]
    lanes: tuple[str, ...]
    order: Array
    class_names: tuple[str, ...]
    settings: SimulationSettings


def clock_of(case: Case) -> SimulationSettings:
    """The case's simulation settings, with a clock that divides its slots."""
    settings = case.settings.simulated
    minutes = math.gcd(settings.clock_minutes, case.grid.slot_minutes)
    return replace(settings, clock_minutes=minutes)


def build_inputs(case: Case, *, sample: float = 0.0, seed: int = 0) -> Inputs:
    """The arrays of a case that is carried out.

    Parameters
    ----------
    sample
        Part of the parcels that are followed one by one.
    seed
        Of travel times and failed deliveries.
    """
    settings = clock_of(case)
    fine = case.with_horizon(slot_hours=settings.clock_minutes / 60)
    disrupted = fine.disrupted()
    offer, grid = disrupted.offer, fine.grid
    order = np.argsort(offer.origin, kind="stable")
    lane_start = np.searchsorted(offer.origin[order], np.arange(len(offer.facilities) + 1)).astype(np.int64)
    offered = fine.offered(offer.facilities)
    sort_extra, deliver_extra, depart_extra = offer.extra_limits()
    classes = case.settings.classes
    time_value = np.array([c.time_value for c in classes])
    ban, allows = bans_of(disrupted, order)
    embargo, hits = _embargoes(disrupted)
    span, inside = _rounds(settings, grid, offer)
    collections = _collections(offered, grid, settings)
    rows = _rows(offered, len(offer.facilities), time_value)
    variation = settings.travel_variation
    dispatch = settings.dispatch_minutes // settings.clock_minutes
    last = grid.slots - JUDGED_HOURS / grid.slot_hours
    world = World(
        lane_start=lane_start,
        lane_to=offer.destination[order].astype(np.int64),
        lane_class=offer.lane_classes[order],
        by_rate=case_lanes(case, offer)["departures"].is_null().to_numpy()[order],
        depart=np.ascontiguousarray(offer.depart[order]),
        depart_extra=np.ascontiguousarray(depart_extra[order]),
        hours=np.ascontiguousarray(offer.hours[order], np.float32),
        accept=offer.accept,
        sort=offer.sort,
        sort_extra=sort_extra,
        storage=offer.storage,
        deliver=offer.deliver * inside,
        deliver_extra=deliver_extra * inside,
        span=span,
        ban=ban,
        ban_allows=allows,
        embargo=embargo,
        embargo_hits=hits,
        lane_cost=offer.lane_cost[order],
        sort_cost=offer.sort_cost,
        deliver_cost=offer.deliver_cost,
        lane_premium=offer.lane_premium[order],
        facility_premium=offer.facility_premium,
        time_value=time_value,
        hold_factor=np.array([c.hold_factor for c in classes]),
        overflow_price=float(case.settings.costs["overflow_penalty"]),
        class_order=np.argsort(-time_value, kind="stable").astype(np.int64),
        **rows,
        **collections,
        slot=np.minimum(
            np.arange(grid.slots) * grid.slot_minutes // case.grid.slot_minutes, case.grid.slots - 1
        ).astype(np.int64),
        hold=case.settings.hold_at_sender,
        step_hours=grid.slot_hours,
        dispatch=dispatch,
        origin_steps=round(settings.origin_hours / grid.slot_hours),
        destination_steps=round(settings.destination_hours / grid.slot_hours),
        travel_factor=float(settings.travel_factor),
        travel_sigma=math.sqrt(math.log1p(variation * variation)),
        success=float(settings.attempt_success),
        promise=np.array([math.inf if c.promise_hours is None else c.promise_hours for c in classes]),
        last_judged=math.floor(last + 1e-9),
        sample=float(sample),
        seed=int(seed),
    )
    return Inputs(
        world=world,
        stock=_stock(fine, offer),
        grid=grid,
        plan_grid=case.grid,
        facilities=offer.facilities,
        lanes=tuple(offer.lanes[i] for i in order),
        order=order,
        class_names=tuple(case.settings.class_names),
        settings=settings,
    )


def case_lanes(case: Case, offer: Offer) -> pl.DataFrame:
    """The case's lanes in the order of the offer."""
    return pl.DataFrame({"id": list(offer.lanes)}, schema={"id": pl.String}).join(
        case.lanes, on="id", how="left", maintain_order="left"
    )


def _numbered(stack: Array) -> tuple[Array, Array]:
    """Distinct rows of a table of yes and no, the empty one first, and which of them each row is."""
    none = np.zeros((1, stack.shape[1]), bool)
    sets, inverse = np.unique(np.concatenate([none, stack]), axis=0, return_inverse=True)
    return sets, inverse.ravel()[1:]


def bans_of(disrupted: Disrupted, order: Array) -> tuple[Array, Array]:
    """Number of the set of bans on each departure (L, S), and which destinations each set lets through."""
    bans = disrupted.transit_bans
    facilities = len(disrupted.offer.facilities)
    if not bans:
        return np.zeros((0, 0), np.uint8), np.ones((1, facilities), bool)
    stack = np.stack([ban.departures[order].ravel() for ban in bans], axis=1)
    sets, number = _numbered(stack)
    allows = np.ones((len(sets), facilities), bool)
    for i, ban in enumerate(bans):
        allows[sets[:, i]] &= ban.members[None, :]
    return number.reshape(disrupted.offer.depart.shape).astype(np.uint16), allows


def _embargoes(disrupted: Disrupted) -> tuple[Array, Array]:
    slots, facilities = disrupted.offer.grid.slots, len(disrupted.offer.facilities)
    embargoes = disrupted.embargoes
    if not embargoes:
        return np.zeros(slots, np.int64), np.zeros((1, facilities), bool)
    stack = np.stack([e.slots for e in embargoes], axis=1)
    sets, number = _numbered(stack)
    hits = np.zeros((len(sets), facilities), bool)
    for i, embargo in enumerate(embargoes):
        hits[sets[:, i]] |= embargo.members[None, :]
    return number.astype(np.int64), hits


def _rounds(settings: SimulationSettings, grid: TimeGrid, offer: Offer) -> tuple[Array, Array]:
    """Steps of the round that begins in each step (F, S), and by how much capacity counts there (F, S).

    What a facility delivers in a day is spread over its rounds, so that a day's capacity is the planning
    model's. A facility whose hours meet no round delivers in its own hours.
    """
    length = max(1, round(settings.round_hours / grid.slot_hours))
    minute = grid.minute_of_day()
    begins = np.isin(minute, [parse_clock(r) // grid.slot_minutes * grid.slot_minutes for r in settings.rounds])
    within = np.zeros(grid.slots, bool)
    for offset in range(length):
        within |= np.roll(begins, offset) & (np.arange(grid.slots) >= offset)
        # a round that began before the horizon
        if offset:
            before = (minute - offset * grid.slot_minutes) % 1440
            within |= np.isin(before, minute[begins]) & (np.arange(grid.slots) < offset)
    span = np.zeros(offer.deliver.shape, np.int64)
    share = np.zeros(offer.deliver.shape)
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], grid.slots)[: len(starts)]
    usual = offer.deliver.max(axis=1, initial=0.0)[:, None] * (offer.deliver > 0)
    by_minute = np.zeros((len(offer.facilities), 1440 // grid.slot_minutes))
    np.maximum.at(by_minute.T, minute // grid.slot_minutes, usual.T)
    total = by_minute.sum(axis=1)
    inside = np.zeros(1440 // grid.slot_minutes, bool)
    inside[(minute // grid.slot_minutes)[within]] = True
    covered = by_minute[:, inside].sum(axis=1)
    fits = covered > 0
    share[fits] = within[None, :] * (total[fits] / covered[fits])[:, None]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        span[fits, start] = min(length, end - start)
    if within[0] and not begins[0]:
        rest = int(np.argmin(within)) if not within.all() else grid.slots
        span[fits, 0] = rest
    share[~fits] = 1.0
    span[~fits] = offer.deliver[~fits] > 0
    return span, share


def _collections(offered: Offered, grid: TimeGrid, settings: SimulationSettings) -> dict[str, Array]:
    """The collections of the horizon: where each ends, and the part of its day that it covers."""
    minute = grid.minute_of_day()
    edges = [0] + [t for t in range(1, grid.slots) if minute[t] % settings.collection_minutes == 0] + [grid.slots]
    done = np.zeros(len(offered.days) + 1)
    collected = np.full(grid.slots + 1, -1, np.int64)
    day: list[int] = []
    low: list[float] = []
    high: list[float] = []
    middle: list[int] = []
    for first, end in pairwise(edges):
        part = float(offered.share_of_slot[first:end].sum())
        if part <= 0:
            continue
        index = int(offered.day_of_slot[first:end][offered.share_of_slot[first:end] > 0][0])
        collected[end] = len(day)
        day.append(index)
        low.append(done[index])
        done[index] += part
        high.append(done[index])
        middle.append((first + end) // 2)
    return {
        "collected": collected,
        "round_day": np.array(day, np.int64),
        "round_low": np.array(low, float),
        "round_high": np.array(high, float),
        "round_middle": np.array(middle, np.int64),
    }


def _rows(offered: Offered, facilities: int, time_value: Array) -> dict[str, Array]:
    """Demand rows by day, origin, class and destination."""
    daily = offered.daily
    cls, destination = offered.cls[daily.commodity], offered.destination[daily.commodity]
    order = np.lexsort((destination, -time_value[cls], daily.facility, daily.day))
    key = daily.day[order] * facilities + daily.facility[order]
    edges = np.arange(len(offered.days))[:, None] * facilities + np.arange(facilities + 1)
    first = np.searchsorted(key, edges)
    return {
        "row_destination": destination[order].astype(np.int16),
        "row_class": cls[order].astype(np.int8),
        "row_parcels": daily.parcels[order],
        "row_start": np.random.default_rng(ROUNDING).random(len(order)),
        "row_first": first.astype(np.int64),
    }


_STAGES = {"held": 0, "unsorted": 1, "sorted": 2, "in-transit": 3}


def _stock(case: Case, offer: Offer) -> Stock:
    """The stock in whole parcels: fractions are carried along so that the sum keeps."""
    stock = case.stock if case.settings.hold_at_sender else case.stock.filter(pl.col("stage") != "held")
    grid = case.grid
    minutes = grid.slot_minutes * 60_000_000
    index = {name: i for i, name in enumerate(offer.facilities)}
    cls = {name: i for i, name in enumerate(case.settings.class_names)}
    frame = stock.select(
        pl.col("stage").cast(pl.String).replace_strict(_STAGES, return_dtype=pl.Int64).alias("stage"),
        pl.col("facility").cast(pl.String).replace_strict(index, return_dtype=pl.Int64).alias("facility"),
        pl.col("destination").cast(pl.String).replace_strict(index, return_dtype=pl.Int64).alias("destination"),
        pl.col("class").cast(pl.String).replace_strict(cls, return_dtype=pl.Int64).alias("cls"),
        pl.col("parcels"),
        ((pl.col("offered_at") - grid.start).dt.total_microseconds() // minutes)
        .fill_null(0)
        .clip(-30000, 0)
        .alias("offered"),
        ((pl.col("arrives") - grid.start).dt.total_microseconds() // minutes).fill_null(0).alias("due"),
    ).sort("stage", "due", "facility", "cls", "destination", maintain_order=True)
    whole = np.diff(np.floor(np.concatenate([[0.0], frame["parcels"].to_numpy().cumsum()]) + 1e-6))
    columns = {name: frame[name].to_numpy().astype(np.int64) for name in frame.columns if name != "parcels"}
    return Stock(parcels=whole.astype(np.int64), **columns)
