"""A case is read, written back the same, and derived without changing what it came from."""

from __future__ import annotations

import os
import resource
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import clearway as cw
from clearway.cases import builtin_cases
from clearway.cases.sources import SCHEMAS
from tests.random_cases import write_random_case


def same(one: cw.Case, two: cw.Case) -> None:
    assert one.settings.to_dict() == two.settings.to_dict()
    for table in SCHEMAS:
        assert getattr(one, table).equals(getattr(two, table)), table
    assert one.digest == two.digest


def close(one: cw.Case, two: cw.Case) -> None:
    first, second = one.settings.to_dict(), two.settings.to_dict()
    shares = [d.pop("profile", {"collection": []})["collection"] for d in (first, second)]
    assert first == second
    assert shares[0] == pytest.approx(shares[1], rel=1e-15)
    for table in SCHEMAS:
        assert_frame_equal(getattr(one, table), getattr(two, table), rel_tol=1e-14)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_written_back_the_same(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """CSV, Parquet and .xlsx all read back to the same case."""
    folder = tmp_path_factory.mktemp("case")
    write_random_case(folder / "in", seed)
    case = cw.Case.read(folder / "in")
    for target, parquet in (("csv", False), ("parquet", True), ("book.xlsx", False)):
        case.write(folder / target, parquet=parquet)
        again = cw.Case.read(folder / target)
        if target.endswith(".xlsx"):
            close(case, again)  # a workbook keeps 16 digits
        else:
            same(case, again)
        assert {k: g.wkt for k, g in again.areas.items()} == {k: g.wkt for k, g in case.areas.items()}


@pytest.mark.parametrize("name", builtin_cases())
def test_built_in_cases_are_valid(name: str) -> None:
    """Each built-in case reads without fault or warning."""
    case = cw.Case.read(name)
    assert case.warnings == ()
    assert case.settings.name == name


def test_the_country_is_national() -> None:
    """The peak has the size it promises: facilities, lanes, pairs, classes, slots."""
    facts = cw.Case.read("china-2022/peak").info()
    assert facts["facilities"] >= 338 and facts["lanes"] >= 4000 and facts["pairs"] >= 100_000
    assert facts["classes"] == 3 and facts["slots"] == 120
    centres = cw.Case.read("china-2022/peak").facilities.filter(pl.col("kind") == "sorting-centre")
    assert len(centres) == 337
    share = {k: v / facts["parcels"] for k, v in facts["parcels_by_class"].items()}
    assert share["standard"] > 0.85
    assert set(facts["stock"]) == {"unsorted", "sorted", "in-transit"}


def test_chinese_headers_and_values(tmp_path: Path) -> None:
    """Files, headers and closed lists in Chinese are the same case."""
    case = cw.Case.read("tiny")
    case.write(tmp_path / "case")
    lanes = (tmp_path / "case" / "lanes.csv").read_text(encoding="utf-8")
    head, body = lanes.split("\n", 1)
    zh = {c.name: c.zh[0] for c in SCHEMAS["lanes"].columns}
    text = ",".join(zh[h] for h in head.split(",")) + "\n" + body.replace(",road,", ",公路,")
    (tmp_path / "case" / "lanes.csv").unlink()
    (tmp_path / "case" / "线路.csv").write_text("\ufeff" + text, encoding="utf-8")
    same(case, cw.Case.read(tmp_path / "case"))


def test_restricted_to() -> None:
    """Only what lies inside the places is left, and the rest of the case still holds."""
    case = cw.Case.read("east")
    part = (
        case.restricted_to(["440100", "440300", "31"])
        if "31" in set(case.places["code"])
        else case.restricted_to(["440100", "440300", "310000"])
    )
    assert set(part.facilities["place"]) == {"440100", "440300", "310100"}
    ids = set(part.facilities["id"])
    assert set(part.lanes["origin"]) | set(part.lanes["destination"]) <= ids
    assert set(part.disruptions["target"]) == {"440100"}
    with pytest.raises(cw.InputError):
        case.restricted_to(["999999"])


def test_starting_later() -> None:
    """The rest of a horizon keeps its end, its later demand, and the stock it is given."""
    case = cw.Case.read("tiny")
    stock = pl.DataFrame(
        {
            "stage": ["unsorted"],
            "facility": ["310100"],
            "destination": ["420100"],
            "class": ["standard"],
            "parcels": [12.0],
        }
    )
    later = case.starting("2022-11-11T06:00", stock)
    assert later.grid.end == case.grid.end
    assert later.grid.start == datetime(2022, 11, 11, 6)
    assert set(later.demand["day"].cast(pl.String)) == {"2022-11-11"}
    assert later.stock["parcels"].to_list() == [12.0]
    assert cw.plan(later).summary()["gap_reached"]
    with pytest.raises(cw.InputError):
        case.starting("2022-11-11T07:00", stock)


def test_with_demand() -> None:
    """Another demand table takes the place of the old one and is checked like it."""
    case = cw.Case.read("tiny")
    rows = {
        "origin": ["310100"],
        "destination": ["420100"],
        "class": ["standard"],
        "day": ["2022-11-11"],
        "parcels": [50],
    }
    other = case.with_demand(pl.DataFrame(rows))
    assert other.demand["parcels"].to_list() == [50.0] and len(case.demand) > 1
    with pytest.raises(cw.InputError, match="not an id"):
        case.with_demand(pl.DataFrame({**rows, "origin": ["31"]}))


def test_other_files_may_lie_there(tmp_path: Path) -> None:
    """A file that is no table and looks like none is left alone, with a warning."""
    cw.Case.read("tiny").write(tmp_path / "case")
    (tmp_path / "case" / "instructions.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "case" / "notes.txt").write_text("x", encoding="utf-8")
    case = cw.Case.read(tmp_path / "case")
    assert [(w.code, w.file) for w in case.warnings] == [("ignored_file", "instructions.csv")]


def test_nothing_to_move(tmp_path: Path) -> None:
    """A case without lanes, demand or stock is planned: it costs nothing."""
    from dataclasses import replace

    case = cw.Case.read("tiny")
    empty = replace(case, lanes=case.lanes.clear(), demand=case.demand.clear(), stock=case.stock.clear())
    empty.write(tmp_path / "case")
    facts = cw.plan(cw.Case.read(tmp_path / "case")).summary()
    assert facts["objective"] == 0 and facts["gap_reached"]
    no_lanes = cw.plan(replace(case, lanes=case.lanes.clear())).summary()
    assert no_lanes["gap_reached"] and no_lanes["parcels"]["undelivered"] > 0


def test_many_faults_are_counted(tmp_path: Path) -> None:
    """Beyond the hundred thousand that are kept, faults are still counted."""
    cw.Case.read("tiny").write(tmp_path / "case")
    line = "310100,42010,standard,2022-11-10,1\n"
    (tmp_path / "case" / "demand.csv").write_text(
        "origin,destination,class,day,parcels\n" + line * 120_000, encoding="utf-8"
    )
    with pytest.raises(cw.InputError) as caught:
        cw.Case.read(tmp_path / "case")
    assert caught.value.total == 120_000
    assert len(caught.value.faults) == 100_000
    assert caught.value.summary().endswith("119950 more")


def test_known_at() -> None:
    """A plan made before a closure is known does not see it."""
    case = cw.Case.read("tiny")
    assert len(case.known_at(datetime(2022, 11, 9)).disruptions) == 0
    assert len(case.known_at(datetime(2022, 11, 10)).disruptions) == 1


def test_with_disruption_takes_text_and_frames() -> None:
    """Texts and mappings add rows; the case they came from is unchanged."""
    case = cw.Case.read("tiny")
    more = case.with_disruption(
        "capacity place 310100 2022-11-10 2022-11-11 factor=0.5 rows=sort,deliver",
        {
            "id": "x",
            "kind": "slow",
            "target_type": "lane",
            "target": "310100-330100",
            "start": "2022-11-10",
            "factor": 2.0,
        },
    )
    assert len(case.disruptions) == 1
    assert more.disruptions["id"].to_list() == ["hefei", "extra-1", "x"]
    assert more.disruptions["rows"].to_list() == [None, "sort deliver", None]
    with pytest.raises(cw.InputError, match="--disrupt, row 1"):
        case.with_disruption("closed Hefei")


def test_a_full_disk_leaves_the_old_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fills while writing, what was there stays whole and nothing is left over."""
    case = cw.Case.read("tiny")
    case.write(tmp_path / "case")
    before = {p.name: p.read_bytes() for p in (tmp_path / "case").iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    monkeypatch.setattr(signal, "SIGXFSZ", signal.SIGXFSZ)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
        with pytest.raises(OSError):
            case.with_disruption("closed facility 330100 2022-11-10T08:00").write(tmp_path / "case")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert {p.name: p.read_bytes() for p in (tmp_path / "case").iterdir()} == before


@pytest.mark.soak
def test_a_large_csv_is_streamed(tmp_path: Path) -> None:
    """A demand table of 2 GB (200 MB in the small share) is read with less memory than its size."""
    import subprocess
    import sys

    size = 200_000_000 if os.environ.get("CLEARWAY_SOAK_SHARE") == "small" else 2_000_000_000
    cw.Case.read("tiny").write(tmp_path / "case")
    line = b"310100,420100,standard,2022-11-10,1\n"
    with (tmp_path / "case" / "demand.csv").open("wb") as handle:
        handle.write(b"origin,destination,class,day,parcels\n")
        block = line * 100_000
        for _ in range(size // len(block)):
            handle.write(block)
    code = (
        "import clearway as cw, resource, sys; c = cw.Case.read(sys.argv[1]); "
        "print(len(c.demand), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "case")], capture_output=True, text=True, check=True
    )
    rows, peak = map(int, out.stdout.split())
    assert rows == size // (len(line) * 100_000) * 100_000
    assert peak < max(700_000_000, 1.2 * size)


def test_the_built_in_case_is_made_from_its_facts(tmp_path: Path) -> None:
    """The script that is kept gives the tables that are shipped."""
    from scripts.china.__main__ import main

    from clearway.cases.builtin import COUNTRY, data_folder

    main(tmp_path / COUNTRY)
    shipped = data_folder() / COUNTRY
    made = sorted(p.relative_to(tmp_path / COUNTRY) for p in (tmp_path / COUNTRY).rglob("*") if p.is_file())
    assert made == sorted(p.relative_to(shipped) for p in shipped.rglob("*") if p.is_file())
    for path in made:
        one, two = tmp_path / COUNTRY / path, shipped / path
        if path.suffix == ".parquet":
            assert pl.read_parquet(one).equals(pl.read_parquet(two)), path
        else:
            assert one.read_bytes() == two.read_bytes(), path


@pytest.mark.soak
def test_calm_can_be_delivered() -> None:
    """In the calm week even fixed usual routes leave at most 2 % of the parcels undelivered."""
    from scripts.china.calm import undelivered_share

    assert undelivered_share("china-2022/calm") <= 0.02
