"""What a plan that was carried out in numbers comes to.

In:     loads by row, parcel-slots and parcels left by block
Out:    Tally: costs by kind, the largest violation
Not:    carrying it out (repair.py, state.py)
Source: docs/planning.md section 7
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearway.planning.dual.layout import Blocks, Layout

Array = NDArray[Any]


@dataclass(frozen=True)
class Tally:
    """What a repaired plan comes to; per block: parcel-slots waiting, held at senders, under way, parcels left."""

    loads: Array  # (T, R)
    costs: dict[str, float]
    waiting: Array
    held: Array
    under_way: Array
    left: Array
    row_violation: float

    @property
    def objective(self) -> float:
        """Sum of all costs."""
        return sum(self.costs.values())


def tally(
    lay: Layout, blocks: Blocks, loads: Array, waiting: Array, held: Array, under_way: Array, left: Array
) -> Tally:
    """Costs by kind, and by how much a row is beyond its limit, of loads (T, R) and sums per block."""
    e, f = lay.lanes, lay.facilities
    over = np.maximum(0.0, loads - lay.base) * lay.live
    overflow = over[:, lay.storage].copy()
    over[:, lay.storage] = 0.0
    costs = {
        "transport": float((loads[:, :e] @ lay.lane_cost).sum()),
        "sorting": float((loads[:, e : e + f] * lay.sort_cost).sum()),
        "delivery": float((loads[:, e + f : e + 2 * f] @ lay.deliver_cost).sum()),
        "time": float((blocks.wait * (waiting + under_way) + blocks.at_sender * held).sum()),
        "extra": float((over @ lay.premium).sum()),
        "overflow": float((overflow * lay.cap[:, lay.storage]).sum()),
        "undelivered": float((blocks.end * left).sum()),
    }
    limit = lay.base + lay.extra
    beyond = np.where(lay.live | lay.shut, np.maximum(0.0, loads - limit) / np.maximum(1.0, lay.base), 0.0)
    beyond[:, lay.storage] = 0.0
    return Tally(loads, costs, waiting, held, under_way, left, float(beyond.max(initial=0.0)))
