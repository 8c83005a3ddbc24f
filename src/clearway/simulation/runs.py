"""Simulate a case under a policy: one run or several, and what came of them.

In:     Case, policy or plan, the case as it really turns out
Out:    Outcome
Not:    the steps (engine.py, kernel.py)
Words:  actual = the case that happens; a plan may have been made for another
Source: docs/simulation.md
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from clearway.cases import Case
from clearway.core.errors import SimulationError
from clearway.core.timegrid import format_time
from clearway.planning import Plan, State
from clearway.planning import plan as make_plan
from clearway.simulation.engine import Course, Run
from clearway.simulation.inputs import Inputs, build_inputs
from clearway.simulation.outcome import Outcome, build_outcome
from clearway.simulation.policies import POLICIES, Policy, plan_policy, reroute_policy, static_policy
from clearway.simulation.snapshot import take_state

USUAL_GAP = 0.02  # an undisturbed plan for usual routes need not be better


def simulate(
    case: Case,
    plan: Plan | None = None,
    *,
    policy: str | None = None,
    actual: Case | None = None,
    usual: Plan | None = None,
    seed: int = 0,
    runs: int = 1,
    threads: int | None = None,
    events: float = 0.0,
    until: datetime | None = None,
    state: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Outcome:
    """Carry out a policy, or a plan, against what happens.

    Parameters
    ----------
    case
        The case a plan was made for, and what happens unless ``actual`` says otherwise.
    plan
        The plan to carry out; with it ``policy`` is ``plan``.
    policy
        ``static``: every parcel takes its destination's usual next hop and waits where that is shut;
        ``reroute``: the shortest open way, renewed every day, with the extra capacity that ``plan`` mobilises
        where one is given, else with all there is.
    actual
        The same network as it really turns out: other disruptions, demand or capacities.
    usual
        An undisturbed plan that says what is usual, for ``static``; made where it is not given.
    seed, runs
        Travel times and failed deliveries of run r are drawn with seed + r.
    threads
        One run shares them among its facilities, several runs have one each.
    events
        Part of the parcels that are followed one by one into scan events (of the first run).
    until
        Where the runs stop, else at the end of the horizon.
    state
        Folder for the state at the end of the first run (planning.State).

    Ctrl-C ends the runs with what there is so far.

    Raises
    ------
    SimulationError
        Where plan or actual belong to another network, or parcels do not add up.
    """
    policy = policy or ("plan" if plan is not None else "static")
    if policy not in POLICIES:
        raise SimulationError(f"There is no policy {policy!r}; there is {', '.join(POLICIES)}.")
    if policy == "plan" and plan is None:
        raise SimulationError("Policy plan needs a plan (--plan DIR).")
    if runs < 1 or not 0 <= events <= 1:
        raise SimulationError("runs must be at least 1 and events a share from 0 to 1.")
    say = progress or (lambda text: None)
    happens = case if actual is None else _same_network(case, actual)
    if plan is not None:
        _check_plan(plan, case)
    begun = time.perf_counter()
    inputs = build_inputs(happens, sample=events, seed=seed)
    chosen = _policy(policy, inputs, case, happens, plan, usual, say)
    count = threads or os.cpu_count() or 1
    parts = count if runs == 1 else 1

    end = None if until is None else inputs.grid.slot_of(until)
    interrupted = threading.Event()

    def one(number: int) -> Run:
        world = chosen.world._replace(seed=seed + number, sample=events if number == 0 else 0.0)
        mine = replace(inputs, world=world)

        def told(done: int, steps: int) -> None:
            say(
                f"run {number + 1} of {runs}: {done * inputs.grid.slot_hours:.0f} of "
                f"{steps * inputs.grid.slot_hours:.0f} h"
            )

        course = Course(mine, chosen.routes, threads=parts)
        course.go(end, stopped=interrupted.is_set, progress=told if runs == 1 else None)
        if number == 0 and state is not None:
            take_state(course).write(state)
        run = course.run()
        # batches are counted by now; of many runs they would fill the memory
        return replace(run, flow=run.flow._replace(q=run.flow.q._replace(pool=run.flow.q.pool[:0].copy())))

    # runs work beside this thread, which hears Ctrl-C and lets them end their step
    found: list[Run] = []
    with ThreadPoolExecutor(1 if runs == 1 else min(count, runs)) as pool:
        waiting = [pool.submit(one, number) for number in range(runs)]
        for number, job in enumerate(waiting):
            try:
                found.append(job.result())
            except KeyboardInterrupt:
                say("interrupted: what there is so far is kept")
                interrupted.set()
                for other in waiting:
                    other.cancel()
                if not job.cancelled():
                    found.append(job.result())
                break
            if runs > 1:
                say(f"run {number + 1} of {runs} done")
    return build_outcome(
        inputs,
        happens,
        policy,
        found,
        range(seed, seed + len(found)),
        time.perf_counter() - begun,
    )


def state_at(case: Case, plan: Plan, at: datetime, *, seed: int = 0, threads: int | None = None) -> State:
    """The state at a time when a plan is carried out until then."""
    inputs = build_inputs(case, seed=seed)
    policy = plan_policy(inputs, case, plan)
    course = Course(replace(inputs, world=policy.world), policy.routes, threads=threads or os.cpu_count() or 1)
    return take_state(course.go(inputs.grid.slot_of(at)))


def _policy(
    name: str, inputs: Inputs, case: Case, happens: Case, plan: Plan | None, usual: Plan | None,
    say: Callable[[str], None],
) -> Policy:  # fmt: skip
    if name == "reroute":
        return reroute_policy(inputs, happens, plan)
    if name == "plan":
        assert plan is not None
        return plan_policy(inputs, happens, plan)
    if usual is None:
        say("planning the undisturbed case for its usual routes (--usual DIR takes them from a plan)")
        usual = make_plan(case.without_disruptions(), gap=USUAL_GAP, flows=False, progress=say)
    if usual.sort_plan is None:
        raise SimulationError("The undisturbed plan has no sortplan.parquet; plan again with this version.")
    return static_policy(inputs, usual.sort_plan)


def _check_plan(plan: Plan, case: Case) -> None:
    """A plan may be carried out where its facilities, lanes and slots are; disruptions and demand may differ."""
    facts = plan.facts["case"]
    wrong = []
    horizon = (format_time(case.grid.start), case.grid.slots, case.grid.slot_hours)
    planned = (facts["start"], facts["slots"], facts["slot_hours"])
    if horizon != planned:
        wrong.append(
            f"its horizon begins {planned[0]} with {planned[1]} slots of {planned[2]:g} h, "
            f"the case's {horizon[0]} with {horizon[1]} of {horizon[2]:g} h"
        )
    offer = case.offer()
    for row, ids in (("sort", offer.facilities), ("depart", offer.lanes)):
        planned_ids = set(plan.rows.filter(pl.col("row") == row)["id"].unique())
        other = sorted(planned_ids ^ set(ids))
        if other:
            what = "lanes" if row == "depart" else "facilities"
            wrong.append(f"{len(other)} {what} are in one of the two only, such as {', '.join(other[:3])}")
    if wrong:
        raise SimulationError(f"The plan was made for {facts['name']!r}, another case: " + "; ".join(wrong) + ".")


def _same_network(case: Case, actual: Case) -> Case:
    """The case that happens, if it is on the same network, classes and horizon."""
    wrong = []
    for name, what in (("facilities", "facilities"), ("lanes", "lanes")):
        one, two = set(getattr(case, name)["id"]), set(getattr(actual, name)["id"])
        if one != two:
            some = sorted(one ^ two)[:3]
            wrong.append(f"{len(one ^ two)} {what} are in one of the two only, such as {', '.join(some)}")
    if case.settings.class_names != actual.settings.class_names:
        wrong.append(f"classes are {case.settings.class_names} and {actual.settings.class_names}")
    if case.grid != actual.grid:
        wrong.append("the horizons or slots differ")
    if wrong:
        raise SimulationError("What happens is not on the same network: " + "; ".join(wrong) + ".")
    return actual
