"""The national method where input is extreme, memory is short or the user stops it."""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import clearway as cw
from clearway.core.errors import PlanError
from clearway.planning import build_problem
from clearway.planning.dual import solve_dual
from tests.oracle import Oracle

CASE = """name = "edge"
title = {en = "Edge", zh = "边界"}
timezone = "Asia/Shanghai"
start = "2022-11-10T00:00"
days = 1
slot_hours = 2
currency = "CNY"

[costs]
sort = 0.05
deliver = 0.1
extra_premium = 1.0
overflow_penalty = 0.4

[policy]
hold_at_sender = true
"""
CLASS = '[[class]]\nname = "{name}"\ntime_value = {value}\nundelivered_penalty = {penalty}\n'


def write_case(
    folder: Path, *, hours: float = 3, capacity: float = 500, parcels: float = 4000, penalty: float = 20,
    values: tuple[float, ...] = (0.02,), sites: int = 3,
) -> cw.Case:  # fmt: skip
    """Sites in a line with lanes between neighbours both ways; everything goes from the first to the last."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = "\n".join(CLASS.format(name=f"c{i}", value=v, penalty=penalty) for i, v in enumerate(values))
    (folder / "case.toml").write_text(CASE + "\n" + classes, encoding="utf-8")
    ids = [f"f{i}" for i in range(sites)]

    def table(name: str, *rows: str) -> None:
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    table("places", "code,name,parent", *(f"10000{i},P{i}," for i in range(sites)))
    columns = "id,name,kind,place,lon,lat,sort_per_hour,storage,deliver_per_hour"
    site = [f"{f},{f},sorting-centre,10000{i},{105 + i},34,{capacity},20000,{capacity}" for i, f in enumerate(ids)]
    table("facilities", columns, *site)
    pairs = [p for a, b in itertools.pairwise(ids) for p in ((a, b), (b, a))]
    lanes = [f"{a}-{b},{a},{b},road,100,{hours},0.5,{capacity}" for a, b in pairs]
    table("lanes", "id,origin,destination,mode,distance_km,hours,cost,per_hour", *lanes)
    last = ids[-1]
    demand = [f"f0,{last},c{i},2022-11-10,{parcels / len(values)}" for i in range(len(values))]
    table("demand", "origin,destination,class,day,parcels", *demand)
    return cw.Case.read(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"hours": 30},  # nothing arrives in time
        {"capacity": 0},
        {"values": (0.0, 0.05)},
        {"values": (0.0,)},
        {"penalty": 0.01},  # cheaper to leave everything
        {"penalty": 0.0, "values": (0.0,)},
        {"parcels": 1e9},
        {"sites": 1},
        {"parcels": 0.0},
    ],
    ids=str,
)
def test_extremes_have_an_honest_answer(tmp_path: Path, changes: dict[str, float]) -> None:
    """A finite plan and bound around the optimum of the second program, with a gap that is not hidden."""
    case = write_case(tmp_path / "case", **changes)  # type: ignore[arg-type]
    made = cw.plan(case, method="dual", gap=1e-3, time_limit=60)
    facts = made.facts
    optimum = Oracle(tmp_path / "case").solve()
    slack = 1e-6 * max(1.0, abs(optimum))
    assert math.isfinite(facts["objective"]) and math.isfinite(facts["lower_bound"])
    assert facts["lower_bound"] <= optimum + slack and facts["objective"] >= optimum - slack
    assert facts["objective"] <= optimum * 1.001 + slack
    assert all(math.isfinite(x) for x in made.rows["price"].drop_nulls())


def test_too_little_memory_is_said_before_work_begins(tmp_path: Path) -> None:
    """With what would be needed, and what would make the case smaller."""
    problem = build_problem(write_case(tmp_path / "case"))
    with pytest.raises(PlanError, match=r"at least [\d.]+ GiB.*--memory-limit"):
        solve_dual(problem, gap=1e-3, memory_limit=1.0)


def test_less_memory_means_fewer_lanes_and_still_a_bracket() -> None:
    """The bound runs over all lanes whatever the policies may use."""
    from clearway.planning.dual.ascent import _Run

    problem = build_problem(cw.Case.read("tiny"))
    run = _Run(problem, 1, 0.0, lambda text: None)
    full = int(run.blocks.allowed.sum())
    run.most = int(run.blocks.near(run.layout, 0.0).sum()) + 1
    run.climb(0.0, None, None, False, 60)
    assert run.state.count <= run.most < full
    assert run.best is not None and run.bound <= 73980.649 <= run.best.objective + 1e-3


def test_ctrl_c_keeps_the_best_plan(tmp_path: Path) -> None:
    """The signal of the terminal ends the command with the plan so far, its gap and all files."""
    out = tmp_path / "plan"
    run = "from clearway.cli.main import main; main()"
    command = [sys.executable, "-c", run, "plan", "china-2022/east", "--places", "310000,320000,330000"]
    command += ["--method", "dual", "--gap", "0", "--out", str(out), "--no-report"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ)
    assert running.stderr is not None
    for line in running.stderr:
        if "gap" in line:
            running.send_signal(signal.SIGINT)
            break
    running.stderr.read()
    assert running.wait(120) in (0, 130)
    facts = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert facts["status"] == "interrupted"
    assert facts["lower_bound"] <= facts["objective"] and 0 < facts["gap"] < 10
    assert (out / "rows.parquet").exists()
