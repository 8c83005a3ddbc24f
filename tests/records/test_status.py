"""Who reported and who was silent; registers as of a time; the page of it in a real browser."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from clearway.core.errors import InputError
from clearway.records import Lake, Report, register_faults
from clearway.records.completeness import periods, write_workbook
from clearway.records.registers import as_of_join, in_force
from clearway.reporting import render_completeness

Take = Callable[..., Report]
UNITS = """id,kind,place,from,to,name
hub,sorting-centre,330100,2022-01-01,,甲中心
shop,outlet,330100,2022-01-01,2022-11-16,乙网点
new,outlet,330300,2022-11-17,,丙网点
v1,village,330106,2022-01-01,,
"""


@pytest.fixture
def status(lake: Lake, take: Take) -> Lake:
    """Units, and returns of each kind: in time, late, nil, none, from nobody known."""
    take(UNITS, "unit.csv", received=datetime(2022, 11, 1))
    head = "facility,day,accepted,known_from\n"
    take(
        head + "hub,2022-11-15,5,2022-11-16 08:00\nhub,2022-11-16,5,2022-11-19 08:00\n", received=datetime(2022, 11, 20)
    )
    take(
        "facility,day,nil,known_from\nshop,2022-11-15,yes,2022-11-16\n",
        "daily_volume_nil.csv",
        received=datetime(2022, 11, 20),
    )
    take(head + "ghost,2022-11-15,5,2022-11-16\n", "d3.csv", received=datetime(2022, 11, 20))
    return lake


def test_states(status: Lake) -> None:
    """Each unit is asked while it is in force; silence, nil, lateness and what is not due yet are told apart."""
    found = status.status("2022-11-15", "2022-11-18", at=datetime(2022, 11, 19, 12))
    mine = found.states.filter(pl.col("type") == "daily_volume")
    got = {(r["unit"], r["period"]): r["state"] for r in mine.iter_rows(named=True)}
    assert got == {
        ("hub", "2022-11-15"): "received", ("hub", "2022-11-16"): "late", ("hub", "2022-11-17"): "silent",
        ("hub", "2022-11-18"): "pending", ("shop", "2022-11-15"): "nil", ("shop", "2022-11-16"): "silent",
        ("new", "2022-11-17"): "silent", ("new", "2022-11-18"): "pending",
    }  # fmt: skip
    assert found.unknown.rows() == [("ghost", "daily_volume", 1)]
    row = found.by_type().filter(pl.col("type") == "daily_volume").row(0, named=True)
    assert (row["expected"], row["received"], row["late"], row["nil"], row["silent"], row["pending"]) == (
        8,
        1,
        1,
        1,
        3,
        2,
    )
    assert "village_visit" in found.by_type()["type"].to_list()


def test_as_known_earlier(status: Lake) -> None:
    """On the 18th the late return had not come: it was pending, then silent, never received."""
    then = status.status("2022-11-16", "2022-11-16", at=datetime(2022, 11, 18, 12)).states
    assert then.filter((pl.col("type") == "daily_volume") & (pl.col("unit") == "hub"))["state"].to_list() == ["silent"]


def test_a_register_that_came_later_counts(lake: Lake, take: Take) -> None:
    """Units registered years later were there on the day, and are asked as of the day."""
    take(
        "facility,day,accepted,known_from\nhub,2022-11-15,5,2022-11-16\n",
        "daily_volume.csv",
        received=datetime(2022, 11, 16),
    )
    take(UNITS, "unit.csv", received=datetime(2025, 1, 1))
    states = lake.status("2022-11-15", "2022-11-15", at=datetime(2022, 11, 18)).states
    got = states.filter(pl.col("type") == "daily_volume").select("unit", "state").rows()
    assert got == [("hub", "received"), ("shop", "silent")]


def test_a_season_is_asked_only_while_it_holds(status: Lake, take: Take) -> None:
    """Disinfection is expected of a place in an epidemic, through the places above it."""
    assert "disinfection" not in status.status("2022-11-15", "2022-11-15").states["type"].to_list()
    take("name,place,from,to\nepidemic,浙江省,2022-11-01,2022-11-30\n", "season.csv")
    found = status.status("2022-11-15", "2022-11-15").states.filter(pl.col("type") == "disinfection")
    assert sorted(found["unit"].to_list()) == ["hub", "shop"]


def test_own_expectations(status: Lake) -> None:
    """A lake may say itself what is expected; its faults are listed together."""
    own = status.folder / "expected.csv"
    own.write_text("type,kinds,every,due_hours,season\ndrill,outlet,month,24,\n")
    assert set(status.status("2022-11-01", "2022-11-18").states["type"]) == {"drill"}
    own.write_text("type,kinds,every,due_hours,season\ndril,outlet,fortnight,soon,\n")
    with pytest.raises(InputError) as error:
        status.status("2022-11-01", "2022-11-18")
    assert {f.code for f in error.value.faults} == {"unknown_type", "unknown_kind", "not_number"}


def test_periods() -> None:
    """Days, ISO weeks and months that a stretch of days touches."""
    assert [p[0] for p in periods("week", date(2022, 12, 31), date(2023, 1, 9))] == ["2022-W52", "2023-W01", "2023-W02"]
    assert [p[0] for p in periods("month", date(2022, 11, 30), date(2022, 12, 1))] == ["2022-11", "2022-12"]
    assert len(list(periods("day", date(2022, 11, 1), date(2022, 11, 30)))) == 30


def test_registers_as_of_a_time(lake: Lake, take: Take) -> None:
    """A record meets the row in force at its own time; overlaps are faults, gaps are warned of."""
    take("facility,post,from,to,persons\nhub,sorter,2022-01-01,2022-06-30,10\nhub,sorter,2022-08-01,,20\n"
         "hub,courier,2022-01-01,2022-06-30,5\nhub,courier,2022-06-30,,6\n", "headcount.csv")  # fmt: skip
    found = register_faults(lake)
    assert [f.code for f in found.faults] == ["register_overlap"] and [f.code for f in found.warnings] == [
        "register_gap"
    ]
    rtype = lake.types["headcount"]
    rows = lake.read("headcount").filter(pl.col("post") == "sorter")
    days = pl.DataFrame(
        {"facility": ["hub"] * 4, "day": [date(2021, 1, 1), date(2022, 6, 30), date(2022, 7, 1), date(2022, 9, 1)]}
    )
    joined = as_of_join(days, "day", "facility", rows, rtype, "facility")
    assert joined["headcount.persons"].to_list() == [None, 10, None, 20]
    assert in_force(lake.read("headcount"), rtype, date(2022, 5, 1))["persons"].sort().to_list() == [5, 10]


def test_workbook(status: Lake, tmp_path: Path) -> None:
    """Sums, units and periods as sheets."""
    write_workbook(status.status("2022-11-15", "2022-11-18"), tmp_path / "s.xlsx")
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    assert book.sheetnames == ["types 类型", "units 单位", "periods 时段", "unknown 未登记"]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page(browser: Any, status: Lake, tmp_path: Path, width: int, lang: str) -> None:
    """Every state is in its cell, silence first; nothing is fetched; names cannot become markup."""
    assert status.ingest([_hostile(tmp_path)]).accepted == 1
    path = tmp_path / "status.html"
    path.write_text(render_completeness(status.status("2022-11-15", "2022-11-18"), lang), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(path.as_uri())
    heat = page.locator("h2#daily_volume + div table")
    assert (
        heat.locator("td.s").count() == 5 + 4
        and heat.locator("td.n").count() == 1
        and heat.locator("td.l").count() == 1
    )
    assert heat.locator("tbody tr").first.locator("td.s").count() == 4
    assert page.locator("h1").inner_text() == {"zh": "报送情况", "en": "Who reported"}[lang]
    page.locator("#lang").click()
    assert page.locator("h1").inner_text() == {"en": "报送情况", "zh": "Who reported"}[lang]
    assert "ghost" in page.content() and page.evaluate("window.hit === undefined")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and errors == []
    page.close()


def _hostile(folder: Path) -> Path:
    path = folder / "unit_h.csv"
    path.write_text(
        "id,kind,place,from,name\nx<script>hit=1</script>,outlet,330100,2022-01-01,<img src=x onerror=hit=1>\n"
    )
    return path


def test_real_volumes_become_returns(shared: Path, lake: Lake, take: Take) -> None:
    """The year of lane volumes as daily returns of every site, the city volumes likewise; every parcel is there."""
    with gzip.open(shared / "data/bench/parcel_lane_daily_cn/lanes_2021.csv.gz") as handle:
        lanes = pl.read_csv(handle.read(), try_parse_dates=True)
    out = lanes.group_by(facility="from", day="date").agg(processed=pl.col("volume").sum())
    received = lanes.group_by(facility="to", day="date").agg(accepted=pl.col("volume").sum())
    returns = out.join(received, on=["facility", "day"], how="full", coalesce=True)
    report = take(returns.write_csv())
    assert report.accepted == len(returns) and not report.faults
    assert lake.read("daily_volume")["processed"].sum() == lanes["volume"].sum()
    assert lake.read("daily_volume")["facility"].n_unique() == pl.concat([lanes["from"], lanes["to"]]).n_unique()
    with gzip.open(shared / "data/bench/city_od_daily_cn/od_2018_2019.csv.gz") as handle:
        cities = pl.read_csv(handle.read(), has_header=True, try_parse_dates=True)
    day, origin, _, parcels = cities.columns[:4]
    cities = cities.with_columns(
        pl.col(day).cast(pl.Date, strict=False) if cities.schema[day] != pl.Date else pl.col(day)
    )
    sums = cities.group_by(pl.col(origin).alias("facility"), pl.col(day).alias("day")).agg(
        accepted=pl.col(parcels).sum().cast(pl.Int64)
    )
    stream = io.BytesIO()
    sums.write_parquet(stream)
    assert take(stream.getvalue(), "daily_volume.parquet", received=datetime(2022, 12, 2)).accepted == len(sums)
    assert lake.verify().clean


@pytest.fixture(scope="module")
def browser() -> Any:
    """A real browser."""
    from tests.reporting.conftest import started_browser

    yield from started_browser()
