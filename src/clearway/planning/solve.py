"""Make a plan: build the problem, solve it, prove the bound, recount, summarise.

In:     Case, method and limits
Out:    Plan
Not:    the methods themselves (exact.py, dual), files (plans.py)
Words:  gap = (objective - bound) / max(|bound|, 1e-9)
Source: docs/planning.md section 8
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway import __version__
from clearway.cases import Case
from clearway.core.errors import Fault, Faults, PlanError
from clearway.planning.changes import changes_of, fewer, price_of_fewer, usual_lanes
from clearway.planning.exact import solve_exact
from clearway.planning.frames import commodity_frame, flow_frame, overflow_list, read_prices, row_frame
from clearway.planning.lagrangian import OutOfReach, lower_bound, out_of_reach, zero_prices
from clearway.planning.plans import Plan
from clearway.planning.problem import ROWS, Problem, build_problem
from clearway.planning.program import estimate_columns
from clearway.planning.recount import Recount, recount
from clearway.planning.sortplan import SortPlan, sort_plan_of_frames

if TYPE_CHECKING:
    from clearway.planning.dual import DualResult

Floats = NDArray[np.float64]

METHODS = ("auto", "exact", "dual")
EXACT_UP_TO = 300_000  # columns, by estimate, up to which ``auto`` takes the exact method
FINISH_UP_TO = 1_500_000  # and up to which it finishes what the dual method leaves open
BYTES_OF_COLUMN = 2000  # of the exact method, measured
ROUNDED_UP_TO = 100_000  # columns up to which the exact method tells what its sort plan costs
FLOWS_UP_TO = 3_000_000  # columns, by estimate, up to which flows are kept unless asked for


def plan(
    case: Case,
    *,
    method: str = "auto",
    gap: float = 1e-3,
    time_limit: float | None = None,
    threads: int | None = None,
    flows: bool | None = None,
    warm: Plan | None = None,
    memory_limit: float | None = None,
    usual: Plan | pl.DataFrame | None = None,
    change_weight: float = 0.0,
    max_changes: int | None = None,
    options: dict[str, Any] | None = None,
    command: str = "",
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """Plan a case.

    Parameters
    ----------
    case
        A checked case; its disruptions are those the plan may know of.
    method
        ``exact``: the whole linear program through HiGHS, for small cases. ``dual``: prices and
        policies, for any size. ``auto``: exact where the case is small.
    gap
        The gap at which the dual method ends and at which the plan counts as reached.
    time_limit
        Seconds after which the best so far is returned with its gap.
    flows
        Whether the plan keeps its flows; by default where they are few.
    warm
        An earlier plan of the case before a change, whose prices the dual method starts from.
    memory_limit
        GiB that the process may come to use. The exact method, at some 1 KB per column, is not taken
        where that would be more; the dual method holds fewer candidate lanes.
    usual
        An undisturbed plan, or a table of usual lanes (changes.usual_lanes): the changes of the sort plan
        from it are listed, those worth less than ``change_weight`` are undone where the usual lane has room,
        and of the rest those beyond ``max_changes``, the least worth first.
    options
        How the case was derived from its source, kept in the summary.

    Raises
    ------
    PlanError
        Where the method is unknown or the case is too large for it.
    """
    if method not in METHODS:
        raise PlanError(f"There is no method {method!r}; there is {', '.join(METHODS)}.")
    begun = time.perf_counter()
    problem = build_problem(case)
    size = estimate_columns(problem)
    if method == "auto":
        fits = memory_limit is None or size * BYTES_OF_COLUMN < memory_limit * 2**30
        method = "exact" if size <= EXACT_UP_TO and fits else "dual"
    wanted = size <= FLOWS_UP_TO if flows is None else flows
    waves = case.settings.simulated.waves
    if method == "dual":
        found = _by_prices(problem, waves, gap, time_limit, threads, wanted, warm, size, memory_limit, progress)
    else:
        found = _exactly(problem, waves, time_limit, threads, progress)
    counted, bound, reach = found.counted, found.bound, found.reach
    warnings = _warnings(case, problem)
    reached = relative_gap(counted.objective, bound)
    facts: dict[str, Any] = {
        "case": {**case.identity(), "options": options or {}},
        "command": command,
        "version": __version__,
        "method": method,
        "status": found.status,
        "objective": counted.objective,
        "lower_bound": bound,
        "bound_at_zero_prices": found.bound_at_zero,
        "gap": reached,
        "gap_net": (counted.objective - bound) / max(abs(bound - reach.cost), 1e-9),
        "gap_asked": gap,
        "gap_reached": bool(reached <= gap),
        "parcels_out_of_reach": reach.parcels,
        "cost_out_of_reach": reach.cost,
        "out_of_reach": [
            {"destination": problem.offer.facilities[d], "parcels": n}
            for d, n in sorted(reach.by_destination.items(), key=lambda item: -item[1])[:50]
        ],
        "costs": counted.costs,
        "parcels": {
            key: sum(c[key] for c in counted.classes.values()) for key in ("offered", "delivered", "undelivered")
        },
        "classes": counted.classes,
        "overflow": overflow_list(problem, counted),
        "violations": {
            "conservation": counted.conservation_violation,
            "rows": counted.row_violation,
            "worst": counted.worst,
        },
        "parcels_cut": problem.offered.cut,
        "iterations": found.iterations,
        "columns": found.columns,
        "course": found.course,
        "sort_plan": None
        if found.rounded is None
        else {
            "objective_of_flows": found.rounded[0],
            "objective_by_sort_plan": found.rounded[1],
            "loss": relative_gap(found.rounded[1], found.rounded[0]),
        },
        "seed": 0,
        "seconds": time.perf_counter() - begun,
        "seconds_solver": found.seconds,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "warnings": [warning.text() for warning in warnings],
        "warnings_zh": [warning.text("zh") for warning in warnings],
    }
    rows = row_frame(problem, counted, found.prices)
    made = Plan(facts, rows, found.flows, found.commodities, found.sort_plan, case)
    if usual is None or found.sort_plan is None:
        return made
    return _with_changes(made, problem, found.prices, usual, tuple(waves), change_weight, max_changes)


def _with_changes(
    made: Plan,
    problem: Problem,
    prices: dict[str, Floats],
    usual: Plan | pl.DataFrame,
    waves: tuple[str, ...],
    weight: float,
    most: int | None,
) -> Plan:
    """The plan with its changes from what is usual listed, and its sort plan with few of them."""
    assert made.sort_plan is not None
    if isinstance(usual, Plan):
        if usual.sort_plan is None:
            raise PlanError("The usual plan has no sortplan.parquet; plan it again with this version.")
        usual = usual_lanes(usual.sort_plan.hops)
    listed = changes_of(problem, prices, made.sort_plan, usual, waves)
    thinned, marked = fewer(made.sort_plan, listed, made.rows, waves, problem, weight=weight, most=most)
    undone = marked.filter(~pl.col("kept"))
    made.facts["changes"] = {
        "entries": made.sort_plan.hops.select("facility", "day", "wave", "destination", "class").n_unique(),
        "found": len(marked),
        "kept": int(marked["kept"].sum()),
        "weight": weight,
        "max_changes": most,
        "worth_undone": float(undone["worth"].clip(0.0).sum()),
        "parcels_moved": float(marked.filter(pl.col("kept"))["parcels"].sum()),
        "price_of_fewer": price_of_fewer(marked),
    }
    return replace(made, sort_plan=thinned, changes=marked, usual=None if "wave" in usual.columns else usual)


@dataclass(frozen=True)
class _Found:
    """What a method found, counted."""

    counted: Recount
    flows: pl.DataFrame | None
    commodities: pl.DataFrame | None
    sort_plan: SortPlan | None
    prices: dict[str, Floats]
    bound: float
    bound_at_zero: float
    reach: OutOfReach
    status: str
    iterations: int
    columns: int
    seconds: float
    course: list[list[float]]  # seconds, bound, objective
    rounded: tuple[float, float] | None  # objective before and after everything goes by the sort plan


def _exactly(
    problem: Problem,
    waves: Sequence[str],
    time_limit: float | None,
    threads: int | None,
    progress: Callable[[str], None] | None,
) -> _Found:
    solution = solve_exact(problem, time_limit=time_limit, threads=threads, progress=progress)
    flows, commodities = flow_frame(problem, solution.cells), commodity_frame(problem, solution.cells)
    counted, floor = (
        recount(problem, flows, commodities),
        sort_plan_of_frames(problem, waves, flows, commodities),
    )
    rounded = None
    left = None if time_limit is None else time_limit - solution.seconds
    if solution.optimal and solution.columns <= ROUNDED_UP_TO and (left is None or left > 0):
        held = solve_exact(problem, time_limit=left, threads=threads, bound_to=floor, clocks=waves)
        if held.optimal:
            told = recount(problem, flow_frame(problem, held.cells), commodity_frame(problem, held.cells))
            rounded = counted.objective, told.objective
    at_zero = lower_bound(problem, zero_prices(problem))
    return _Found(
        counted,
        flows,
        commodities,
        floor,
        solution.prices,
        max(lower_bound(problem, solution.prices), at_zero),
        at_zero,
        out_of_reach(problem),
        solution.status,
        solution.iterations,
        solution.columns,
        solution.seconds,
        [],
        rounded,
    )


def _by_prices(
    problem: Problem,
    waves: Sequence[str],
    gap: float,
    time_limit: float | None,
    threads: int | None,
    wanted: bool,
    warm: Plan | None,
    size: int,
    memory_limit: float | None,
    progress: Callable[[str], None] | None,
) -> _Found:
    from clearway.planning.compiled import prepare

    prepare(progress)
    from clearway.planning.dual import solve_dual

    result = solve_dual(
        problem,
        gap=gap,
        time_limit=time_limit,
        threads=threads or os.cpu_count() or 1,
        start=None if warm is None else read_prices(problem, warm.rows),
        flows=wanted,
        waves=waves,
        memory_limit=None if memory_limit is None else memory_limit * 2**30,
        progress=progress,
    )
    flows = commodities = sort_plan = None
    if result.cells is not None:
        flows, commodities = flow_frame(problem, result.cells), commodity_frame(problem, result.cells)
        counted = recount(problem, flows, commodities)
        sort_plan = sort_plan_of_frames(problem, waves, flows, commodities)
    else:
        counted = _from_tally(problem, result)
        sort_plan = result.sort_plan
    found = _Found(
        counted,
        flows,
        commodities,
        sort_plan,
        result.prices,
        result.bound,
        result.bound_at_zero,
        OutOfReach(*result.out_of_reach),
        result.status,
        result.iterations,
        0,
        result.seconds,
        [list(point) for point in result.course],
        result.rounded,
    )
    open_gap = relative_gap(counted.objective, result.bound) > gap
    fits = memory_limit is None or size * BYTES_OF_COLUMN < memory_limit * 2**30
    if open_gap and result.status == "stalled" and size <= FINISH_UP_TO and fits:
        if progress is not None:
            progress("the rest through the exact method")
        left = None if time_limit is None else max(0.1, time_limit - result.seconds)
        exact = _exactly(problem, waves, left, threads, progress)
        better = exact if exact.counted.objective < counted.objective else found
        proof = exact if exact.bound > found.bound else found
        if better is exact or proof is exact:
            return replace(
                better,
                flows=better.flows if wanted else None,
                commodities=better.commodities if wanted else None,
                prices=proof.prices,
                bound=proof.bound,
                status="finished exactly",
                iterations=result.iterations + exact.iterations,
                course=found.course,
            )
    return found


def _from_tally(problem: Problem, result: DualResult) -> Recount:
    """The count that the repair kept in double precision while it moved the parcels."""
    tally, loads = result.tally, result.loads
    extra: dict[str, Floats] = {}
    for name in ROWS:
        row = problem.rows[name]
        beyond = np.maximum(0.0, loads[name] - row.base)
        extra[name] = np.zeros_like(beyond) if name == "storage" else np.minimum(beyond, row.extra)
    offered = np.zeros(len(problem.class_names))
    inside = problem.offered.share_of_day()
    daily = problem.offered.daily
    np.add.at(offered, problem.offered.cls[daily.commodity], daily.parcels * inside[daily.day])
    for name in ("held", "unsorted", "sorted", "arriving"):
        source = getattr(problem.offered, name)
        np.add.at(offered, problem.offered.cls[source.commodity], source.parcels)
    left = result.parcels_by_class[:, 0]
    hours = problem.grid.slot_hours * result.parcels_by_class[:, 1:].sum(axis=1)
    delivered = offered - left
    missing = abs(float(loads["deliver"].sum()) - float(delivered.sum())) / max(1.0, float(offered.sum()))
    return Recount(
        loads=loads,
        extra=extra,
        overflow=np.maximum(0.0, loads["storage"] - problem.rows["storage"].base),
        costs=tally.costs,
        classes={
            name: {
                "offered": float(offered[k]),
                "delivered": float(delivered[k]),
                "undelivered": float(left[k]),
                "mean_hours": float(hours[k] / offered[k]) if offered[k] > 0 else 0.0,
            }
            for k, name in enumerate(problem.class_names)
        },
        conservation_violation=missing,
        row_violation=tally.row_violation,
        worst="all parcels together",
    )


def relative_gap(objective: float, bound: float) -> float:
    """(objective − bound) / max(|bound|, 1e-9); what rounding leaves (below 1e-12) is 0."""
    gap = (objective - bound) / max(abs(bound), 1e-9)
    return 0.0 if abs(gap) < 1e-12 else float(gap)


def _warnings(case: Case, problem: Problem) -> list[Fault]:
    found = Faults(warnings=[*case.warnings, *case.without_effect()])
    if problem.offered.cut > 0:
        found.warn("horizon_cut", "demand", parcels=f"{problem.offered.cut:,.0f}")
    held = float(case.stock.filter(pl.col("stage") == "held")["parcels"].sum())
    if held and not problem.hold:
        found.warn("held_ignored", "stock", parcels=f"{held:,.0f}")
    return found.warnings
