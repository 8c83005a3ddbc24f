"""Write the planning model out as one linear program: columns, conservation rows, capacity rows.

In:     Problem
Out:    Builder (columns by commodity), the HiGHS program, Cells read back from a solution
Not:    solving (exact.py)
Words:  column = one decision of one commodity in one slot; reached = where its parcels can be
Source: docs/planning.md sections 4-7. Columns that no parcel can ever use are not written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray

from clearway.planning.problem import ROWS, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DECISIONS = ("held", "accepted", "unsorted", "sorted", "sorted_held", "depart", "delivered")


@dataclass(frozen=True)
class Cells:
    """Decisions of one kind: (commodity, facility or lane, slot) and parcels."""

    commodity: Ints
    at: Ints
    slot: Ints
    parcels: Floats


@dataclass
class Builder:
    """Collects columns, conservation rows and capacity entries."""

    problem: Problem
    cost: list[Floats] = field(default_factory=list)
    kind: dict[str, list[tuple[int, Ints, Ints, Ints]]] = field(default_factory=lambda: {d: [] for d in DECISIONS})
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)  # conservation: row, column, value
    rhs: list[Floats] = field(default_factory=list)
    loads: dict[str, list[tuple[Ints, Ints]]] = field(default_factory=lambda: {r: [] for r in ROWS})
    columns: int = 0
    equations: int = 0

    def add(self, decision: str, commodity: int, mask: NDArray[np.bool_], cost: Floats) -> NDArray[np.int64]:
        """New columns where ``mask`` (ids, T) holds; returns their numbers, -1 elsewhere."""
        number = np.full(mask.shape, -1, np.int64)
        at, slot = np.nonzero(mask)
        new = self.columns + np.arange(len(at))
        number[at, slot] = new
        self.columns += len(at)
        self.cost.append(np.broadcast_to(cost, mask.shape)[at, slot])
        self.kind[decision].append((commodity, at, slot, new))
        for row in _LOADS[decision]:
            limited = self.problem.rows[row].limited[at, slot]
            self.loads[row].append(((at * self.problem.grid.slots + slot)[limited], new[limited]))
        return number

    def equation(self, mask: NDArray[np.bool_], supply: Floats) -> NDArray[np.int64]:
        """New conservation rows where ``mask`` holds, with what enters from outside on the right."""
        number = np.full(mask.shape, -1, np.int64)
        at, slot = np.nonzero(mask)
        number[at, slot] = self.equations + np.arange(len(at))
        self.equations += len(at)
        self.rhs.append(supply[at, slot])
        return number

    def enter(self, rows: Ints, columns: Ints, value: float) -> None:
        """Entries of the matrix; pairs with a number below 0 are left out."""
        rows, columns = np.broadcast_arrays(rows, columns)
        keep = (rows >= 0) & (columns >= 0)
        self.entries.append((rows[keep].ravel(), columns[keep].ravel(), np.full(int(keep.sum()), value)))


_LOADS = {
    "held": (),
    "accepted": ("accept",),
    "unsorted": ("storage",),
    "sorted": ("sort",),
    "sorted_held": ("storage",),
    "depart": ("depart",),
    "delivered": ("deliver",),
}


def supplies(problem: Problem, names: tuple[str, ...]) -> list[Floats]:
    """Parcels that enter, per commodity, as (F, T) arrays built on demand."""
    shape = (problem.commodities, len(problem.offer.facilities), problem.grid.slots)
    total = np.zeros(shape)
    for name in names:
        s = getattr(problem.offered, name)
        np.add.at(total, (s.commodity, s.facility, s.slot), s.parcels)
    return list(total)


def add_commodity(b: Builder, g: int, at_sender: Floats, into: Floats, sorted_stock: Floats) -> None:
    """Columns and conservation rows of one commodity."""
    p = b.problem
    offer, slots = p.offer, p.grid.slots
    target, k = int(p.offered.destination[g]), int(p.offered.cls[g])
    wait = np.full(slots, p.time_value[k] * p.grid.slot_hours)
    end = np.zeros(slots)
    end[-1] = p.penalty[k]
    offered = np.cumsum(at_sender, axis=1) > 0
    accept = offered & ~p.rows["accept"].shut & ~p.embargoed(g)[None, :]
    depart_ok = p.may_depart() & ~p.banned(g)
    sort_ok, deliver_ok = ~p.rows["sort"].shut, ~p.rows["deliver"].shut
    waiting = (into > 0) | (accept if p.hold else at_sender > 0)
    ready = sorted_stock > 0
    depart = np.zeros(depart_ok.shape, bool)
    for t in range(slots):
        if t:
            waiting[:, t] |= waiting[:, t - 1]
            ready[:, t] |= ready[:, t - 1]
        ready[:, t] |= waiting[:, t] & sort_ok[:, t]
        depart[:, t] = depart_ok[:, t] & ready[offer.origin, t]
        going = np.flatnonzero(depart[:, t])
        waiting[offer.destination[going], t + p.travel[going, t]] = True
    sorting = waiting & sort_ok
    delivering = np.zeros_like(ready)
    delivering[target] = ready[target] & deliver_ok[target]

    hold_i = b.add("unsorted", g, waiting, wait + end)
    sort = b.add("sorted", g, sorting, offer.sort_cost)
    hold_h = b.add("sorted_held", g, ready, wait + end)
    lane_cost = offer.lane_cost[:, None] + wait[None, :] * p.travel
    lane = b.add("depart", g, depart, lane_cost)
    deliver = b.add("delivered", g, delivering, offer.deliver_cost[:, None] * np.ones(slots))

    supply = into if p.hold else into + at_sender
    unsorted = b.equation(waiting, supply)
    b.enter(unsorted, hold_i, 1.0)
    b.enter(unsorted[:, 1:], hold_i[:, :-1], -1.0)
    b.enter(unsorted, sort, 1.0)
    going, when = np.nonzero(depart)
    b.enter(unsorted[offer.destination[going], when + p.travel[going, when]], lane[going, when], -1.0)
    ready_rows = b.equation(ready, sorted_stock)
    b.enter(ready_rows, hold_h, 1.0)
    b.enter(ready_rows[:, 1:], hold_h[:, :-1], -1.0)
    b.enter(ready_rows, sort, -1.0)
    b.enter(ready_rows[offer.origin[going], when], lane[going, when], 1.0)
    b.enter(ready_rows, deliver, 1.0)
    if p.hold:
        held = b.add("held", g, offered, wait * p.hold_factor[k] + end)
        accepted = b.add("accepted", g, accept, np.zeros(slots))
        senders = b.equation(offered, at_sender)
        b.enter(senders, held, 1.0)
        b.enter(senders[:, 1:], held[:, :-1], -1.0)
        b.enter(senders, accepted, 1.0)
        b.enter(unsorted, accepted, -1.0)


def estimate_columns(problem: Problem) -> int:
    """An upper estimate of the number of columns, without building them."""
    lanes, facilities, slots = len(problem.offer.lanes), len(problem.offer.facilities), problem.grid.slots
    return problem.commodities * slots * (lanes + 5 * facilities)


def read_cells(parts: list[tuple[int, Ints, Ints, Ints]], value: Floats) -> Cells:
    if not parts:
        none = np.zeros(0, np.int64)
        return Cells(none, none, none, np.zeros(0))
    commodity = np.concatenate([np.full(len(at), g) for g, at, _, _ in parts])
    at, slot, number = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
    parcels = value[number]
    keep = parcels > 1e-9
    return Cells(commodity[keep], at[keep], slot[keep], parcels[keep])


def build_program(b: Builder) -> tuple[highspy.HighsLp, dict[str, tuple[Ints, int]]]:
    """The matrix in columns, and for each capacity row kind its cells and first row number."""
    p = b.problem
    row, column, value = (
        (np.concatenate(part) for part in zip(*b.entries, strict=True))
        if b.entries
        else (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    )
    rows, columns, values = [row], [column], [value]
    supply = np.concatenate([*b.rhs, np.zeros(0)])
    uppers, lowers = [supply], [supply]
    costs, column_upper = list(b.cost), [np.full(b.columns, highspy.kHighsInf)]
    next_row, next_column = b.equations, b.columns
    capacity_rows: dict[str, tuple[Ints, int]] = {}
    for name in ROWS:
        if not b.loads[name]:
            continue
        cell = np.concatenate([c for c, _ in b.loads[name]])
        col = np.concatenate([c for _, c in b.loads[name]])
        used, position = np.unique(cell, return_inverse=True)
        capacity_rows[name] = (used, next_row)
        rows.append(next_row + position)
        columns.append(col)
        values.append(np.ones(len(col)))
        at, slot = used // p.grid.slots, used % p.grid.slots
        uppers.append(p.rows[name].base[at, slot])
        lowers.append(np.full(len(used), -highspy.kHighsInf))
        extra = p.rows[name].extra[at, slot]
        if name == "storage":
            relief = np.arange(len(used))
            costs.append(np.full(len(used), p.overflow_price * p.grid.slot_hours))
            column_upper.append(np.full(len(used), highspy.kHighsInf))
        else:
            relief = np.flatnonzero(extra > 0)
            costs.append(p.rows[name].premium[at[relief]])
            column_upper.append(extra[relief])
        rows.append(next_row + relief)
        columns.append(next_column + np.arange(len(relief)))
        values.append(np.full(len(relief), -1.0))
        next_column += len(relief)
        next_row += len(used)
    row, column, value = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
    order = np.lexsort((row, column))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = next_column, next_row
    lp.col_cost_ = np.concatenate([*costs, np.zeros(0)])
    lp.col_lower_ = np.zeros(next_column)
    lp.col_upper_ = np.concatenate(column_upper)
    lp.row_lower_, lp.row_upper_ = np.concatenate(lowers), np.concatenate(uppers)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.searchsorted(column[order], np.arange(next_column + 1)).astype(np.int32)
    lp.a_matrix_.index_ = row[order].astype(np.int32)
    lp.a_matrix_.value_ = value[order]
    return lp, capacity_rows
