"""What a simulation must keep whatever the case, the policy and the seed: parcels, limits, order, bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import clearway as cw
from clearway.core.errors import SimulationError
from clearway.simulation.engine import simulate_once
from clearway.simulation.inputs import build_inputs
from clearway.simulation.routing import shortest_routes
from tests.random_cases import write_random_case

SEEDS = (1, 2, 5, 8, 11, 14)


def settled(case: cw.Case, **values: object) -> cw.Case:
    """The case with other [simulation] settings."""
    return replace(case, settings=replace(case.settings, simulation={**case.settings.simulation, **values}))


@pytest.fixture(scope="module")
def tiny() -> cw.Case:
    return cw.Case.read("tiny")


@pytest.fixture(scope="module")
def tiny_plan(tiny: cw.Case) -> cw.Plan:
    return cw.plan(tiny, method="exact")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("policy", ["static", "reroute", "plan"])
def test_random_cases_keep_every_parcel(tmp_path: Path, seed: int, policy: str) -> None:
    write_random_case(tmp_path / "case", seed)
    case = cw.Case.read(tmp_path / "case")
    plan = cw.plan(case, method="exact") if policy == "plan" else None
    usual = cw.plan(case.without_disruptions(), method="exact") if policy == "static" else None
    outcome = cw.simulate(case, plan, policy=policy, usual=usual, events=1.0, seed=seed)
    parcels = outcome.facts["parcels"]
    assert parcels["offered"] == parcels["delivered"] + parcels["waiting"] + parcels["in_transit"]
    # what is offered is what the case says, but for rounding each row to whole parcels
    offered = case.offered(case.offer().facilities)
    demand = float((offered.daily.parcels * offered.share_of_day()[offered.daily.day]).sum())
    held = case.stock if case.settings.hold_at_sender else case.stock.filter(pl.col("stage") != "held")
    assert abs(parcels["offered"] - demand - held["parcels"].sum()) <= len(offered.daily.parcels) + 1
    events = outcome.events
    assert events is not None
    done = events.filter(pl.col("step") == "delivered")
    assert done["item_id"].is_unique().all()
    assert (done["facility"] == done["destination"]).all()
    # stock is not followed, everything else is
    if not len(case.stock):
        assert len(done) == parcels["delivered"]
    order = events.with_columns(pl.int_range(pl.len()).over("item_id").alias("n")).filter(pl.col("n") == 0)
    assert set(order["step"]) <= {"accepted"}
    # a parcel leaves a facility only after it was sorted there
    per = events.group_by("item_id", "facility").agg(
        (pl.col("step") == "departed").sum().alias("gone"), (pl.col("step") == "sorted").sum().alias("sorted")
    )
    assert (per["gone"] <= per["sorted"]).all()


def test_rows_hold_what_they_can(tiny: cw.Case) -> None:
    """Departures of a lane and sorting of a facility in an hour stay within capacity and extra."""
    outcome = cw.simulate(tiny, policy="reroute", events=1.0)
    assert outcome.events is not None
    moments = outcome.events.with_columns(pl.col("time").dt.truncate("1h").alias("hour"))
    inputs = build_inputs(tiny)
    per_hour = 60 // inputs.grid.slot_minutes
    sort = (inputs.world.sort + inputs.world.sort_extra).max(axis=1) * per_hour
    limit = dict(zip(inputs.facilities, sort, strict=True))
    sorts = moments.filter(pl.col("step") == "sorted").group_by("facility", "hour").len()
    assert len(sorts) > 20
    for facility, _, n in sorts.iter_rows():
        assert n <= limit[facility] + 1, facility
    pairs: dict[tuple[str, str], float] = {}
    origin = np.repeat(np.arange(len(inputs.facilities)), np.diff(inputs.world.lane_start))
    for lane, f in enumerate(origin):
        key = inputs.facilities[f], inputs.facilities[inputs.world.lane_to[lane]]
        most = (inputs.world.depart[lane] + inputs.world.depart_extra[lane]).max() * per_hour
        pairs[key] = pairs.get(key, 0.0) + float(most)
    leaves = moments.filter(pl.col("step") == "departed").group_by("facility", "next_facility", "time").len()
    assert len(leaves) > 20
    for facility, onward, _, n in leaves.iter_rows():
        assert n <= pairs[facility, onward] + 1


def test_equal_seeds_give_equal_bytes(tiny: cw.Case, tiny_plan: cw.Plan, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cw.simulate(tiny, tiny_plan, seed=3, runs=2, threads=2).write(tmp_path / name)
    for file in sorted(p.name for p in (tmp_path / "a").iterdir()):
        one, two = (tmp_path / n / file for n in ("a", "b"))
        if file == "outcome.json":
            a, b = (json.loads(x.read_text()) for x in (one, two))
            a.pop("seconds"), b.pop("seconds")
            assert a == b
        else:
            assert one.read_bytes() == two.read_bytes(), file
    other = cw.simulate(tiny, tiny_plan, seed=4).facts
    assert other["cost"] != cw.simulate(tiny, tiny_plan, seed=3).facts["cost"]


def test_threads_change_nothing(tiny: cw.Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facilities in parts give the same answer with any number of threads, and the totals of one part."""
    whole = cw.simulate(tiny, policy="reroute").facts
    monkeypatch.setattr("clearway.simulation.engine.ALONE", 0)
    one, two = (cw.simulate(tiny, policy="reroute", threads=n).facts for n in (1, 2))
    one.pop("seconds"), two.pop("seconds")
    assert one == two
    assert one["parcels"]["offered"] == whole["parcels"]["offered"]
    assert one["cost"] == pytest.approx(whole["cost"], rel=0.01)


def test_one_parcel_by_hand(tmp_path: Path) -> None:
    """Two cities, one lane of 10 h, nothing random: every stage can be told beforehand."""
    case = line_case(tmp_path)
    outcome = cw.simulate(case, policy="reroute", events=1.0)
    assert outcome.events is not None
    item = outcome.events.filter(pl.col("item_id") == "SIM1")
    at = {row["step"]: (row["time"], row["facility"]) for row in item.iter_rows(named=True)}
    hour = {k: (v[0] - case.grid.start).total_seconds() / 3600 for k, v in at.items()}
    # collected from 8:00 to 10:00, handled for 3 h, sorted in the step in which it is ready
    assert hour["accepted"] == 10.0
    events = [r for r in item.iter_rows(named=True) if r["step"] == "sorted"]
    first = (events[0]["time"] - case.grid.start).total_seconds() / 3600
    assert first == 13.0
    # vehicles leave every hour, lane 0 at the end of the hour: 14:00; the way takes 10 h
    assert hour["departed"] == 14.0
    assert hour["arrived"] == 13.75 + 10.0
    # sorted at once, 2 h to the couriers, the round at 8:00 lasts 4 h
    assert hour["out-for-delivery"] == 32.0
    assert 32.0 < hour["delivered"] <= 36.0
    stages = outcome.facts["stages_h"]
    assert stages["origin_processing"] == pytest.approx(4.0)
    assert stages["transport"] == pytest.approx(9.75)
    assert stages["destination_processing"] == pytest.approx(8.25)
    assert sum(v for k, v in stages.items() if k != "whole_trip") == pytest.approx(outcome.facts["from_acceptance_h"])


def line_case(folder: Path, days: float = 6, **lane: object) -> cw.Case:
    """Two cities A and B and a lane each way; 16 parcels for B at A on the first day, between 8 and 10."""
    folder.mkdir(parents=True, exist_ok=True)
    collection = [0.0] * 24
    collection[8] = collection[9] = 0.5
    (folder / "case.toml").write_text(
        f"""name = "line"
timezone = "Asia/Shanghai"
start = "2022-11-10T00:00"
days = {days}
slot_hours = 2
[[class]]
name = "standard"
time_value = 0.02
undelivered_penalty = 20.0
promise_hours = 48
[profile]
collection = {collection}
[simulation]
origin_hours = 3.0
travel_variation = 0.0
destination_hours = 2.0
rounds = ["08:00"]
round_hours = 4
attempt_success = 1.0
"""
    )
    (folder / "places.csv").write_text("code,name\n1,A\n2,B\n")
    (folder / "facilities.csv").write_text(
        "id,name,kind,place,sort_per_hour,deliver_per_hour\nA,A,sorting-centre,1,100,100\nB,B,sorting-centre,2,100,100\n"
    )
    per_hour = lane.get("per_hour", 100)
    (folder / "lanes.csv").write_text(
        f"id,origin,destination,mode,hours,cost,per_hour\nAB,A,B,road,10,1,{per_hour}\nBA,B,A,road,10,1,{per_hour}\n"
    )
    (folder / "demand.csv").write_text("origin,destination,class,day,parcels\nA,B,standard,2022-11-10,16\n")
    return cw.Case.read(folder)


def test_static_waits_where_reroute_goes_around(tiny: cw.Case) -> None:
    """A lane is shut for good: usual hops keep waiting for it, the shortest open way does not."""
    usual = cw.plan(tiny.without_disruptions(), method="exact")
    assert usual.sort_plan is not None
    busiest = usual.sort_plan.hops.group_by("lane").agg(pl.col("parcels").sum()).sort("parcels")["lane"][-1]
    shut = tiny.without_disruptions().with_disruption(f"closed lane {busiest} 2022-11-10T00:00")
    static = cw.simulate(shut, policy="static", usual=usual, events=1.0)
    reroute = cw.simulate(shut, policy="reroute")
    assert static.facts["parcels"]["delivered"] < reroute.facts["parcels"]["delivered"]
    assert static.events is not None
    origin, destination = busiest.split("-")[:2]
    gone = static.events.filter(
        (pl.col("step") == "departed") & (pl.col("facility") == origin) & (pl.col("next_facility") == destination)
    )
    assert gone.is_empty()


def test_embargo_and_transit_ban_are_kept(tiny: cw.Case) -> None:
    case = tiny.without_disruptions().with_disruption(
        "embargo facility 420100 2022-11-10T00:00", "no-transit facility 330100 2022-11-10T00:00"
    )
    events = cw.simulate(case, policy="reroute", events=1.0).events
    assert events is not None
    assert events.filter((pl.col("step") == "accepted") & (pl.col("destination") == "420100")).is_empty()
    through = events.filter((pl.col("step") == "departed") & (pl.col("next_facility") == "330100"))
    assert len(through) > 0
    assert (through["destination"] == "330100").all()


def test_plan_is_refused_on_another_case(tiny_plan: cw.Plan, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"another case.*horizon.*facilities"):
        cw.simulate(line_case(tmp_path), tiny_plan)


def test_actual_must_be_the_same_network(tiny: cw.Case, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"not on the same network.*facilities.*horizons"):
        cw.simulate(tiny, policy="reroute", actual=line_case(tmp_path))


def test_what_happens_may_be_worse_than_planned(tiny: cw.Case, tiny_plan: cw.Plan) -> None:
    worse = tiny.with_disruption("capacity place 330100 2022-11-10T00:00 factor=0.3")
    planned, really = (cw.simulate(tiny, tiny_plan, actual=x).facts for x in (None, worse))
    assert really["parcels"]["delivered"] < planned["parcels"]["delivered"]
    assert really["parcels"]["offered"] == planned["parcels"]["offered"]


def test_nothing_can_leave(tmp_path: Path) -> None:
    """No capacity anywhere, and demand at a facility whose lanes lead nowhere: an answer, nothing lost."""
    case = line_case(tmp_path / "a", per_hour=0)
    facts = cw.simulate(case, policy="reroute").facts
    assert facts["parcels"]["delivered"] == 0
    assert facts["cannot_leave"] == [
        {"facility": "A", "parcels": 16, "why": "its lanes have no capacity in the horizon"}
    ]
    folder = tmp_path / "b"
    line_case(folder)
    (folder / "lanes.csv").write_text("id,origin,destination,mode,hours,cost,per_hour\nBA,B,A,road,10,1,100\n")
    facts = cw.simulate(cw.Case.read(folder), policy="reroute").facts
    assert facts["cannot_leave"] == [{"facility": "A", "parcels": 16, "why": "no lane leaves it"}]
    assert facts["parcels"]["waiting"] == 16


def test_no_lane_and_no_round(tmp_path: Path) -> None:
    """A network without a single lane, and a horizon that ends before couriers go out."""
    folder = tmp_path / "a"
    line_case(folder)
    (folder / "lanes.csv").write_text("id,origin,destination,mode,hours,cost,per_hour\n")
    facts = cw.simulate(cw.Case.read(folder), policy="reroute").facts
    assert facts["cannot_leave"][0]["why"] == "no lane leaves it"
    short = cw.simulate(line_case(tmp_path / "b", days=0.25), policy="reroute").facts
    assert short["parcels"]["offered"] == short["parcels"]["delivered"] == 0


def test_judged_are_those_offered_72_hours_before_the_end(tmp_path: Path) -> None:
    """With five days all 16 parcels are judged; with three and a half none is, and no share is invented."""
    assert cw.simulate(line_case(tmp_path / "a", days=5), policy="reroute").facts["share_72h"] == 1.0
    short = cw.simulate(line_case(tmp_path / "b", days=3), policy="reroute").facts
    assert short["share_72h"] is None
    assert short["parcels"]["delivered"] == 16


def test_late_parcels_count_against_the_share(tmp_path: Path) -> None:
    shut = line_case(tmp_path).with_disruption("closed lane AB 2022-11-10T00:00 2022-11-14T00:00")
    facts = cw.simulate(shut, policy="reroute").facts
    assert facts["share_72h"] == 0.0
    assert facts["parcels"]["delivered"] == 16


def test_storage_counts_the_yard(tmp_path: Path) -> None:
    """A closed sorting hall with room for ten: what waits beyond it counts by the hour, until it clears."""
    line_case(tmp_path)
    (tmp_path / "facilities.csv").write_text(
        "id,name,kind,place,sort_per_hour,deliver_per_hour,storage\n"
        "A,A,sorting-centre,1,100,100,10\nB,B,sorting-centre,2,100,100,10\n"
    )
    case = cw.Case.read(tmp_path).with_disruption(
        "capacity facility A 2022-11-10T00:00 2022-11-11T00:00 factor=0 rows=sort"
    )
    outcome = cw.simulate(case, policy="reroute")
    row = outcome.facilities.filter(pl.col("facility") == "A").row(0, named=True)
    # accepted at 10, in the yard from 13 when handling ends, sorted at midnight, gone within the hour
    assert row["overflow_most"] == 6.0
    assert 11.0 <= row["overflow_hours"] <= 12.0
    assert row["clears"] == "2022-11-11T00:45"
    # at B they arrive after the round and wait for the next one: more than ten of them from 12:45 to 8:00
    there = outcome.facilities.filter(pl.col("facility") == "B")["overflow_hours"][0]
    assert there == 19.25
    assert outcome.facts["overflow_hours"] == row["overflow_hours"] + there


def test_a_run_may_be_stopped(tiny: cw.Case) -> None:
    inputs = build_inputs(tiny)
    run = simulate_once(inputs, shortest_routes(inputs), stopped=lambda: True)
    assert run.steps == 1


def test_settings_name_every_fault(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    line_case(folder)
    text = (folder / "case.toml").read_text()
    text = text.replace("attempt_success = 1.0", 'attempt_success = 1.5\nround_hour = 3\nwaves = ["25:00"]')
    (folder / "case.toml").write_text(text.replace("origin_hours = 3.0", "origin_hours = -1"))
    with pytest.raises(cw.InputError) as caught:
        cw.Case.read(folder)
    columns = {fault.column for fault in caught.value.faults}
    assert columns == {
        "simulation.attempt_success",
        "simulation.round_hour",
        "simulation.waves",
        "simulation.origin_hours",
    }
