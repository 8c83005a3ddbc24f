"""What a dual solve hands out: its result, tables by row kind, decisions cell by cell.

In:     State, tables (T, R)
Out:    DualResult, tables (ids, T) in the order of the problem, Cells
Not:    how prices and plans are found (ascent.py)
Source: docs/solver.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.core.errors import PlanError
from clearway.planning.dual.layout import ORDER, Layout
from clearway.planning.dual.state import State
from clearway.planning.dual.tally import Tally
from clearway.planning.dual.vector import WIDTH
from clearway.planning.problem import Problem
from clearway.planning.program import DECISIONS, Cells
from clearway.planning.sortplan import CallCollector, HopCollector, SortPlan, call_frame, waves_of

Array = NDArray[Any]


@dataclass(frozen=True)
class DualResult:
    """The best plan and the best bound; ``prices`` by row, shape (ids, T), are those of the bound."""

    prices: dict[str, Array]
    bound: float
    bound_at_zero: float
    tally: Tally
    parcels_by_class: Array  # (K, 3): undelivered, parcel-slots at facilities and on lanes, at senders
    loads: dict[str, Array]
    cells: dict[str, Cells] | None
    sort_plan: SortPlan | None
    out_of_reach: tuple[float, float, dict[int, float]]
    iterations: int
    status: str
    seconds: float
    course: tuple[tuple[float, float, float], ...]  # seconds, bound, objective after each test
    rounded: tuple[float, float] | None = None  # objective of the plan whose sort plan it is, and by that sort plan


def by_row(layout: Layout, table: Array) -> dict[str, Array]:
    """A table (T, R) as one array (ids, T) per row kind, lanes in the order of the problem."""
    e, f = layout.lanes, layout.facilities
    edges = np.cumsum([0, e, f, f, f, f])
    parts = {name: table[:, edges[i] : edges[i + 1]].T.astype(float) for i, name in enumerate(ORDER)}
    lanes = np.empty_like(parts["depart"])
    lanes[layout.order] = parts["depart"]
    return parts | {"depart": lanes}


def table_of(layout: Layout, start: Mapping[str, Array]) -> Array:
    """The reverse of :func:`by_row`; raises PlanError where the rows or slots are not those of the layout."""
    parts = [start["depart"][layout.order], *(start[name] for name in ORDER[1:])]
    table: Array = np.concatenate(parts).T
    if table.shape != layout.base.shape:
        raise PlanError("The earlier plan has other rows or slots than the case, so its prices cannot be used.")
    return table


class Collector:
    """Gathers the decisions of a plan slot by slot as sparse cells."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.parts: dict[str, list[tuple[Array, Array, Array, Array]]] = {name: [] for name in DECISIONS}

    def _add(self, name: str, commodity: Array, at: Array, slot: int, parcels: Array) -> None:
        self.parts[name].append((commodity, at, np.full(len(at), slot), parcels))

    def __call__(
        self,
        t: int,
        off: Array,
        hin: Array,
        hout: Array,
        accepted: Array,
        sorted_: Array,
        delivered: Array,
        flow: Array,
    ) -> None:
        state, blocks, layout = self.state, self.state.blocks, self.state.layout
        columns = blocks.columns
        tables = {"unsorted": hin, "sorted": sorted_, "sorted_held": hout}
        if layout.hold:
            tables |= {"held": off, "accepted": accepted}
        for name, table in tables.items():
            f, b, j = np.nonzero(table)
            self._add(name, columns[b, j], f, t, table[f, b, j])
        b, j = np.nonzero(delivered)
        self._add("delivered", columns[b, j], blocks.target[b, j], t, delivered[b, j])
        c, j = np.nonzero(flow)
        self._add("depart", columns[state.owner[c], j], layout.order[state.lane[c]], t, flow[c, j])

    def cells(self) -> dict[str, Cells]:
        """All slots together."""
        none = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        return {name: Cells(*(np.concatenate(x) for x in zip(none, *parts))) for name, parts in self.parts.items()}


class FloorSink:
    """Takes from a plan, slot by slot, what its sort plan is made of."""

    def __init__(self, state: State, problem: Problem, clocks: Sequence[str]) -> None:
        self.state, self.problem = state, problem
        self.waves = waves_of(problem.grid, clocks)
        self.hops = HopCollector()
        self.sent = np.zeros((state.count, WIDTH))
        blocks, lay = state.blocks, state.layout
        days, shares = lay.day, lay.share
        supply = blocks.supply.reshape(len(blocks.supply), -1)

        def offered(slot: Array, cell: Array) -> Array:
            return np.asarray(supply[days[slot], cell] * shares[slot])

        self.calls = CallCollector(blocks.held, lay.slots, offered) if lay.hold else None

    def __call__(
        self,
        t: int,
        off: Array,
        hin: Array,
        hout: Array,
        accepted: Array,
        sorted_: Array,
        delivered: Array,
        flow: Array,
    ) -> None:
        state, of_slot = self.state, self.waves.of_slot
        self.sent += flow
        if t + 1 == len(of_slot) or of_slot[t + 1] != of_slot[t]:
            c, j = np.nonzero(self.sent)
            lane = state.layout.order[state.lane[c]]
            commodity = state.blocks.columns[state.owner[c], j]
            self.hops.take(int(of_slot[t]), self.problem.offer.origin[lane], commodity, lane, self.sent[c, j])
            self.sent[...] = 0.0
        if self.calls is not None:
            self.calls.take(t, off)

    def sort_plan(self) -> SortPlan:
        """The sort plan of all slots together."""
        none = np.zeros(0, np.int64)
        cells, slots, called, parcels = (none, none, none, np.zeros(0)) if self.calls is None else self.calls.waits()
        f, b, j = np.unravel_index(cells, self.state.blocks.held.shape)
        return SortPlan(
            self.hops.frame(self.problem, self.waves),
            call_frame(self.problem, f, self.state.blocks.columns[b, j], slots, called, parcels),
        )
