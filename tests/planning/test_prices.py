"""What a price says about one more parcel an hour, against planning again with that much more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import clearway as cw
from clearway.planning import build_problem
from clearway.planning.dual import solve_dual
from clearway.planning.exact import solve_exact
from clearway.planning.frames import commodity_frame, flow_frame
from clearway.planning.problem import Problem
from clearway.planning.recount import recount

MORE = 25.0  # parcels an hour: small beside the capacities of tiny


def cost(problem: Problem) -> float:
    """The optimum, counted apart from the solver."""
    found = solve_exact(problem)
    return recount(problem, flow_frame(problem, found.cells), commodity_frame(problem, found.cells)).objective


def with_more(problem: Problem, row: str, at: int, slots: np.ndarray, parcels: float) -> Problem:
    """The problem with that many more parcels per slot in one row."""
    base = problem.rows[row].base.copy()
    base[at, slots] += parcels
    return replace(problem, rows={**problem.rows, row: replace(problem.rows[row], base=base)})


@pytest.mark.parametrize("method", ["exact", "dual"])
def test_a_price_is_what_more_of_it_saves(method: str) -> None:
    """More never saves more than the price says, less never costs less, and the dearest rows keep their word."""
    problem = build_problem(cw.Case.read("tiny"))
    now = cost(problem)
    slack = 1e-6 * now
    if method == "exact":
        prices = solve_exact(problem).prices
    else:
        found = solve_dual(problem, gap=1e-4)
        prices, slack = found.prices, now - found.bound + 1e-6 * now
    day = problem.offered.day_of_slot
    worth = [
        (float(table[at, day == d].sum()), name, at, d)
        for name, table in prices.items()
        for at in range(len(table))
        for d in np.unique(day)
        if name != "storage"
    ]
    kept = 0
    dearest = sorted(worth, reverse=True)[:6]
    for price, name, at, d in dearest:
        slots = np.flatnonzero(day == d)
        parcels = MORE * problem.grid.slot_hours
        said = price * parcels
        assert said > 0
        saved = now - cost(with_more(problem, name, at, slots, parcels))
        lost = cost(with_more(problem, name, at, slots, -parcels)) - now
        assert -1e-6 * now <= saved <= said + slack
        assert lost >= said - slack
        kept += saved >= 0.5 * said - slack
    assert kept >= len(dearest) / 2
