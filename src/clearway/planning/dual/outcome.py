"""What a dual solve hands out: its result, tables by row kind, decisions cell by cell.

In:     State, tables (T, R)
Out:    DualResult, tables (ids, T) in the order of the problem, Cells
Not:    how prices and plans are found (ascent.py)
Source: docs/solver.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.core.errors import PlanError
from clearway.planning.dual.layout import ORDER, Layout
from clearway.planning.dual.state import State
from clearway.planning.dual.tally import Tally
from clearway.planning.program import DECISIONS, Cells

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
    out_of_reach: tuple[float, float, dict[int, float]]
    iterations: int
    status: str
    seconds: float
    course: tuple[tuple[float, float, float], ...]  # seconds, bound, objective after each test


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
