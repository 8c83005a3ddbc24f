"""What is done: nothing out of the ordinary, the shortest open ways, or a plan.

In:     Inputs, the case, a plan
Out:    World and Routes under a policy
Not:    carrying it out (engine.py)
Words:  static = each destination's usual next hop, waits where it is shut; reroute = the shortest way
        that is open, renewed every day; usual = of a plan with nothing disturbed
Source: docs/simulation.md
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.cases import Case
from clearway.core.errors import SimulationError
from clearway.planning import Plan, SortPlan, usual_lanes, waves_of
from clearway.simulation.inputs import Inputs, bans_of
from clearway.simulation.routing import guide, make_routes, one_hop, ways
from clearway.simulation.state import MOST_HOPS, NOWHERE, Routes, World

Array = NDArray[Any]
POLICIES = ("static", "reroute", "plan")
_EXTRA = ("sort_extra", "deliver_extra", "depart_extra")


@dataclass(frozen=True)
class Policy:
    """A world with what the policy mobilises, and where its parcels go."""

    name: str
    world: World
    routes: Routes


def static_policy(inputs: Inputs, usual: SortPlan) -> Policy:
    """Usual next hops of an undisturbed plan; nothing is mobilised, nothing is held."""
    world = _unaided(inputs.world)
    tables = one_hop(usual_hops(inputs, usual_lanes(usual.hops))[None])
    return Policy("static", world, make_routes(world, tables, np.zeros(inputs.grid.slots, np.int64)))


def usual_hops(inputs: Inputs, usual: pl.DataFrame) -> Array:
    """The usual lanes as a table (F, K, F), the shortest way where there is none or it circles."""
    world = inputs.world
    table = guide(world).transpose(1, 0, 2).copy()
    f, d, k, lane = _codes(inputs, usual.rename({"usual": "lane"}))
    short = table.copy()
    table[f, k, d] = lane
    for _ in range(2):
        lost = ~_reaches(world, table)
        if not lost.any():
            break
        table[lost] = short[lost]
    return table


def _reaches(world: World, table: Array) -> Array:
    """Whether following the hops (F, K, F) leads to the destination in few enough of them."""
    f, k, _ = table.shape
    here = np.broadcast_to(np.arange(f)[:, None, None], table.shape).copy()
    target = np.broadcast_to(np.arange(f)[None, None, :], table.shape)
    cls = np.broadcast_to(np.arange(k)[None, :, None], table.shape)
    for _ in range(MOST_HOPS):
        hop = table[here, cls, target]
        going = (here != target) & (hop != NOWHERE)
        lane = np.where(going, world.lane_start[here] + hop, 0)
        here = np.where(going, world.lane_to[lane] if len(world.lane_to) else here, here)
    # where there is no way at all, nothing can be mended
    return np.asarray((here == target) | (table == NOWHERE))


def _codes(inputs: Inputs, hops: pl.DataFrame) -> tuple[Array, Array, Array, Array]:
    """Facility, destination, class and place of the lane among those of its facility."""
    place = {name: i for i, name in enumerate(inputs.facilities)}
    cls = {name: i for i, name in enumerate(inputs.class_names)}
    lanes = {name: i for i, name in enumerate(inputs.lanes)}

    def of(column: str, known: dict[str, int]) -> Array:
        names = hops[column].cast(pl.String).unique()
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise SimulationError(
                f"The plan names {column} {', '.join(map(repr, unknown[:3]))}, which this case does not have: "
                "it was made for another case."
            )
        return hops[column].cast(pl.String).replace_strict(known, return_dtype=pl.Int64).to_numpy()

    lane, f = of("lane", lanes), of("facility", place)
    return f, of("destination", place), of("class", cls), lane - inputs.world.lane_start[f]


def _open_ways(inputs: Inputs, case: Case, moment: datetime) -> Array:
    """Hops (K, F, F) of the shortest ways open on the day of a moment, by what is known then."""
    world = inputs.world
    known = case.known_at(moment)
    disrupted = known.disrupted()
    offer, grid = disrupted.offer, known.grid
    first = max(0, grid.slot_of(moment))
    last = min(grid.slots, max(first + 1, grid.slot_of(moment + timedelta(days=1))))
    day = slice(first, last)
    order = inputs.order
    leaves = offer.depart[order, day].sum(axis=1) > 0
    sorts = offer.sort[:, day].sum(axis=1) > 0
    arrives = sorts[world.lane_to] | (offer.deliver[world.lane_to, day].sum(axis=1) > 0)
    # a lane with a ban on it as the day begins is left to those whom the ban lets through
    number, allows = bans_of(disrupted, order)
    banned = number[:, first].astype(np.int64) if len(number) else np.zeros(len(order), np.int64)
    return ways(
        world,
        offer.hours[order, day].mean(axis=1),
        leaves & arrives,
        offer.sort_cost[:, day].mean(axis=1),
        (banned, allows),
    )


def _days(inputs: Inputs) -> tuple[list[datetime], Array]:
    """The beginning of each day of the horizon, and the day of each step."""
    grid = inputs.grid
    moments = [grid.time(t) for t in range(grid.slots)]
    days = sorted({m.date() for m in moments})
    first = [max(grid.start, datetime(d.year, d.month, d.day)) for d in days]
    number = {d: i for i, d in enumerate(days)}
    return first, np.array([number[m.date()] for m in moments], np.int64)


def daily_ways(inputs: Inputs, case: Case) -> tuple[Array, Array]:
    """Shortest open ways of every day (days, F, K, F), and the day of each step (S,)."""
    begins, of_step = _days(inputs)
    return np.stack([_open_ways(inputs, case, moment).transpose(1, 0, 2) for moment in begins]), of_step


def reroute_policy(inputs: Inputs, case: Case, plan: Plan | None) -> Policy:
    """The shortest open way, renewed every day, with the shifts that a plan mobilises, else all there are."""
    table, of_step = daily_ways(inputs, case)
    world = inputs.world
    if plan is not None:
        world = _mobilised(inputs, plan, waves_of(case.grid, case.settings.simulated.waves).of_slot)
    return Policy("reroute", world, make_routes(world, one_hop(table), of_step))


def plan_policy(inputs: Inputs, case: Case, plan: Plan, *, always: bool = False) -> Policy:
    """A plan's sort plan with second choices, its calls and the shifts it mobilises.

    The plan's horizon may begin later than that of ``inputs`` (a replan). ``always``: with room for calls
    even where this plan has none, since another may follow.
    """
    floor = plan.sort_plan
    if floor is None:
        raise SimulationError("The plan has no sortplan.parquet; plan again with this version.")
    daily, day_of_step = daily_ways(inputs, case)
    waves = waves_of(case.grid, case.settings.simulated.waves)
    how = plan.facts.get("carry_out", {})
    world = _manned(inputs, plan, waves.of_slot, how.get("extra"))
    called = _called(inputs, plan, case, always)
    if how.get("hops") == "usual" and plan.usual is not None:
        table = one_hop(usual_hops(inputs, plan.usual)[None])
        return Policy("plan", world, make_routes(world, table, np.zeros(inputs.grid.slots, np.int64), **called))
    if how.get("hops") == "shortest":
        return Policy("plan", world, make_routes(world, one_hop(daily), day_of_step, **called))
    wave_of_step = waves.of_slot[inputs.world.slot]
    f, k = len(inputs.facilities), len(inputs.class_names)
    day_of_wave = np.zeros(waves.count, np.int64)
    day_of_wave[wave_of_step] = day_of_step
    tables = np.full((waves.count, f, k, f, 2), NOWHERE, np.uint16)
    second = np.zeros((waves.count, f, k, f), np.uint8)
    number = {(day, clock): i for i, (day, clock) in enumerate(zip(waves.days, waves.clocks, strict=True))}
    hops = floor.hops
    at, d, cls, lane = _codes(inputs, hops)
    keys = hops.select("day", pl.col("wave").cast(pl.String)).unique().rows()
    coded = pl.DataFrame(
        [(day, clock, number.get((day, clock), -1)) for day, clock in keys],
        schema={"day": pl.Date, "wave": pl.String, "n": pl.Int64},
        orient="row",
    )
    wave = (
        hops.select("day", pl.col("wave").cast(pl.String))
        .join(coded, on=["day", "wave"], how="left", maintain_order="left")["n"]
        .to_numpy()
    )
    if (wave < 0).all() and len(wave):
        raise SimulationError("The plan's days lie outside this case: it was made for another horizon.")
    share = np.rint(hops["share"].to_numpy() * 20).astype(np.uint8)
    place = ((wave * f + at) * k + cls) * f + d
    one = np.append(True, place[1:] != place[:-1])
    inside = wave >= 0
    first, other = one & inside, ~one & inside
    tables[wave[first], at[first], cls[first], d[first], 0] = lane[first]
    tables[wave[other], at[other], cls[other], d[other], 1] = lane[other]
    second[wave[other], at[other], cls[other], d[other]] = share[other]
    _filled(tables, second, daily[day_of_wave])
    return Policy("plan", world, make_routes(world, tables, wave_of_step, second=second, **called))


def _filled(tables: Array, second: Array, open_ways: Array) -> None:
    """Give every cell a hop: of the wave before or after, else the shortest open way, which is also the second."""
    for order in (range(1, len(tables)), range(len(tables) - 2, -1, -1)):
        step = 1 if order.step > 0 else -1
        for w in order:
            empty = tables[w, ..., 0] == NOWHERE
            tables[w][empty] = tables[w - step][empty]
            second[w][empty] = second[w - step][empty]
    empty = tables[..., 0] == NOWHERE
    tables[..., 0][empty] = open_ways[empty]
    spare = (tables[..., 1] == NOWHERE) & (open_ways != tables[..., 0])
    tables[..., 1][spare] = open_ways[spare]


def _unaided(world: World) -> World:
    """The world without any extra capacity."""
    return world._replace(**{n: np.zeros_like(getattr(world, n)) for n in _EXTRA})


def _manned(inputs: Inputs, plan: Plan, wave_of_slot: Array, extra: str | None) -> World:
    """The world with the extra capacity that a plan orders, or with ``all`` there is, or ``none``."""
    world = inputs.world
    if extra == "all":
        return world
    if extra == "none":
        return _unaided(world)
    return _mobilised(inputs, plan, wave_of_slot)


def _mobilised(inputs: Inputs, plan: Plan, wave_of_slot: Array) -> World:
    """The world with extra capacity only in the waves for which the plan orders it."""
    world = inputs.world
    changed = {}
    for row, name, ids in (
        ("sort", "sort_extra", inputs.facilities),
        ("deliver", "deliver_extra", inputs.facilities),
        ("depart", "depart_extra", inputs.lanes),
    ):
        part = plan.rows.filter((pl.col("row") == row) & (pl.col("extra") >= 1.0))
        index = {x: i for i, x in enumerate(ids)}
        ordered = np.zeros((len(ids), int(wave_of_slot.max(initial=0)) + 1), bool)
        moments = part["start"].to_list()
        slots = np.array([inputs.plan_grid.slot_of(m) for m in moments], np.int64)
        at = np.array([index.get(x, -1) for x in part["id"]], np.int64)
        known = (slots >= 0) & (slots < inputs.plan_grid.slots) & (at >= 0)
        ordered[at[known], wave_of_slot[slots[known]]] = True
        changed[name] = getattr(world, name) * ordered[:, wave_of_slot[world.slot]]
    return world._replace(**changed)


def _called(inputs: Inputs, plan: Plan, case: Case, always: bool) -> dict[str, Any]:
    """Slot in which parcels offered in each slot are called in (F, F, K, T), and the portions of stock.

    What no way delivers any more within the horizon is not kept back: holding it says nothing about the network.
    """
    f, k, slots = len(inputs.facilities), len(inputs.class_names), inputs.plan_grid.slots
    floor = plan.sort_plan
    assert floor is not None
    if not case.settings.hold_at_sender or (not len(floor.calls) and not always):
        return {}
    release = np.broadcast_to(np.arange(slots, dtype=np.uint16), (f, f, k, slots)).copy()
    place = {name: i for i, name in enumerate(inputs.facilities)}
    cls = {name: i for i, name in enumerate(inputs.class_names)}
    calls = floor.calls
    at, d, c = (
        calls[column].cast(pl.String).replace_strict(known, return_dtype=pl.Int64).to_numpy()
        for column, known in (("facility", place), ("destination", place), ("class", cls))
    )
    later = inputs.plan_grid.slot_of(datetime.fromisoformat(plan.facts["case"]["start"]))
    stock = calls["slot"].is_null().to_numpy()
    slot = calls["slot"].fill_null(0).to_numpy() + later
    call = np.where(calls["call"].is_null().to_numpy(), slots, calls["call"].fill_null(0).to_numpy() + later)
    left = (slots - slot) * inputs.plan_grid.slot_hours
    hopeless = (call == slots) & (_least_hours(inputs)[at, d, c] > left)
    call = np.where(hopeless, slot, call)
    new = ~stock
    release[at[new], d[new], c[new], slot[new]] = call[new]
    cell = ((at * f + d) * k + c)[stock]
    order = np.lexsort((call[stock], cell))
    portions = cell[order], call[stock][order], calls["parcels"].to_numpy()[stock][order]
    return {"release": release, "recall": portions}


def _least_hours(inputs: Inputs) -> Array:
    """Hours (F, F, K) from being offered to delivery along the shortest way, by origin, destination, class."""
    world = inputs.world
    hops = guide(world)
    hours = world.hours.min(axis=1) * world.travel_factor
    f, k = len(inputs.facilities), len(inputs.class_names)
    total = np.zeros((f, f, k))
    for c in range(k):
        here = np.broadcast_to(np.arange(f)[:, None], (f, f)).copy()
        target = np.broadcast_to(np.arange(f)[None, :], (f, f))
        for _ in range(MOST_HOPS):
            hop = hops[c][here, target]
            going = (here != target) & (hop != NOWHERE)
            lane = np.where(going, world.lane_start[here] + hop, 0)
            total[:, :, c] += np.where(going, hours[lane] if len(hours) else 0.0, 0.0)
            here = np.where(going, world.lane_to[lane] if len(hours) else here, here)
        total[:, :, c][here != target] = np.inf
    return total + (world.origin_steps + world.destination_steps) * world.step_hours
