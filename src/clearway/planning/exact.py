"""Solve the written-out linear program of a small case through HiGHS.

In:     Problem, limits
Out:    Solution: flows per commodity, and a price for each row
Not:    writing the program (program.py), the bound (lagrangian.py), recounting (recount.py)
Words:  price = the dual of a capacity row, what one more parcel of it would save
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from clearway.core.errors import PlanError
from clearway.planning.problem import ROWS, Problem
from clearway.planning.program import (
    DECISIONS,
    Builder,
    Cells,
    add_commodity,
    build_program,
    estimate_columns,
    read_cells,
    supplies,
)
from clearway.planning.sortplan import SortPlan, waves_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MAX_COLUMNS = 3_000_000
SECONDS_BETWEEN_WORDS = 5.0
TOLD_FROM = 50_000  # columns; a call back into Python each iteration would slow small programs by half
INTERIOR_FROM = 600_000  # columns from which interior points with crossover take over from the simplex method


@dataclass(frozen=True)
class Solution:
    """What the solver found; ``prices`` by row, shape (ids, T), ≥ 0, 0 where there is no row."""

    cells: dict[str, Cells]
    prices: dict[str, Floats]
    optimal: bool
    status: str
    iterations: int
    columns: int
    seconds: float
    chosen: Floats = field(default_factory=lambda: np.zeros(0))  # of each site, 1: opened
    bound: float = -math.inf  # of the choice of sites


def solve_exact(
    problem: Problem,
    *,
    time_limit: float | None = None,
    threads: int | None = None,
    bound_to: SortPlan | None = None,
    clocks: Sequence[str] = (),
    sites: tuple[Sequence[float], dict[str, Ints]] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Solution:
    """Solve the written-out linear program.

    ``bound_to``: what leaves a facility in a wave (of ``clocks``) is shared out as this sort plan says; when it
    leaves is free. Where the sort plan says nothing, all lanes are open.
    ``sites``: opening costs, and the site that each row belongs to by kind of row (-1: none); what a site's rows
    can take is there only where it is opened.

    Raises
    ------
    PlanError
        Where the program would have more than three million columns.

    On a time limit or Ctrl-C before the optimum the returned flows are those of waiting: every
    parcel stays where it is offered, which is feasible. ``prices`` are then the best known.
    """
    begun = time.perf_counter()
    size = estimate_columns(problem)
    if size > 40 * MAX_COLUMNS:
        raise PlanError(_too_large(size))
    say = progress or (lambda text: None)
    b, lp, capacity_rows = write_program(problem)
    say(f"linear program: {b.columns:,} columns, {b.equations:,} conservation rows")
    solver = _silent_solver()
    solver.setOptionValue("random_seed", 0)
    solver.setOptionValue("primal_feasibility_tolerance", 1e-8)
    solver.setOptionValue("dual_feasibility_tolerance", 1e-8)
    if b.columns > INTERIOR_FROM:  # docs/benchmarks.md
        solver.setOptionValue("solver", "ipm")
    if threads:
        highspy.Highs.resetGlobalScheduler(True)
        solver.setOptionValue("threads", threads)
    if time_limit is not None:
        solver.setOptionValue("time_limit", max(0.01, time_limit - (time.perf_counter() - begun)))
    solver.passModel(lp)
    if bound_to is not None:
        _bind(solver, b, problem, bound_to, clocks)
    if sites is not None:
        _choose(solver, lp, capacity_rows, problem, *sites)
    solver.HandleKeyboardInterrupt = True
    if progress is not None and b.columns > TOLD_FROM:
        _tell(solver, progress)
    solver.solve()
    status = solver.getModelStatus()
    optimal = status == highspy.HighsModelStatus.kOptimal
    solution = solver.getSolution()
    dual = np.asarray(solution.row_dual, float)
    prices = _prices(problem, capacity_rows, dual if optimal and len(dual) else None, b.equations)
    if optimal:
        value = np.maximum(np.asarray(solution.col_value, float)[: b.columns], 0.0)
        cells = {d: read_cells(b.kind[d], value) for d in DECISIONS}
    else:
        cells = waiting_cells(problem)
    info = solver.getInfo()
    iterations = max(info.simplex_iteration_count, 0) + max(info.ipm_iteration_count, 0)
    return Solution(
        cells,
        prices,
        optimal,
        solver.modelStatusToString(status),
        int(iterations),
        b.columns,
        time.perf_counter() - begun,
        *((np.asarray(solution.col_value, float)[lp.num_col_ :], info.mip_dual_bound) if sites and optimal else ()),
    )


def _choose(
    solver: highspy.Highs,
    lp: highspy.HighsLp,
    capacity_rows: dict[str, tuple[Ints, int]],
    problem: Problem,
    costs: Sequence[float],
    owner: dict[str, Ints],
) -> None:
    """A yes/no column for each site, and its rows only as wide as that says."""
    opened = lp.num_col_
    for cost in costs:
        solver.addCol(cost, 0.0, 1.0, 0, np.zeros(0, np.int32), np.zeros(0))
    for i in range(len(costs)):
        solver.changeColIntegrality(opened + i, highspy.HighsVarType.kInteger)
    solver.setOptionValue("mip_rel_gap", 1e-9)
    slots, relief = problem.grid.slots, lp.num_col_
    # columns of what lies beyond a row stand after all decisions, kind by kind (program.py)
    for name in reversed(list(capacity_rows)):
        used, first = capacity_rows[name]
        at, slot = used // slots, used % slots
        base, extra = problem.rows[name].base[at, slot], problem.rows[name].extra[at, slot]
        number = np.arange(len(used)) if name == "storage" else np.flatnonzero(extra > 0)
        relief -= len(number)
        for i in np.flatnonzero(owner[name][at] >= 0).tolist():
            site = opened + int(owner[name][at[i]])
            solver.changeCoeff(first + i, site, -float(base[i]))
            solver.changeRowBounds(first + i, -highspy.kHighsInf, 0.0)
            if name != "storage" and extra[i] > 0:
                column = relief + int(np.searchsorted(number, i))
                solver.addRow(
                    -highspy.kHighsInf, 0.0, 2, np.array([column, site], np.int32), np.array([1.0, -float(extra[i])])
                )


def _bind(solver: highspy.Highs, b: Builder, problem: Problem, floor: SortPlan, clocks: Sequence[str]) -> None:
    """Close the lanes that a sort plan does not name, and keep the shares of those it does."""
    waves = waves_of(problem.grid, clocks)
    number = {key: i for i, key in enumerate(zip(waves.days, waves.clocks, strict=True))}
    lanes = {name: i for i, name in enumerate(problem.offer.lanes)}
    told: dict[tuple[str, str, str, int], dict[int, float]] = {}
    columns = ("facility", "destination", "class", "day", "wave", "lane", "share")
    for f, d, k, day, clock, lane, share in floor.hops.select(columns).iter_rows():
        told.setdefault((f, d, k, number[day, clock]), {})[lanes[lane]] = float(share)
    sent: dict[tuple[tuple[str, str, str, int], int], list[int]] = {}
    names = problem.offer.facilities
    for g, at, slot, column in b.kind["depart"]:
        pair = names[problem.offered.destination[g]], problem.class_names[problem.offered.cls[g]]
        for lane, t, c in zip(at.tolist(), slot.tolist(), column.tolist(), strict=True):
            key = (names[problem.offer.origin[lane]], *pair, int(waves.of_slot[t]))
            if key not in told:
                continue
            if lane not in told[key]:
                solver.changeColBounds(c, 0.0, 0.0)
            elif len(told[key]) > 1:
                sent.setdefault((key, lane), []).append(c)
    for key, shares in told.items():
        if len(shares) > 1:
            (one, first), (two, second) = shares.items()
            index = [*sent.get((key, one), ()), *sent.get((key, two), ())]
            value = [second] * len(sent.get((key, one), ())) + [-first] * len(sent.get((key, two), ()))
            solver.addRow(0.0, 0.0, len(index), np.array(index, np.int32), np.array(value))


def write_program(problem: Problem) -> tuple[Builder, highspy.HighsLp, dict[str, tuple[Ints, int]]]:
    """The whole program as HiGHS takes it, and where its capacity rows are.

    Raises
    ------
    PlanError
        Where it would have more than three million columns.
    """
    b = Builder(problem)
    at_sender = supplies(problem, ("offered", "held"))
    into = supplies(problem, ("unsorted", "arriving"))
    sorted_stock = supplies(problem, ("sorted",))
    for g in range(problem.commodities):
        add_commodity(b, g, at_sender[g], into[g], sorted_stock[g])
        if b.columns > MAX_COLUMNS:
            raise PlanError(_too_large(b.columns))
    return b, *build_program(b)


def _tell(solver: highspy.Highs, say: Callable[[str], None]) -> None:
    """Say every few seconds how far the solver is."""
    begun = last = time.perf_counter()

    def tell(event: Any) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= SECONDS_BETWEEN_WORDS:
            last = now
            done = max(event.data_out.simplex_iteration_count, 0) + max(event.data_out.ipm_iteration_count, 0)
            say(f"solving: {now - begun:.0f} s" + (f", {done:,} iterations" if done else ""))

    solver.cbSimplexInterrupt.subscribe(tell)
    solver.cbIpmInterrupt.subscribe(tell)


def _silent_solver() -> highspy.Highs:
    """A solver that prints nothing: its constructor writes a banner to file descriptor 1, which would
    stand in the middle of ``--json``."""
    sys.stdout.flush()
    saved, sink = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1)
        solver = highspy.Highs()
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(sink)
    solver.silent()
    return solver


def _too_large(columns: int) -> str:
    return (
        f"The exact method would need about {columns:,} columns; it carries {MAX_COLUMNS:,}. "
        "Plan fewer places (--places), fewer days (--days) or longer slots (--slot-hours)."
    )


def _prices(
    problem: Problem, capacity_rows: dict[str, tuple[Ints, int]], dual: Floats | None, equations: int
) -> dict[str, Floats]:
    prices = {name: np.zeros_like(problem.rows[name].base) for name in ROWS}
    if dual is not None:
        for name, (used, first) in capacity_rows.items():
            price = np.maximum(0.0, -dual[first : first + len(used)])
            prices[name][used // problem.grid.slots, used % problem.grid.slots] = price
    return prices


def waiting_cells(problem: Problem) -> dict[str, Cells]:
    """The plan in which every parcel waits where it is: feasible whatever is shut."""
    slots = problem.grid.slots
    where: dict[str, tuple[str, ...]] = {"unsorted": ("unsorted", "arriving"), "sorted_held": ("sorted",)}
    if problem.hold:
        where["held"] = ("offered", "held")
    else:
        where["unsorted"] += ("offered",)
    cells = {d: read_cells([], np.zeros(0)) for d in DECISIONS}
    for decision, names in where.items():
        parts: list[Cells] = []
        for name in names:
            s = getattr(problem.offered, name)
            length = slots - s.slot
            slot = np.concatenate([np.arange(first, slots) for first in s.slot.tolist()] or [np.zeros(0, np.int64)])
            parts.append(
                Cells(np.repeat(s.commodity, length), np.repeat(s.facility, length), slot, np.repeat(s.parcels, length))
            )
        cells[decision] = Cells(
            *(np.concatenate([getattr(part, f) for part in parts]) for f in ("commodity", "at", "slot", "parcels"))
        )
    return cells
