"""What a sort plan changes, what each change is worth, and a sort plan with fewer of them.

In:     SortPlan, the usual one or that of an earlier plan, a problem with its prices and loads
Out:    the changes as a table; a SortPlan in which those of little worth are undone
Not:    making sort plans (sortplan.py)
Words:  usual = the lane with most parcels of a destination and class, over all waves, or wave by wave;
        worth = what the change saves at the plan's prices, all its parcels together
Source: docs/planning.md section 9
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.planning.problem import Problem
from clearway.planning.sortplan import SortPlan, Waves, waves_of

Array = NDArray[Any]
KEY = ["facility", "destination", "class"]
WAVE = ["day", "wave"]


def usual_lanes(hops: pl.DataFrame, *, by_wave: bool = False) -> pl.DataFrame:
    """The lane with most parcels of each facility, destination and class (and wave): column ``usual``."""
    keys = [*KEY, *WAVE] if by_wave else KEY
    text = hops.with_columns(pl.col(c).cast(pl.String) for c in hops.columns if c not in ("day", "share", "parcels"))
    return (
        text.group_by(*keys, "lane")
        .agg(pl.col("parcels").sum())
        .sort(*keys, pl.col("parcels").neg(), "lane")
        .unique(keys, keep="first", maintain_order=True)
        .select(*keys, pl.col("lane").alias("usual"))
    )


def changes_of(
    problem: Problem, prices: dict[str, Array], sort_plan: SortPlan, usual: pl.DataFrame, clocks: tuple[str, ...]
) -> pl.DataFrame:
    """Every entry that sends parcels otherwise than usual, the most worth first.

    Returns
    -------
    facility, day, wave, destination, class, usual, usual_hop, lane, next_hop, moved (share), parcels (moved),
    worth (currency). An entry whose destination had no usual lane is no change.
    """
    hops = sort_plan.hops.with_columns(
        pl.col(c).cast(pl.String) for c in sort_plan.hops.columns if c not in ("day", "share", "parcels")
    )
    keys = [*KEY, *WAVE]
    by = [c for c in keys if c in usual.columns]
    joined = hops.join(usual, on=by, how="inner").with_columns(
        (pl.col("lane") == pl.col("usual")).alias("same"), pl.col("share").rank("ordinal", descending=True).over(keys)
        .alias("rank")
    )  # fmt: skip
    entries = (
        joined.group_by(keys, maintain_order=True)
        .agg(
            pl.col("usual").first(),
            pl.col("share").filter(~pl.col("same")).sum().alias("moved"),
            pl.col("parcels").filter(~pl.col("same")).sum().alias("parcels"),
            pl.col("lane").filter(~pl.col("same")).first().alias("lane"),
            pl.col("next_hop").filter(~pl.col("same")).first(),
            pl.col("lane").sort_by("rank").first().alias("one"),
            pl.col("lane").sort_by("rank").get(1, null_on_oob=True).alias("two"),
            pl.col("share").sort_by("rank").get(1, null_on_oob=True).fill_null(0.0).alias("second"),
            pl.col("parcels").sum().alias("all"),
        )
        .filter(pl.col("moved") > 0)
    )
    waves = waves_of(problem.grid, clocks)
    coded = _coded(problem, waves, entries)
    order = np.argsort(coded["commodity"], kind="stable")
    cost = np.empty((len(entries), 3))
    if len(entries):
        from clearway.planning.worths import lane_costs

        cost[order] = lane_costs(
            problem,
            prices,
            coded["commodity"][order],
            coded["facility"][order],
            coded["low"][order],
            coded["high"][order],
            coded["lanes"][order],
        )
    second = entries["second"].to_numpy()
    new = (1 - second) * cost[:, 1] + np.where(second > 0, second * cost[:, 2], 0.0)
    worth = np.minimum(cost[:, 0], 10 * float(problem.penalty.max(initial=0.0)) + new) - new
    origins = dict(zip(problem.offer.lanes, (problem.offer.facilities[i] for i in problem.offer.destination)))
    return (
        entries.with_columns(
            pl.Series("worth", worth * entries["all"].to_numpy()),
            pl.col("usual").replace_strict(origins, default=None, return_dtype=pl.String).alias("usual_hop"),
        )
        .select(*keys, "usual", "usual_hop", "lane", "next_hop", "moved", "parcels", "worth")
        .sort(pl.col("worth").neg(), *keys)
    )


def _coded(problem: Problem, waves: Waves, entries: pl.DataFrame) -> dict[str, Array]:
    """Numbers of the problem for the entries."""
    place = {name: i for i, name in enumerate(problem.offer.facilities)}
    lanes = {name: i for i, name in enumerate(problem.offer.lanes)}
    cls = {name: i for i, name in enumerate(problem.class_names)}
    number = np.full(len(place) * len(cls), -1, np.int64)
    number[problem.offered.destination * len(cls) + problem.offered.cls] = np.arange(problem.commodities)

    def of(column: str, known: dict[str, int]) -> Array:
        return entries[column].replace_strict(known, default=-1, return_dtype=pl.Int64).to_numpy()

    low, high = np.full(waves.count, problem.grid.slots), np.zeros(waves.count, np.int64)
    np.minimum.at(low, waves.of_slot, np.arange(problem.grid.slots))
    np.maximum.at(high, waves.of_slot, np.arange(problem.grid.slots))
    names = {key: i for i, key in enumerate(zip(waves.days, waves.clocks, strict=True))}
    wave = np.array([names[key] for key in entries.select(WAVE).iter_rows()], np.int64)
    three = [np.where(entries[c].is_null().to_numpy(), -1, of(c, lanes)) for c in ("usual", "one", "two")]
    return {
        "commodity": number[of("destination", place) * len(cls) + of("class", cls)],
        "facility": of("facility", place),
        "low": low[wave] if len(wave) else wave,
        "high": high[wave] if len(wave) else wave,
        "lanes": np.stack(three, axis=1),
    }


def fewer(
    sort_plan: SortPlan,
    changes: pl.DataFrame,
    rows: pl.DataFrame,
    clocks: tuple[str, ...],
    problem: Problem,
    *,
    weight: float = 0.0,
    most: int | None = None,
) -> tuple[SortPlan, pl.DataFrame]:
    """Undo changes that are worth less than ``weight``, and the least of all beyond ``most``.

    A change is undone for its worth only where the usual lane, and the sorting at its end, have room in that
    wave beside what the plan sends there; those beyond ``most`` are undone in any case.

    Returns
    -------
    The sort plan, and the changes with a column ``kept``.
    """
    waves = waves_of(problem.grid, clocks)
    names = {key: i for i, key in enumerate(zip(waves.days, waves.clocks, strict=True))}
    limits = rows.filter(pl.col("row").is_in(["depart", "sort"]))
    free = (
        limits.with_columns(
            pl.Series("n", waves.of_slot[limits["slot"].to_numpy()]),
            (pl.col("capacity").fill_null(float("inf")) + pl.col("extra_limit") - pl.col("load")).alias("free"),
        )
        .group_by("row", "id", "n")
        .agg(pl.col("free").sum())
    )
    room = {(row, name, n): amount for row, name, n, amount in free.iter_rows()}
    count = len(changes)
    kept = np.ones(count, bool)
    columns = ("usual", "usual_hop", "lane", "next_hop", "day", "wave", "parcels", "worth")
    listed = list(zip(*(changes[c].to_list() for c in columns), strict=True))
    for i in range(count - 1, -1, -1):
        usual, usual_hop, lane, next_hop, day, clock, parcels, worth = listed[i]
        if worth >= weight or weight <= 0:
            break
        wave = names[day, clock]
        back = (("depart", usual, wave), ("sort", usual_hop, wave))
        if all(room.get(key, 0.0) >= parcels for key in back):
            kept[i] = False
            for key in back:
                room[key] -= parcels
            for key in (("depart", lane, wave), ("sort", next_hop, wave)):
                room[key] = room.get(key, 0.0) + parcels
    if most is not None and int(kept.sum()) > most:
        kept[np.flatnonzero(kept)[most:]] = False
    marked = changes.with_columns(pl.Series("kept", kept))
    return replace(sort_plan, hops=_undone(sort_plan.hops, marked.filter(~pl.col("kept")))), marked


def _undone(hops: pl.DataFrame, undone: pl.DataFrame) -> pl.DataFrame:
    """The table with the entries of ``undone`` on their usual lane alone."""
    keys = [*KEY, *WAVE]
    types = hops.schema
    back = undone.select(
        *(pl.col(c).cast(types[c]) for c in keys), pl.col("usual"), pl.col("usual_hop"), pl.lit(True).alias("back")
    )
    joined = hops.join(back, on=keys, how="left", maintain_order="left")
    rest = joined.filter(pl.col("back").is_null()).select(hops.columns)
    changed = (
        joined.filter(pl.col("back"))
        .group_by(keys, maintain_order=True)
        .agg(pl.col("usual").first(), pl.col("usual_hop").first(), pl.col("parcels").sum())
        .with_columns(
            pl.col("usual_hop").cast(types["next_hop"]).alias("next_hop"),
            pl.col("usual").cast(types["lane"]).alias("lane"),
            pl.lit(1.0, dtype=types["share"]).alias("share"),
        )
        .select(hops.columns)
    )
    return pl.concat([rest, changed]).sort(
        "facility", "day", "wave", "destination", "class", pl.col("share").neg(), "lane"
    )


def price_of_fewer(changes: pl.DataFrame) -> list[dict[str, float]]:
    """How many changes are worth how much, at the plan's prices: what it costs to make fewer."""
    worth = changes["worth"].to_numpy()
    total = float(np.maximum(worth, 0.0).sum())
    found: list[dict[str, float]] = []
    for part in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01):
        number = int(np.ceil(part * len(worth)))
        if found and found[-1]["changes"] == number:
            continue
        found.append({"changes": number, "price": total - float(np.maximum(worth[:number], 0.0).sum())})
    return found
