"""Two engines, one meaning: what is compiled equals what is interpreted, on random lakes and declarations."""

from __future__ import annotations

import json
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearway.records import Lake
from clearway.rules import check, interpret, load_packs
from clearway.rules.figures import Window
from clearway.rules.testing import fill
from tests.rules.conftest import HEAD

SMALL = os.environ.get("CLEARWAY_SOAK_SHARE") == "small"
FIRST, LAST = date(2022, 11, 14), date(2022, 11, 20)
UNITS = ("u1", "u2", "u3")
STEPS = ("accepted", "screened", "departed", "delivered")
COMPARED = ("state", "value", "numerator", "denominator", "expected", "reported", "left_out", "edition", "advisory")

# moments that meet at edges: on the hour, midnight, the last second of a day
moments = st.builds(
    lambda day, hour, second: datetime(2022, 11, 12) + timedelta(days=day, hours=hour, seconds=second),
    st.integers(0, 9), st.sampled_from([0, 6, 12, 23]), st.sampled_from([0, 1, 3599]),
)  # fmt: skip
scans = st.lists(
    st.fixed_dictionaries(
        {
            "item_id": st.sampled_from(["i1", "i2", "i3"]),
            "step": st.sampled_from(STEPS),
            "facility": st.sampled_from(UNITS),
            "time": moments,
            "mode": st.sampled_from([None, "air", "road"]),
            "real_name": st.sampled_from([None, "yes", "no"]),
            "origin": st.sampled_from([None, "330106", "310115"]),
            "destination": st.sampled_from([None, "330108", "310104"]),
        }
    ),
    max_size=14,
)
volumes = st.lists(
    st.fixed_dictionaries(
        {
            "facility": st.sampled_from(UNITS),
            "day": st.dates(date(2022, 11, 10), date(2022, 11, 21)),
            "accepted": st.one_of(st.none(), st.integers(0, 5)),
            "delivered": st.one_of(st.none(), st.integers(0, 5)),
            "oldest_waiting_h": st.one_of(st.none(), st.sampled_from([0.1, 0.2, 72.0])),
            "operating": st.sampled_from([None, True, False]),
        }
    ),
    max_size=14,
    unique_by=lambda r: (r["facility"], r["day"]),
)
complaints = st.lists(
    st.fixed_dictionaries(
        {
            "operator": st.sampled_from(UNITS),
            "place": st.sampled_from(["330106", "310115"]),
            "kind": st.sampled_from(["complaint", "appeal"]),
            "category": st.just("loss"),
            "opened": moments,
            "answered": st.one_of(st.none(), moments),
        }
    ),
    max_size=8,
)
shifts = st.lists(
    st.builds(
        lambda unit, start, hours, filled: {
            "unit": unit, "start": start, "end": start + timedelta(hours=hours), "role": "duty", "filled": filled,
        },
        st.sampled_from(UNITS), moments, st.integers(1, 30), st.booleans(),
    ),
    max_size=8,
    unique_by=lambda r: (r["unit"], r["start"]),
)  # fmt: skip
registers = st.fixed_dictionaries(
    {
        "season": st.lists(
            st.sampled_from([{"name": "peak", "place": "CN", "from": date(2022, 11, 15), "to": date(2022, 11, 18)}]),
            max_size=1,
        ),
        "zone": st.lists(
            st.fixed_dictionaries(
                {
                    "target": st.sampled_from(["u1", "330106", "330000"]),
                    "from": st.sampled_from([datetime(2022, 11, 13), datetime(2022, 11, 16, 6)]),
                    "to": st.sampled_from([None, datetime(2022, 11, 17, 12)]),
                    "level": st.sampled_from(["high", "low"]),
                }
            ),
            max_size=3,
            unique_by=lambda r: (r["target"], r["from"]),
        ),
        "calendar": st.lists(
            st.fixed_dictionaries(
                {
                    "day": st.dates(FIRST, LAST), "workday": st.booleans(),
                    "place": st.sampled_from(["CN", "330000"]),
                }
            ),
            max_size=3,
            unique_by=lambda r: (r["place"], r["day"]),
        ),
        "nil_return": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("daily_volume"), "unit": st.sampled_from(UNITS), "day": st.dates(FIRST, LAST)}
            ),
            max_size=2,
            unique_by=lambda r: (r["unit"], r["day"]),
        ),
    }
)  # fmt: skip

expressions = st.sampled_from(
    [
        "step = 'departed'", "mode = 'air'", "not mode = 'air'", "mode != 'air'", "real_name = yes",
        "origin.city = destination.city", "not origin.city = destination.city", "facility.kind = 'outlet'",
        "season.peak", "zone.level = 'high' or zone.level is missing", "calendar.workday", "real_name is present",
        "step in ('accepted', 'screened') and facility.province = '330000'", "time >= 2022-11-16T12:00",
        "rank(order, step) > rank(order, 'accepted')", "facility.district", "item_id not between 'i1' and 'i2'",
    ]
)  # fmt: skip
sides = st.sampled_from(["before", "after", "around"])


@st.composite
def related(draw: st.DrawFn) -> dict[str, Any]:
    side = draw(sides)
    one: dict[str, Any] = {"where": f"step = '{draw(st.sampled_from(STEPS))}'", side: True}
    if draw(st.booleans()):
        one[draw(st.sampled_from(["within", "less_than"]))] = draw(st.sampled_from(["6 hours", "1 day", "72 hours"]))
    if draw(st.booleans()):
        one["same"] = ["facility"]
    if draw(st.booleans()):
        one["none"] = True
    extra = draw(st.sampled_from(["", "between", "count"]))
    if extra == "between" and side != "around":
        one["none_between"] = f"step = '{draw(st.sampled_from(STEPS))}'"
    elif extra == "count":
        one["at_least"] = 2
    return {"related": one}


conditions = st.recursive(
    st.one_of(expressions, related()),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2).map(lambda c: {"all": c}),
        st.lists(inner, min_size=2, max_size=3).map(lambda c: {"needs": {"at_least": 2, "of": c}}),
        inner.map(lambda c: {"not": c}),
    ),
    max_leaves=3,
)
periods = st.sampled_from(["day", "week"])
per_facility = periods.map(lambda p: ["facility", p])
scan_measures = st.one_of(
    st.fixed_dictionaries(
        {"unit": st.just("share"), "kind": st.just("share"), "of": st.just("scan"), "base": conditions,
         "match": conditions, "per": st.one_of(per_facility, periods.map(lambda p: ["facility.province", p]))}
    ),
    st.fixed_dictionaries(
        {"unit": st.just("count"), "kind": st.just("count"), "of": st.just("scan"), "base": conditions,
         "per": st.one_of(per_facility, periods.map(lambda p: ["CN", p]))},
        optional={"distinct": st.sampled_from(["item_id", "day"]), "window": st.just(3)},
    ).map(lambda m: {**m, "per": [m["per"][0], "day"]} if "window" in m else m),
    st.fixed_dictionaries(
        {"unit": st.just("hours"), "kind": st.just("interval"), "of": st.just("scan"), "base": expressions,
         "take": st.sampled_from(["longest", "shortest"]), "edges": st.sampled_from(["counted", "ignored"]),
         "subject": st.just("item_id"), "per": per_facility}
    ),
    st.fixed_dictionaries(
        {"unit": st.just("items"), "kind": st.just("level"), "of": st.just("scan"), "in": expressions,
         "out": expressions, "per": per_facility}
    ),
)  # fmt: skip
EXPECTED = {"kinds": ["outlet"], "every": "day"}
other_measures = st.sampled_from(
    [
        {"unit": "ratio", "kind": "ratio", "of": "daily_volume", "value": "delivered", "over": "accepted",
         "per": ["facility", "week"], "expected": EXPECTED},
        {"unit": "parcels", "kind": "sum", "of": "daily_volume", "value": "accepted", "per": ["facility", "day"],
         "expected": EXPECTED},
        {"unit": "hours", "kind": "sum", "of": "daily_volume", "value": "oldest_waiting_h", "per": ["facility", "week"]},
        {"unit": "hours", "kind": "level", "of": "daily_volume", "value": "oldest_waiting_h", "per": ["facility", "week"]},
        {"unit": "hours", "kind": "level", "of": "daily_volume", "value": "oldest_waiting_h", "take": "lowest",
         "per": ["facility.operator", "week"]},
        {"unit": "share", "kind": "share", "of": "daily_volume", "base": "operating is present", "match": "operating",
         "per": ["facility", "season"], "season": "peak"},
        {"unit": "ratio", "kind": "sum", "of": "daily_volume", "value": "accepted", "per": ["facility", "day"],
         "change": "day"},
        {"unit": "share", "kind": "coverage", "of": "daily_volume", "base": "operating", "among": "kind = 'outlet'",
         "distinct": "day", "at_least": 2, "per": ["province", "week"]},
        {"unit": "share", "kind": "coverage", "of": "daily_volume", "among": "season.peak", "per": ["facility", "day"]},
        {"unit": "days", "kind": "duration", "of": "complaint", "per": ["operator", "day"],
         "clock": {"start": "opened", "stop": "answered", "calendar": "days"}},
        {"unit": "days", "kind": "duration", "of": "complaint", "per": ["operator", "week"],
         "clock": {"start": "opened", "stop": "answered", "calendar": "days", "first_day": True,
                   "move": "next-working-day"}},
        {"unit": "working-days", "kind": "duration", "of": "complaint", "per": ["place", "day"],
         "clock": {"start": "opened", "stop": "answered", "calendar": "working-days"}},
        {"unit": "hours", "kind": "duration", "of": "complaint", "base": "kind = 'appeal'", "per": ["operator", "day"],
         "clock": {"start": "opened", "stop": "answered", "calendar": "hours"}},
        {"unit": "share", "kind": "time", "of": "shift", "base": "filled", "start": "start", "end": "end",
         "per": ["unit", "day"], "expected": EXPECTED},
        {"unit": "share", "kind": "time", "of": "shift", "start": "start", "end": "end", "per": ["unit", "week"]},
    ]
)  # fmt: skip
limits = st.sampled_from([{"at_least": 1}, {"at_most": 0}, {"at_least": 0.5}, {"at_most": 1}])
extras = st.sampled_from(
    [{}, {"scope": {"kind": ["outlet"]}}, {"scope": {"place": ["330000"]}}, {"scope": {"where": "not season.peak"}},
     {"judge": "cumulative"}, {"warn": 0.7}, {"min_coverage": 0.5}]
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    limit = {**draw(limits), "cite": "x"}
    values: dict[str, Any] = {"2022-01-01": limit}
    if draw(st.booleans()):
        values["2022-11-17"] = draw(
            st.sampled_from(
                [{"at_least": 0.3, "cite": "x"}, {"ended": True, "cite": "x"},
                 {"cases": [{"when": "kind = 'outlet'", **draw(limits)}, {"exempt": True}], "cite": "x"}]
            )
        )  # fmt: skip
    return {
        "title": {"zh": "甲", "en": "a"}, "measure": draw(st.one_of(scan_measures, other_measures)), "values": values,
        "authority": {"place": "CN"}, "force": "order", "basis": "text", "last_checked": "2026-01-01",
        "anchor": draw(st.sampled_from(["start", "end"])), **draw(extras),
    }  # fmt: skip


def unit_rows(second: bool) -> list[dict[str, Any]]:
    long_ago = date(2020, 1, 1)
    rows = [
        {"id": "u1", "kind": "outlet", "place": "330106", "operator": "o1", "from": long_ago},
        {"id": "u2", "kind": "outlet", "place": "310115", "operator": "o1", "from": long_ago, "to": date(2022, 11, 17)},
    ]
    if second:
        rows.append({"id": "u2", "kind": "station", "place": "330106", "operator": "o2", "from": date(2022, 11, 18)})
    return rows


NOWS = st.sampled_from([datetime(2023, 6, 1), datetime(2022, 11, 18, 9), datetime(2022, 11, 21)])


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), now=NOWS)
def test_compiled_equals_interpreted(tmp_path_factory: pytest.TempPathFactory, data: Any, now: datetime) -> None:
    """Random records, registers, measures and rules: every finding of both engines is the same."""
    _agree(tmp_path_factory.mktemp("engines"), data, now)


@pytest.mark.soak
@settings(max_examples=60 if SMALL else 1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), now=NOWS)
def test_compiled_equals_interpreted_at_length(
    tmp_path_factory: pytest.TempPathFactory, data: Any, now: datetime
) -> None:
    """The same on many more."""
    _agree(tmp_path_factory.mktemp("engines"), data, now)


def _agree(folder: Path, data: Any, now: datetime) -> None:
    rows = data.draw(registers, label="registers")
    rows |= {
        "unit": unit_rows(data.draw(st.booleans())),
        "scan": [{**r, "event_id": f"e{i}"} for i, r in enumerate(data.draw(scans, label="scans"))],
        "daily_volume": data.draw(volumes, label="volumes"),
        "complaint": [{**r, "case_id": f"c{i}"} for i, r in enumerate(data.draw(complaints, label="complaints"))],
        "shift": data.draw(shifts, label="shifts"),
    }
    declared = data.draw(st.lists(rules(), min_size=3, max_size=6), label="rules")
    write_declared(folder / "pack", declared)
    lake = Lake.open(folder / "lake")
    fill(lake, [{name: mine for name, mine in rows.items() if mine}])
    packs = load_packs([str(folder / "pack")])
    found = check(lake, FIRST, LAST, packs=packs, at=now).frame
    compiled = {(r["rule"], r["unit"], r["period"]): r for r in found.iter_rows(named=True)}
    assert len(compiled) == len(found)
    plain: dict[Any, Any] = {}
    for row in interpret(lake.as_of(now), packs, Window(FIRST, LAST, now), list(packs.rules.values())):
        plain[row["rule"], row["unit"], row["period"]] = row
    assert compiled.keys() == plain.keys()
    for key, row in compiled.items():
        assert {n: row[n] for n in COMPARED} == {n: plain[key][n] for n in COMPARED}, key


def write_declared(folder: Path, declared: list[dict[str, Any]]) -> None:
    folder.mkdir()
    head = HEAD + "ranks: {order: [accepted, screened, departed, delivered]}\n"
    (folder / "pack.yaml").write_text(head, encoding="utf-8")
    topic = {
        "topic": {"id": "own", "zh": "甲", "en": "own"},
        "rules": [{"id": f"rule-{i}", **r} for i, r in enumerate(declared)],
    }
    # JSON is YAML
    (folder / "topic.yaml").write_text(json.dumps(topic, ensure_ascii=False, indent=1), encoding="utf-8")
