"""Count a plan again from its flows: objective, loads, what is violated, what was delivered.

In:     Problem, frames of flows and commodities (from memory or from disk)
Out:    Recount
Not:    anything a solver said; this is the second opinion that `clearway plan --check` gives
Words:  load = parcels on a row in a slot; violation = excess over a row or a balance, by its right side
Source: docs/planning.md sections 4-8
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.errors import PlanError
from clearway.planning.lagrangian import SOURCES
from clearway.planning.problem import ROWS, Problem

Floats = NDArray[np.float64]
WAITS = ("accepted", "held", "unsorted", "sorted", "sorted_held", "delivered")


@dataclass(frozen=True)
class Recount:
    """Totals of one plan, all counted in float64."""

    loads: dict[str, Floats]  # by row, (ids, T)
    extra: dict[str, Floats]
    overflow: Floats  # (F, T)
    costs: dict[str, float]
    classes: dict[str, dict[str, float]]
    conservation_violation: float
    row_violation: float
    worst: str  # where the largest violation is

    @property
    def objective(self) -> float:
        """Sum of all costs."""
        return sum(self.costs.values())


@dataclass(frozen=True)
class _Coded:
    """One frame as index arrays, sorted by commodity, with the start of each commodity's rows."""

    commodity: NDArray[np.int64]
    at: NDArray[np.int64]
    slot: NDArray[np.int64]
    values: dict[str, Floats]
    starts: NDArray[np.int64]

    def part(self, g: int) -> slice:
        return slice(int(self.starts[g]), int(self.starts[g + 1]))


def _index(values: pl.Series, names: tuple[str, ...], what: str) -> NDArray[np.int64]:
    position = {name: i for i, name in enumerate(names)}
    found = values.cast(pl.String).replace_strict(position, default=None, return_dtype=pl.Int64)
    if found.null_count():
        unknown = values.filter(found.is_null())[0]
        raise PlanError(f"The plan names {what} {unknown!r}, which the case does not have (or is not open).")
    return found.to_numpy().astype(np.int64)


def _coded(frame: pl.DataFrame, problem: Problem, at: str, columns: tuple[str, ...]) -> _Coded:
    offer, offered = problem.offer, problem.offered
    k = len(problem.class_names)
    pair = _index(frame["destination"], offer.facilities, "destination") * k + _index(
        frame["class"], problem.class_names, "class"
    )
    pairs = offered.destination * k + offered.cls
    commodity = np.searchsorted(pairs, pair)
    if len(pair) and (not len(pairs) or np.any(pairs[np.minimum(commodity, len(pairs) - 1)] != pair)):
        raise PlanError("The plan moves parcels of a destination and class for which the case has none.")
    names = offer.facilities if at == "facility" else offer.lanes
    where = _index(frame[at], names, at)
    slot = frame["slot"].to_numpy().astype(np.int64)
    if len(slot) and (slot.min() < 0 or slot.max() >= problem.grid.slots):
        raise PlanError("The plan has a slot outside the horizon.")
    order = np.argsort(commodity, kind="stable")
    values = {c: frame[c].to_numpy().astype(float)[order] for c in columns}
    for name, value in values.items():
        if not np.isfinite(value).all() or (len(value) and value.min() < 0):
            raise PlanError(f"The plan has a negative or non-finite number in column {name}.")
    starts = np.searchsorted(commodity[order], np.arange(problem.commodities + 1))
    return _Coded(commodity[order], where[order], slot[order], values, starts)


def recount(problem: Problem, flows: pl.DataFrame, commodities: pl.DataFrame) -> Recount:
    """Count a plan again.

    Parameters
    ----------
    flows
        Columns lane, slot, destination, class, parcels.
    commodities
        Columns facility, slot, destination, class and the decisions of docs/planning.md.

    Raises
    ------
    PlanError
        Where the frames name what the case does not have.
    """
    lanes = _coded(flows, problem, "lane", ("parcels",))
    places = _coded(commodities, problem, "facility", WAITS)
    supply = {name: _BySupply(problem, name) for name in SOURCES}
    loads = {name: np.zeros_like(problem.rows[name].base) for name in ROWS}
    costs = dict.fromkeys(("transport", "sorting", "delivery", "time", "extra", "overflow", "undelivered"), 0.0)
    totals = np.zeros((len(problem.class_names), 4))  # offered, delivered, undelivered, parcel-hours
    balance, rows = _Worst(), _Worst()
    for g in range(problem.commodities):
        one = _commodity(problem, g, places, lanes, {name: supply[name][g] for name in supply})
        _see_balances(problem, one, balance)
        _see_bans(problem, one, rows)
        for name, load in one.loads().items():
            loads[name] += load
        totals[one.cls] += _add_costs(problem, one, costs)
    extra, overflow = _against_rows(problem, loads, rows)
    for name in ("sort", "deliver", "depart"):
        costs["extra"] += float((problem.rows[name].premium[:, None] * extra[name]).sum())
    costs["overflow"] = problem.overflow_price * problem.grid.slot_hours * float(overflow.sum())
    return Recount(
        loads=loads,
        extra=extra,
        overflow=overflow,
        costs=costs,
        classes=_class_totals(problem, totals),
        conservation_violation=balance.size,
        row_violation=rows.size,
        worst=balance.where if balance.size >= rows.size else rows.where,
    )


@dataclass
class _Worst:
    """The largest violation seen so far, and where it is."""

    size: float = 0.0
    where: str = ""

    def see(self, table: Floats, where: Callable[[int, int], str]) -> None:
        """Look at a table (ids, T); ``where`` names a cell."""
        if table.size and table.max() > self.size:
            self.size = float(table.max())
            i, t = np.unravel_index(int(table.argmax()), table.shape)
            self.where = where(int(i), int(t))


def _cell_name(before: str, names: tuple[str, ...]) -> Callable[[int, int], str]:
    """Names a cell of a table over ``names`` and slots."""
    return lambda i, t: f"{before}{names[i]}, slot {t}"


@dataclass(frozen=True)
class _Commodity:
    """One commodity's plan: decisions and supplies (F, T), departures (L, T)."""

    index: int
    target: int
    cls: int
    cell: dict[str, Floats]
    given: dict[str, Floats]
    depart: Floats
    arrived: Floats  # (F, T)
    left: Floats  # (F, T)
    under_way: float  # parcel-slots on lanes

    def loads(self) -> dict[str, Floats]:
        """What it puts on each kind of row."""
        cell = self.cell
        return {
            "accept": cell["accepted"],
            "sort": cell["sorted"],
            "storage": cell["unsorted"] + cell["sorted_held"],
            "deliver": cell["delivered"],
            "depart": self.depart,
        }


def _commodity(problem: Problem, g: int, places: _Coded, lanes: _Coded, given: dict[str, Floats]) -> _Commodity:
    offer, slots = problem.offer, problem.grid.slots
    shape = (len(offer.facilities), slots)
    cell = {name: np.zeros(shape) for name in WAITS}
    part = places.part(g)
    for name in WAITS:
        np.add.at(cell[name], (places.at[part], places.slot[part]), places.values[name][part])
    if not problem.hold:
        cell["held"][:] = 0
    depart = np.zeros((len(offer.lanes), slots))
    part = lanes.part(g)
    np.add.at(depart, (lanes.at[part], lanes.slot[part]), lanes.values["parcels"][part])
    used, when = np.nonzero(depart)
    parcels, travel = depart[used, when], problem.travel[used, when]
    arrived, left = np.zeros(shape), np.zeros(shape)
    inside = when + travel <= slots - 1
    np.add.at(arrived, (offer.destination[used[inside]], (when + travel)[inside]), parcels[inside])
    np.add.at(left, (offer.origin[used], when), parcels)
    return _Commodity(
        g,
        int(problem.offered.destination[g]),
        int(problem.offered.cls[g]),
        cell,
        given,
        depart,
        arrived,
        left,
        float(parcels @ travel),
    )


def _see_balances(problem: Problem, one: _Commodity, worst: _Worst) -> None:
    """Conservation at senders, of unsorted and of sorted parcels, by max(1, what enters from outside)."""
    cell, given = one.cell, one.given
    into = given["unsorted"] + given["arriving"] + one.arrived
    balances = {}
    if problem.hold:
        balances["offered"] = _before(cell["held"]) + given["offered"] + given["held"] - cell["held"] - cell["accepted"]
        into = into + cell["accepted"]
    else:
        into = into + given["offered"]
    balances["unsorted"] = _before(cell["unsorted"]) + into - cell["unsorted"] - cell["sorted"]
    out = cell["sorted_held"] + one.left + cell["delivered"]
    balances["sorted"] = _before(cell["sorted_held"]) + given["sorted"] + cell["sorted"] - out
    scale = np.maximum(1.0, sum(given.values()))
    names = problem.offer.facilities
    for name, balance in balances.items():
        what = f"{name} balance of {names[one.target]}/{problem.class_names[one.cls]}"
        worst.see(np.abs(balance) / scale, _cell_name(f"{what} at ", names))


def _see_bans(problem: Problem, one: _Commodity, worst: _Worst) -> None:
    """Deliveries elsewhere, departures that are not allowed, acceptance under embargo: parcels."""
    facilities, lanes = problem.offer.facilities, problem.offer.lanes
    elsewhere = one.cell["delivered"].copy()
    elsewhere[one.target] = 0
    worst.see(elsewhere, _cell_name("delivery away from the destination at ", facilities))
    illegal = np.where(problem.may_depart() & ~problem.banned(one.index), 0.0, one.depart)
    worst.see(illegal, _cell_name("departure that is not allowed on ", lanes))
    if problem.hold:
        refused = one.cell["accepted"] * problem.embargoed(one.index)[None, :]
        worst.see(refused, _cell_name("acceptance under embargo at ", facilities))


def _add_costs(problem: Problem, one: _Commodity, costs: dict[str, float]) -> Floats:
    """Add what a commodity costs; returns its parcels offered, delivered, undelivered, and parcel-hours."""
    offer, cell, hours = problem.offer, one.cell, problem.grid.slot_hours
    waiting = cell["unsorted"].sum() + cell["sorted_held"].sum()
    at_sender = cell["held"].sum()
    undelivered = sum(cell[name][:, -1].sum() for name in ("held", "unsorted", "sorted_held"))
    in_time = waiting + problem.hold_factor[one.cls] * at_sender + one.under_way
    costs["transport"] += float(offer.lane_cost @ one.depart.sum(axis=1))
    costs["sorting"] += float((offer.sort_cost * cell["sorted"]).sum())
    costs["delivery"] += float(offer.deliver_cost @ cell["delivered"].sum(axis=1))
    costs["time"] += float(problem.time_value[one.cls] * hours * in_time)
    costs["undelivered"] += float(problem.penalty[one.cls] * undelivered)
    offered = sum(float(table.sum()) for table in one.given.values())
    return np.array([offered, cell["delivered"].sum(), undelivered, hours * (waiting + at_sender + one.under_way)])


def _before(cell: Floats) -> Floats:
    """What stood there at the end of the slot before."""
    shifted = np.zeros_like(cell)
    shifted[:, 1:] = cell[:, :-1]
    return shifted


class _BySupply:
    """Sources of one kind as (F, T) arrays, one commodity at a time."""

    def __init__(self, problem: Problem, name: str) -> None:
        self._s = getattr(problem.offered, name)
        self._shape = (len(problem.offer.facilities), problem.grid.slots)
        self._order = np.argsort(self._s.commodity, kind="stable")
        self._starts = np.searchsorted(self._s.commodity[self._order], np.arange(problem.commodities + 1))

    def __getitem__(self, g: int) -> Floats:
        rows = self._order[self._starts[g] : self._starts[g + 1]]
        table = np.zeros(self._shape)
        np.add.at(table, (self._s.facility[rows], self._s.slot[rows]), self._s.parcels[rows])
        return table


def _against_rows(problem: Problem, loads: dict[str, Floats], worst: _Worst) -> tuple[dict[str, Floats], Floats]:
    """What is mobilised on each row and what overflows; loads beyond both go to ``worst``."""
    extra: dict[str, Floats] = {}
    overflow = np.maximum(0.0, loads["storage"] - problem.rows["storage"].base)
    for name in ROWS:
        row = problem.rows[name]
        beyond = np.maximum(0.0, loads[name] - row.base)
        extra[name] = np.zeros_like(beyond) if name == "storage" else np.minimum(beyond, row.extra)
        if name == "storage" or (name == "accept" and not problem.hold):
            continue
        size = (beyond - extra[name]) / np.maximum(1.0, np.where(np.isinf(row.base), 1.0, row.base))
        names = problem.offer.lanes if name == "depart" else problem.offer.facilities
        worst.see(size, _cell_name(f"row {name} of ", names))
    return extra, overflow


def _class_totals(problem: Problem, totals: Floats) -> dict[str, dict[str, float]]:
    return {
        name: {
            "offered": float(offered),
            "delivered": float(delivered),
            "undelivered": float(undelivered),
            "mean_hours": float(hours / offered) if offered > 0 else 0.0,
        }
        for name, (offered, delivered, undelivered, hours) in zip(problem.class_names, totals, strict=True)
    }
