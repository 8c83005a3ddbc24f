"""Count a plan again from its flows: objective, loads, what is violated, what was delivered.

In:     Problem, frames of flows and commodities (from memory or from disk)
Out:    Recount
Not:    anything a solver said; this is the second opinion that `clearway plan --check` gives
Words:  load = parcels on a row in a slot; violation = excess over a row or a balance, by its right side
Source: docs/planning.md sections 4-8
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.core.errors import PlanError
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
    offer, grid = problem.offer, problem.grid
    facilities, slots = len(offer.facilities), grid.slots
    loads = {name: np.zeros_like(problem.rows[name].base) for name in ROWS}
    costs = dict.fromkeys(("transport", "sorting", "delivery", "time", "extra", "overflow", "undelivered"), 0.0)
    totals = np.zeros((len(problem.class_names), 4))  # offered, delivered, undelivered, parcel-hours
    worst, worst_at = 0.0, ""
    supply = {name: _by_commodity(problem, name) for name in ("offered", "held", "unsorted", "sorted", "arriving")}
    banned_load, banned_at = 0.0, ""
    for g in range(problem.commodities):
        k, target = int(problem.offered.cls[g]), int(problem.offered.destination[g])
        cell = {name: np.zeros((facilities, slots)) for name in WAITS}
        part = places.part(g)
        for name in WAITS:
            np.add.at(cell[name], (places.at[part], places.slot[part]), places.values[name][part])
        depart = np.zeros((len(offer.lanes), slots))
        part = lanes.part(g)
        np.add.at(depart, (lanes.at[part], lanes.slot[part]), lanes.values["parcels"][part])
        used, when = np.nonzero(depart)
        parcels, travel = depart[used, when], problem.travel[used, when]
        arrived = np.zeros((facilities, slots))
        inside = when + travel <= slots - 1
        np.add.at(arrived, (offer.destination[used[inside]], (when + travel)[inside]), parcels[inside])
        left = np.zeros((facilities, slots))
        np.add.at(left, (offer.origin[used], when), parcels)
        given = {name: supply[name][g] for name in supply}
        into = given["unsorted"] + given["arriving"] + arrived
        if problem.hold:
            balance_o = _before(cell["held"]) + given["offered"] + given["held"] - cell["held"] - cell["accepted"]
            into = into + cell["accepted"]
        else:
            balance_o = np.zeros((facilities, slots))
            cell["held"][:] = 0
            into = into + given["offered"]
        balance_i = _before(cell["unsorted"]) + into - cell["unsorted"] - cell["sorted"]
        balance_h = (
            _before(cell["sorted_held"])
            + given["sorted"]
            + cell["sorted"]
            - cell["sorted_held"]
            - left
            - cell["delivered"]
        )
        for name, balance in (("offered", balance_o), ("unsorted", balance_i), ("sorted", balance_h)):
            size = np.abs(balance) / np.maximum(1.0, sum(given.values()))
            if size.size and size.max() > worst:
                worst = float(size.max())
                f, t = np.unravel_index(int(size.argmax()), size.shape)
                worst_at = (
                    f"{name} balance of {problem.offer.facilities[target]}/{problem.class_names[k]} at "
                    f"{offer.facilities[int(f)]}, slot {int(t)}"
                )
        elsewhere = cell["delivered"].copy()
        elsewhere[target] = 0
        illegal = np.where(problem.may_depart() & ~problem.banned(g), 0.0, depart)
        refused = cell["accepted"] * problem.embargoed(g)[None, :] if problem.hold else np.zeros(1)
        for name, amount in (
            ("delivery elsewhere", elsewhere),
            ("a departure that is not allowed", illegal),
            ("acceptance under embargo", refused),
        ):
            if amount.size and amount.max() > banned_load:
                banned_load, banned_at = float(amount.max()), name
        loads["accept"] += cell["accepted"]
        loads["sort"] += cell["sorted"]
        loads["storage"] += cell["unsorted"] + cell["sorted_held"]
        loads["deliver"] += cell["delivered"]
        loads["depart"] += depart
        w = problem.time_value[k]
        waiting = cell["unsorted"].sum() + cell["sorted_held"].sum()
        at_sender = cell["held"].sum()
        under_way = float(parcels @ travel)
        undelivered = cell["held"][:, -1].sum() + cell["unsorted"][:, -1].sum() + cell["sorted_held"][:, -1].sum()
        costs["transport"] += float(offer.lane_cost @ depart.sum(axis=1))
        costs["sorting"] += float((offer.sort_cost * cell["sorted"]).sum())
        costs["delivery"] += float(offer.deliver_cost @ cell["delivered"].sum(axis=1))
        costs["time"] += w * grid.slot_hours * (waiting + problem.hold_factor[k] * at_sender + under_way)
        costs["undelivered"] += problem.penalty[k] * undelivered
        totals[k] += (
            sum(float(v.sum()) for v in given.values()),
            cell["delivered"].sum(),
            undelivered,
            grid.slot_hours * (waiting + at_sender + under_way),
        )
    extra, overflow, row_worst, row_at = _against_rows(problem, loads)
    for name in ("sort", "deliver", "depart"):
        costs["extra"] += float((problem.rows[name].premium[:, None] * extra[name]).sum())
    costs["overflow"] = problem.overflow_price * grid.slot_hours * float(overflow.sum())
    if banned_load > row_worst:
        row_worst, row_at = banned_load, banned_at
    return Recount(
        loads=loads,
        extra=extra,
        overflow=overflow,
        costs=costs,
        classes=_class_totals(problem, totals),
        conservation_violation=worst,
        row_violation=row_worst,
        worst=worst_at if worst >= row_worst else row_at,
    )


def _before(cell: Floats) -> Floats:
    """What stood there at the end of the slot before."""
    shifted = np.zeros_like(cell)
    shifted[:, 1:] = cell[:, :-1]
    return shifted


class _by_commodity:  # noqa: N801 - reads like a table lookup
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


def _against_rows(problem: Problem, loads: dict[str, Floats]) -> tuple[dict[str, Floats], Floats, float, str]:
    extra: dict[str, Floats] = {}
    worst, worst_at = 0.0, ""
    overflow = np.maximum(0.0, loads["storage"] - problem.rows["storage"].base)
    for name in ROWS:
        row = problem.rows[name]
        beyond = np.maximum(0.0, loads[name] - row.base)
        extra[name] = np.zeros_like(beyond) if name == "storage" else np.minimum(beyond, row.extra)
        if name == "storage" or (name == "accept" and not problem.hold):
            continue
        size = (beyond - extra[name]) / np.maximum(1.0, np.where(np.isinf(row.base), 1.0, row.base))
        if size.size and size.max() > worst:
            worst = float(size.max())
            i, t = np.unravel_index(int(size.argmax()), size.shape)
            names = problem.offer.lanes if name == "depart" else problem.offer.facilities
            worst_at = f"row {name} of {names[int(i)]}, slot {int(t)}"
    return extra, overflow, worst, worst_at


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
