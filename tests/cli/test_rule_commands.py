"""The commands about rules as a user meets them: exit codes, JSON, trace, versions, pages."""

from __future__ import annotations

import json
from datetime import date
from functools import partial
from pathlib import Path

import pytest

import clearway as cw
from clearway.core.errors import ClearwayError
from clearway.records import Lake
from clearway.rules.testing import fill
from tests.cli import test_commands

DAY = "2022-11-18"
run = partial(test_commands.run, cwd=Path.cwd())
UNIT = {"id": "u1", "kind": "outlet", "place": "330106", "operator": "o1", "from": date(2020, 1, 1)}


def scan(n: int, real_name: str, **more: object) -> dict[str, object]:
    base = {"event_id": f"e{n}", "item_id": f"i{n}", "step": "accepted", "facility": "u1", "item_class": "express"}
    return {**base, "time": f"{DAY} 10:00:00", "real_name": real_name, "inspected": "yes", **more}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    import datetime as dt

    rows = [scan(n, name, time=dt.datetime(2022, 11, 18, 10, n)) for n, name in enumerate(("yes", "yes", "no"))]
    fill(Lake.open(tmp_path / "lake"), [{"unit": [UNIT], "scan": rows}], origin="observed", received=None)
    return tmp_path / "lake"


def test_a_breach_of_a_binding_rule_gives_exit_code_1(lake: Path) -> None:
    """Findings and summary as JSON; the value formed once from its parts."""
    words = ("check", "--lake", str(lake), "--from", DAY, "--to", DAY, "--pack", "cn")
    told = json.loads(run(*words, "--json", code=1).stdout)
    (found,) = [f for f in told["findings"] if f["rule"] == "sec-realname-check"]
    assert (found["state"], found["numerator"], found["denominator"]) == ("breached", 2.0, 3.0)
    assert found["value"] == 2 / 3
    assert (found["period"], found["edition"], found["advisory"], found["version"]) == (DAY, "2018-05-01", False, 1)
    assert (found["expected"], found["reported"], found["left_out"]) == (1, 1, 0)
    assert told["summary"]["states"]["breached"] == 1
    assert "sec-realname-check" in run(*words, code=1).stdout


def test_an_advisory_breach_gives_exit_code_0(lake: Path) -> None:
    """What is only a benchmark stands outside the exit code."""
    run("check", "--lake", str(lake), "--from", DAY, "--to", DAY, "--rule", "exp-limit-intercity", code=0)


def test_a_trace_leads_to_the_records(lake: Path) -> None:
    """Keys of the records, whether each is as it must be, and the batch and row they came in."""
    words = ("check", "--lake", str(lake), "--from", DAY, "--to", DAY, "--rule", "sec-realname-check")
    told = json.loads(run(*words, "--json", "--trace", f"sec-realname-check/u1/{DAY}").stdout)
    assert [(r["event_id"], r["as_asked"]) for r in told["records"]] == [("e0", True), ("e1", True), ("e2", False)]
    assert all(r["batch"] and r["row"] for r in told["records"])
    assert "第 22 条" in told["cite"]
    missed = run(*words, "--trace", f"sec-realname-check/u2/{DAY}", code=2)
    assert f"sec-realname-check/u1/{DAY}" in missed.stderr


def test_a_correction_makes_a_new_version(lake: Path, tmp_path: Path) -> None:
    """What is unchanged keeps its version; late data makes another, and --at still tells the old one."""
    first = cw.check(lake, DAY, DAY, rules=["sec-realname-check"])
    assert first.keep() == 1
    assert cw.check(lake, DAY, DAY, rules=["sec-realname-check"]).keep() == 0
    before = first.window.now
    late = tmp_path / "scan.csv"
    late.write_text(
        "event_id,item_id,step,facility,time,item_class,real_name,inspected\n"
        f"e9,i9,accepted,u1,{DAY} 11:00:00,express,yes,yes\n"
    )
    Lake.open(lake).ingest([late])
    second = cw.check(lake, DAY, DAY, rules=["sec-realname-check"])
    assert second.versioned["version"].to_list() == [2]
    assert second.frame["denominator"].to_list() == [4.0]
    assert cw.check(lake, DAY, DAY, at=before, rules=["sec-realname-check"]).frame["denominator"].to_list() == [3.0]


def test_a_mix_of_origins_is_refused(lake: Path) -> None:
    """One evaluation reads one origin."""
    import datetime as dt

    fill(
        Lake.open(lake),
        [{"scan": [scan(50, "yes", time=dt.datetime(2022, 11, 18, 9))]}],
        origin="simulated",
        received=None,
    )
    with pytest.raises(ClearwayError, match="observed, simulated"):
        cw.check(lake, DAY, DAY)
    one = cw.check(lake, DAY, DAY, rules=["sec-realname-check"], origin="observed")
    assert one.frame["denominator"].to_list() == [3.0]


def test_pages_and_workbooks_are_written(lake: Path, tmp_path: Path) -> None:
    """Both languages are in the page, with the words of the rule; nothing is loaded from elsewhere."""
    page, book = tmp_path / "f.html", tmp_path / "f.xlsx"
    run("check", "--lake", str(lake), "--from", DAY, "--to", DAY, "--html", str(page), "--xlsx", str(book), code=1)
    text = page.read_text(encoding="utf-8")
    assert "Findings" in text
    assert "督查结论" in text
    assert "查验寄件人身份" in text
    assert "http" not in text.replace("http-equiv", "")
    assert book.stat().st_size > 5000


def test_unknown_rules_days_and_packs_are_told(lake: Path) -> None:
    """Each with what would be right."""
    assert "sec-realname-check" in run("check", "--lake", str(lake), "--rule", "sec-realname", code=2).stderr
    assert "2022-11-10" in run("check", "--lake", str(lake), "--from", "18.11.2022", code=2).stderr
    assert "cn" in run("pack", "list", "cnn", code=2).stderr
    assert "other way round" in run("check", "--lake", str(lake), "--from", DAY, "--to", "2022-11-01", code=2).stderr


def test_packs_are_listed_explained_and_tested() -> None:
    """The commands of packs on the built-in ones."""
    assert "sec-realname-check" in run("pack", "list", "cn").stdout
    assert "sound" in run("pack", "check").stdout
    assert "2018-05-01" in run("pack", "explain", "sec-realname-check", "--day", DAY).stdout
    assert "grn-9918" in run("pack", "overdue", "--today", "2026-11-26").stdout
    assert "as asked" in run("pack", "test", "cn", "--rule", "cmp-firm-7d").stdout


def test_explain_says_what_it_would_take(lake: Path) -> None:
    """One more of three."""
    words = ("pack", "explain", "sec-realname-check", "--unit", "u1", "--day", DAY, "--lake", str(lake))
    assert "1 more of 3" in run(*words).stdout


def test_what_is_odd_about_a_lake_is_said(lake: Path) -> None:
    """Types nobody declared, gaps in registers: what they are and what they mean for the figures."""
    opened = Lake.open(lake)
    gap = [{**UNIT, "id": "u9", "to": date(2021, 1, 1)}, {**UNIT, "id": "u9", "from": date(2022, 1, 1)}]
    fill(opened, [{"unit": gap}], origin="observed", received=None)
    (lake / "data" / "telex").mkdir()
    said = cw.check(lake, DAY, DAY, rules=["sec-realname-check"]).said()
    assert any("telex" in s["what"] and "no figure" in s["means"] for s in said)
    assert any("u9" in s["what"] and "no scope" in s["means"] for s in said)


def test_what_is_asked_of_units(tmp_path: Path) -> None:
    """Fields a day by kind of unit: those rules use and the key, never scans; a lake may expect less."""
    asked = json.loads(run("pack", "burden", "cn", "--json").stdout)
    outlet = {a["type"]: a for a in asked if a["kind"] == "outlet"}
    assert "scan" not in outlet and outlet["outlet_hours"]["fields"][:2] == ["facility", "day"]
    assert outlet["hazard"]["fields_a_day"] == round(len(outlet["hazard"]["fields"]) / 7, 2)
    lake = Lake.open(tmp_path / "lake")
    (lake.folder / "expected.csv").write_text("type,kinds,every,due_hours\ndaily_volume,outlet,day,24\n")
    fewer = json.loads(run("pack", "burden", "cn", "--lake", str(lake.folder), "--json").stdout)
    assert [(a["kind"], a["type"]) for a in fewer] == [("outlet", "daily_volume")]
    assert "fields a day" in run("pack", "burden", "--lang", "en").stdout
