"""What fixed usual routes leave undelivered in a built-in case: python -m scripts.china.calm [CASE].

In:     the name of a national case without disruptions
Out:    share of all parcels (stock included) not delivered at the end; a plan can only do better
"""

from __future__ import annotations

import sys

import numpy as np

import clearway as cw
from scripts.china.static_flow import Net, State, next_hops, run


def undelivered_share(name: str) -> float:
    """Run the network with each destination's usual next hop, which is a feasible plan."""
    case = cw.Case.read(name)
    offer = case.disrupted().offer
    cities = [f for f in case.facilities["id"].to_list() if f in set(case.demand["destination"].cast(str).to_list())]
    assert list(offer.facilities[: len(cities)]) == cities
    k, d, slots = len(case.settings.classes), len(cities), case.grid.slots
    net = Net(
        facilities=len(offer.facilities),
        destinations=d,
        origin=offer.origin,
        destination=offer.destination,
        slots=offer.travel_slots()[:, 0],
        cost=offer.lane_cost,
        carries=offer.lane_classes,
        wait=np.array([c.time_value for c in case.settings.classes]) * case.grid.slot_hours,
        sort_cost=float(offer.sort_cost[0, 0]),
    )
    where = {code: i for i, code in enumerate(offer.facilities)}
    classes = {c: i for i, c in enumerate(case.settings.class_names)}

    def codes(column: object, table: dict[str, int]) -> np.ndarray:
        return column.cast(str).replace_strict(table, return_dtype=int).to_numpy()  # type: ignore[attr-defined]

    days = (case.demand["day"] - case.grid.start.date()).dt.total_days().to_numpy()
    volume = np.zeros((days.max() + 1, k, d, d))
    np.add.at(
        volume,
        (
            days,
            codes(case.demand["class"], classes),
            codes(case.demand["origin"], where),
            codes(case.demand["destination"], where),
        ),
        case.demand["parcels"].to_numpy(),
    )
    per_day = round(24 / case.grid.slot_hours)
    profile = case.settings.profile.reshape(per_day, -1).sum(axis=1)
    nothing = np.zeros((k, d, d))
    offered = [
        volume[t // per_day] * profile[t % per_day] if t // per_day < len(volume) else nothing for t in range(slots)
    ]
    state = State(
        *(np.zeros((k, len(offer.facilities), d)) for _ in range(2)), np.zeros((slots, k, len(offer.facilities), d))
    )
    stock = case.stock
    at = (codes(stock["class"], classes), codes(stock["facility"], where), codes(stock["destination"], where))
    slot = ((stock["arrives"] - case.grid.start).dt.total_minutes() // case.grid.slot_minutes).fill_null(0).to_numpy()
    stage, parcels = stock["stage"].to_numpy(), stock["parcels"].to_numpy()
    for name_, table in (("unsorted", state.unsorted), ("sorted", state.sorted)):
        mine = stage == name_
        np.add.at(table, tuple(a[mine] for a in at), parcels[mine])
    mine = stage == "in-transit"
    np.add.at(state.arriving, (slot[mine].astype(int), *(a[mine] for a in at)), parcels[mine])
    total = float(volume.sum() + parcels.sum())
    done = run(net, next_hops(net), offered, offer.sort[:, 0], offer.deliver[:, 0], offer.depart[:, 0], state).delivered
    return 1 - done / total


if __name__ == "__main__":
    sys.stdout.write(f"{undelivered_share(sys.argv[1] if len(sys.argv) > 1 else 'china-2022/calm'):.4%}\n")
