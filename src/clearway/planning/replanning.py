"""Plan again from the state at a time, keeping what is moving and changing as little as needed.

In:     an earlier Plan, a time, the State then
Out:    Plan of the rest of the horizon, with its changes from the earlier one
Not:    taking the state (simulation), alternating (simulation.rehearsal)
Words:  weight = what a change of the sort plan must be worth to be made
Source: docs/planning.md section 9
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from clearway.cases import Case
from clearway.core.errors import PlanError
from clearway.core.timegrid import format_time
from clearway.network import ORDERED
from clearway.planning.changes import usual_lanes
from clearway.planning.plans import Begun, Plan
from clearway.planning.solve import plan
from clearway.planning.states import State

WEIGHT = 1.0  # currency per entry of the sort plan


def replan(
    earlier: Plan,
    at: datetime,
    state: State,
    *,
    case: Case | None = None,
    disrupt: Sequence[str] = (),
    weight: float = WEIGHT,
    method: str = "auto",
    gap: float = 1e-3,
    time_limit: float | None = None,
    threads: int | None = None,
    command: str = "",
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """Plan the rest of the horizon from ``at``.

    Parameters
    ----------
    earlier
        The plan in force: its prices are the start, its extra capacity stays ordered, its sort plan is kept
        where a change is worth less than ``weight``.
    state
        Stock and what is in transit at that time. What is moving keeps its way to the next facility.
    case
        The case with all its disruptions, those known later too; default: that of the earlier plan. Only
        what is known at ``at`` is planned for.
    disrupt
        Further disruptions, one-line texts, known now.

    Raises
    ------
    PlanError
        Where ``at`` is no slot of the horizon, or the state does not balance.
    """
    whole = earlier.case if case is None else case
    if not whole.grid.start <= at < whole.grid.end:
        raise PlanError(
            f"{format_time(at)} is not inside the horizon "
            f"({format_time(whole.grid.start)} to {format_time(whole.grid.end)})."
        )
    if state.at and state.at != format_time(at):
        raise PlanError(f"The state is of {state.at}, not of {format_time(at)}.")
    state.check()
    recipe = dict(earlier.facts["case"]["options"])
    asked = [*recipe.get("disrupt", ()), *disrupt]
    options: dict[str, Any] = {
        **{k: v for k, v in recipe.items() if k in ("places", "days", "slot_hours", "sites")},
        **({"disrupt": asked} if asked else {}),
        "known_at": at.isoformat(),
        "at": at.isoformat(),
    }
    ordered = ordered_extra(earlier, at)
    rest = whole.with_disruption(*disrupt).known_at(at).starting(at, state.stock, ordered=ordered)
    before = None
    if earlier.sort_plan is not None:
        before = usual_lanes(earlier.sort_plan.hops, by_wave=True)
    made = plan(
        rest,
        method=method,
        gap=gap,
        time_limit=time_limit,
        threads=threads,
        warm=earlier,
        usual=before,
        change_weight=weight,
        options=options,
        command=command,
        progress=progress,
    )
    return replace(made, begun=Begun(state.stock, ordered))


def ordered_extra(earlier: Plan, at: datetime) -> pl.DataFrame:
    """Extra capacity that a plan orders from ``at`` on, and what was ordered before it (columns of ORDERED)."""
    step = pl.duration(minutes=round(earlier.facts["case"]["slot_hours"] * 60))
    hours = earlier.facts["case"]["slot_hours"]
    made = earlier.rows.filter(
        pl.col("row").is_in(["sort", "deliver"]) & (pl.col("extra") > 0) & (pl.col("start") >= at)
    ).select(
        "row",
        "id",
        "start",
        (pl.col("start") + step).alias("end"),
        (pl.col("extra") / hours).alias("per_hour"),
    )
    return made.cast(ORDERED).sort("row", "id", "start")
