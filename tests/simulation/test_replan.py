"""Runs that are stopped, looked at, planned anew and carried on: nothing is lost and nothing known too early."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import clearway as cw
from clearway.core.errors import PlanError, SimulationError
from clearway.planning import State, replan
from clearway.simulation import rehearse, try_plan
from clearway.simulation.engine import Course, simulate_once
from clearway.simulation.inputs import build_inputs
from clearway.simulation.policies import plan_policy
from clearway.simulation.snapshot import take_state
from tests.random_cases import write_random_case

NOON = datetime(2022, 11, 11, 12)


@pytest.fixture(scope="module")
def tiny() -> cw.Case:
    return cw.Case.read("tiny")


@pytest.fixture(scope="module")
def usual(tiny: cw.Case) -> cw.Plan:
    return cw.plan(tiny.without_disruptions(), method="exact")


@pytest.fixture(scope="module")
def plan(tiny: cw.Case, usual: cw.Plan) -> cw.Plan:
    return cw.plan(tiny, method="exact", usual=usual)


def course_of(case: cw.Case, plan: cw.Plan, seed: int = 0, *, always: bool = True) -> Course:
    inputs = build_inputs(case, seed=seed)
    policy = plan_policy(inputs, case, plan, always=always)
    return Course(replace(inputs, world=policy.world), policy.routes)


def test_stopping_on_the_way_changes_nothing(tiny: cw.Case, plan: cw.Plan) -> None:
    whole = course_of(tiny, plan).go().run()
    parts = course_of(tiny, plan)
    for step in (13, 14, 100, 200):
        parts.go(step)
    found = parts.go().run()
    for name in ("have", "cost", "pair", "by_class", "over"):
        assert np.array_equal(getattr(whole.flow, name), getattr(found.flow, name)), name
    assert np.array_equal(whole.waiting, found.waiting)


@pytest.mark.parametrize("seed", [1, 2, 5, 8, 11, 14, 20, 23])
def test_state_holds_every_parcel(tmp_path: Path, seed: int) -> None:
    """Whenever it is taken, and it reads back as it was written."""
    write_random_case(tmp_path / "case", seed)
    case = cw.Case.read(tmp_path / "case")
    course = course_of(case, cw.plan(case, method="exact"), seed)
    per_slot = course.inputs.plan_grid.slot_minutes // course.inputs.grid.slot_minutes
    for slot in range(0, case.grid.slots + 1, 2):
        course.go(slot * per_slot)
        state = take_state(course)
        state.check()
        state.write(tmp_path / "state")
        again = State.read(tmp_path / "state")
        assert again.stock.equals(state.stock)
        assert again.at == state.at
        if slot < case.grid.slots:
            at = case.grid.time(slot)
            rest = case.starting(at, state.stock)
            late = state.stock.filter(pl.col("arrives") >= case.grid.end)["parcels"].sum()
            assert rest.stock["parcels"].sum() == pytest.approx(state.stock["parcels"].sum() - late)
            assert bool(rest.warnings) >= bool(late)


def test_state_that_does_not_balance_is_refused(tiny: cw.Case, plan: cw.Plan, tmp_path: Path) -> None:
    course = course_of(tiny, plan)
    course.go(course.inputs.grid.slot_of(NOON))
    state = take_state(course)
    wrong = replace(state, stock=state.stock.filter(pl.col("class") != "emergency"))
    wrong.write(tmp_path / "state")
    with pytest.raises(PlanError, match=r"class emergency: .* offered less .* delivered is .* but the stock holds 0"):
        State.read(tmp_path / "state")
    with pytest.raises(PlanError, match="does not balance"):
        replan(plan, NOON, wrong)
    with pytest.raises(PlanError, match="is of 2022-11-11T12:00, not of 2022-11-11T14:00"):
        replan(plan, NOON + timedelta(hours=2), state)
    with pytest.raises(PlanError, match=r"not inside the horizon"):
        replan(plan, NOON + timedelta(days=30), replace(state, at=""))
    with pytest.raises(PlanError, match=r"neither stock\.parquet nor stock\.csv"):
        State.read(tmp_path)


def test_replan_goes_on_from_what_there_is(tiny: cw.Case, plan: cw.Plan, tmp_path: Path) -> None:
    course = course_of(tiny, plan)
    course.go(course.inputs.grid.slot_of(NOON))
    state = take_state(course)
    made = replan(plan, NOON, state, disrupt=["closed lane 310100-330100 2022-11-11T12:00 2022-11-12T00:00"])
    offered = made.facts["parcels"]["offered"]
    assert offered >= state.stock["parcels"].sum() - 1
    assert made.facts["gap"] <= 1e-6
    shut = made.rows.filter((pl.col("id") == "310100-330100") & (pl.col("start") < datetime(2022, 11, 12)))
    assert (shut["load"] == 0).all()
    # it is written, read, explained and carried out like any other
    made.write(tmp_path / "plan")
    again = cw.Plan.read(tmp_path / "plan")
    assert again.case.digest == made.facts["case"]["digest"]
    outcome = cw.simulate(again.case, again)
    assert outcome.facts["parcels"]["offered"] == pytest.approx(offered, abs=len(state.stock) + 60)
    # the run that was stopped goes on with it
    policy = plan_policy(course.inputs, tiny, again, always=True)
    course.follow(policy.world, policy.routes)
    total = course.go().run().flow.have.sum(axis=(0, 1))
    assert total[2] == simulate_once(build_inputs(tiny), course.routes).flow.have.sum(axis=(0, 1))[2]


def test_a_replan_knows_only_what_is_known(tiny: cw.Case, usual: cw.Plan) -> None:
    late = tiny.without_disruptions().with_disruption(
        {
            "id": "late",
            "kind": "closed",
            "target_type": "facility",
            "target": "340100",
            "start": "2022-11-11T18:00",
            "end": "2022-11-12T18:00",
            "known_from": "2022-11-11T13:00",
        }
    )
    course = course_of(late, usual)
    course.go(course.inputs.grid.slot_of(NOON))
    before = replan(usual, NOON, take_state(course), case=late)
    assert before.case.disruptions.is_empty()
    course.go(course.inputs.grid.slot_of(NOON + timedelta(hours=2)))
    after = replan(before, NOON + timedelta(hours=2), take_state(course), case=late)
    assert after.case.disruptions["id"].to_list() == ["late"]
    told = rehearse(late, every=timedelta(hours=6)).outcome.facts["replans"]
    assert {row["at"]: row["newly_known"] for row in told if row["newly_known"]} == {"2022-11-11T18:00": ["late"]}


def test_extra_that_was_ordered_stays(tmp_path: Path) -> None:
    """A lead time counts from the time of planning anew, but what was ordered before comes."""
    case = cw.Case.read("tiny")
    facilities = case.facilities.with_columns(
        pl.lit(1.0).alias("extra_sort_share"), pl.lit(6.0).alias("extra_from"), (pl.col("sort_per_hour") / 3)
    )
    case = replace(case, facilities=facilities)
    case.write(tmp_path / "case")
    case = cw.Case.read(tmp_path / "case")
    first = cw.plan(case, method="exact")
    ordered = first.rows.filter((pl.col("row") == "sort") & (pl.col("extra") > 1))
    assert len(ordered)
    at = ordered["start"].min()
    assert isinstance(at, datetime)
    course = course_of(case, first)
    course.go(course.inputs.grid.slot_of(at))
    made = replan(first, at, take_state(course), weight=0.0)
    key = ordered.filter(pl.col("start") == at).row(0, named=True)
    row = made.rows.filter((pl.col("row") == "sort") & (pl.col("id") == key["id"]) & (pl.col("start") == at))
    assert row["extra_limit"].item() == pytest.approx(key["extra"], rel=1e-6)
    elsewhere = case.starting(at, take_state(course).stock).offer().extra_limits()[0]
    assert elsewhere[:, 0].max() == 0


def test_few_changes_are_made_anew(tiny: cw.Case, plan: cw.Plan) -> None:
    """With nothing new known and a weight, the sort plan in force stays as it is."""
    course = course_of(tiny, plan)
    course.go(course.inputs.grid.slot_of(NOON))
    state = take_state(course)
    free, heavy = replan(plan, NOON, state, weight=0.0), replan(plan, NOON, state, weight=1e9)
    assert heavy.facts["changes"]["kept"] <= free.facts["changes"]["kept"]
    assert heavy.facts["changes"]["found"] == free.facts["changes"]["found"]


def test_rehearsal_loses_nothing(tiny: cw.Case) -> None:
    found = rehearse(tiny, every=timedelta(hours=12), seed=3)
    parcels = found.outcome.facts["parcels"]
    assert parcels["offered"] == parcels["delivered"] + parcels["waiting"] + parcels["in_transit"]
    assert len(found.plans) == 6
    with pytest.raises(SimulationError, match="whole number of slots"):
        rehearse(tiny, every=timedelta(minutes=50))


def test_the_cheapest_variant_is_told(tiny: cw.Case, plan: cw.Plan, usual: cw.Plan, tmp_path: Path) -> None:
    told = try_plan(plan, runs=2)
    trial = told.facts["trial"]
    assert {row["variant"] for row in trial["variants"]} >= {"as planned", "usual ways", "shortest open ways"}
    best = min(trial["variants"], key=lambda row: row["cost"])
    assert trial["chosen"] == best["variant"]
    # what is written is carried out as it was tried
    told.write(tmp_path / "plan")
    again = cw.simulate(tiny, cw.Plan.read(tmp_path / "plan"), seed=trial["seed"], runs=2)
    assert again.facts["cost"] == pytest.approx(best["cost"])
    # the variant that changes nothing does what the policy static does, but for its second choices
    assert cw.simulate(tiny, policy="static", usual=usual).facts["parcels"]["offered"] > 0
