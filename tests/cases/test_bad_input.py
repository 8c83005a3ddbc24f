"""Every kind of bad input is refused with file, row, column, value and what would be right."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import clearway as cw
from clearway.core.geo import wgs84_to_gcj02

Edit = Callable[[Path], None]


def cell(table: str, row: int, column: str, value: str) -> Edit:
    """Set one cell (row 2 is the first below the header); a new column is added where needed."""

    def edit(folder: Path) -> None:
        path = folder / f"{table}.csv"
        rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
        rows[row - 2][column] = value
        columns = list(dict.fromkeys(key for r in rows for key in r))
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)

    return edit


def replaced(name: str, old: str, new: str) -> Edit:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def written(name: str, content: bytes) -> Edit:
    return lambda folder: (folder / name).write_bytes(content) and None


def removed(name: str) -> Edit:
    return lambda folder: (folder / name).unlink()


def both(*edits: Edit) -> Edit:
    return lambda folder: [edit(folder) for edit in edits] and None


GCJ = tuple(f"{float(v):.6f}" for v in wgs84_to_gcj02(120.20524, 30.24934))
AREA = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "id": "a", "geometry": {"type": "Point", "coordinates": [1, 2]}}],
}

FAULTS: dict[str, tuple[Edit, str, str, int | None, str | None, str]] = {
    "unknown place": (cell("facilities", 3, "place", "320101"), "unknown_id", "facilities.csv", 3, "place", "320100"),
    "unknown origin": (cell("lanes", 4, "origin", "31010"), "unknown_id", "lanes.csv", 4, "origin", "310100"),
    "unknown demand facility": (
        cell("demand", 5, "destination", "4201"),
        "unknown_id",
        "demand.csv",
        5,
        "destination",
        "420100",
    ),
    "unknown class": (cell("demand", 2, "class", "standrd"), "unknown_id", "demand.csv", 2, "class", "standard"),
    "lane to itself": (cell("lanes", 2, "destination", "310100"), "self_lane", "lanes.csv", 2, "destination", "differ"),
    "two lanes of one id": (cell("lanes", 3, "id", "310100-320100"), "repeated_id", "lanes.csv", 3, "id", "row 2"),
    "negative capacity": (
        cell("facilities", 2, "sort_per_hour", "-5"),
        "below",
        "facilities.csv",
        2,
        "sort_per_hour",
        "0",
    ),
    "nan": (cell("facilities", 2, "sort_per_hour", "NaN"), "not_finite", "facilities.csv", 2, "sort_per_hour", "empty"),
    "infinity": (cell("lanes", 2, "hours", "inf"), "not_finite", "lanes.csv", 2, "hours", "infinity"),
    "no number": (cell("lanes", 2, "cost", "cheap"), "not_number", "lanes.csv", 2, "cost", "12.5"),
    "required empty": (cell("lanes", 2, "hours", ""), "required", "lanes.csv", 2, "hours", "required"),
    "profile": (replaced("case.toml", "0.05", "0.25"), "profile", "case.toml", None, "profile.collection", "1.2"),
    "demand outside": (cell("demand", 2, "day", "2022-11-13"), "demand_day", "demand.csv", 2, "day", "2022-11-12"),
    "end before start": (
        cell("disruptions", 2, "end", "2022-11-10T18:00"),
        "ends_before_start",
        "disruptions.csv",
        2,
        "end",
        "18:00",
    ),
    "kind on target": (
        both(cell("disruptions", 2, "kind", "no-entry"), cell("disruptions", 2, "target_type", "lane")),
        "kind_target",
        "disruptions.csv",
        2,
        "target_type",
        "facility, place, area",
    ),
    "unknown kind": (cell("disruptions", 2, "kind", "close"), "not_choice", "disruptions.csv", 2, "kind", "closed"),
    "unknown target": (
        cell("disruptions", 2, "target", "34010"),
        "unknown_id",
        "disruptions.csv",
        2,
        "target",
        "340100",
    ),
    "factor missing": (cell("disruptions", 2, "kind", "capacity"), "needs", "disruptions.csv", 2, "factor", "capacity"),
    "candidate with demand": (
        cell("facilities", 2, "candidate", "true"),
        "candidate_demand",
        "demand.csv",
        2,
        "origin",
        "opened",
    ),
    "misspelt column": (
        replaced("lanes.csv", "distance_km", "distnce_km"),
        "unknown_column",
        "lanes.csv",
        1,
        "distnce_km",
        "distance_km",
    ),
    "column twice": (
        replaced("lanes.csv", "distance_km", "hours"),
        "repeated_column",
        "lanes.csv",
        1,
        "hours",
        "twice",
    ),
    "missing column": (replaced("lanes.csv", "hours", "co2_kg"), "missing_column", "lanes.csv", 1, "hours", "required"),
    "gcj-02": (
        both(cell("facilities", 4, "lon", GCJ[0]), cell("facilities", 4, "lat", GCJ[1])),
        "gcj02",
        "facilities.csv",
        4,
        "lon",
        "WGS84",
    ),
    "half coordinate": (cell("facilities", 2, "lat", ""), "coordinate_pair", "facilities.csv", 2, "lon", "neither"),
    "half opening": (cell("facilities", 5, "closes", ""), "half_pair", "facilities.csv", 5, "opens", "neither"),
    "bad clock": (cell("facilities", 5, "closes", "25:00"), "not_clock", "facilities.csv", 5, "closes", "24:00"),
    "rate and timetable": (
        both(cell("lanes", 2, "departures", "06:00"), cell("lanes", 2, "capacity", "9")),
        "lane_rate",
        "lanes.csv",
        2,
        "per_hour",
        "exactly one",
    ),
    "lane class": (cell("lanes", 2, "classes", "standard expres"), "unknown_id", "lanes.csv", 2, "classes", "class"),
    "circle": (
        both(cell("places", 2, "parent", "320100"), cell("places", 3, "parent", "310100")),
        "circle",
        "places.csv",
        2,
        "parent",
        "circle",
    ),
    "arrival missing": (cell("stock", 5, "arrives", ""), "arrives_required", "stock.csv", 5, "arrives", "arrives"),
    "arrival outside": (
        cell("stock", 5, "arrives", "2022-11-09T03:00"),
        "arrives_outside",
        "stock.csv",
        5,
        "arrives",
        "unsorted",
    ),
    "bad day": (cell("demand", 2, "day", "11th"), "not_date", "demand.csv", 2, "day", "2022-11-10"),
    "ragged": (replaced("demand.csv", "\n", "\na,b\n"), "ragged", "demand.csv", 2, None, "5"),
    "not utf-8": (
        written("places.csv", "code,name\n1,上海\n".encode("gb18030")),
        "not_utf8",
        "places.csv",
        None,
        None,
        "UTF-8",
    ),
    "no table": (removed("lanes.csv"), "missing_file", "lanes.csv", None, None, "needs"),
    "no settings": (removed("case.toml"), "missing_file", "case.toml", None, None, "needs"),
    "unknown table": (written("lane.csv", b"id\n1\n"), "unknown_file", "lane.csv", None, None, "lanes"),
    "two of one table": (written("线路.csv", b"id\n1\n"), "two_files", "线路.csv", None, None, "lanes.csv"),
    "unknown setting": (
        replaced("case.toml", "currency", "curency"),
        "setting_unknown",
        "case.toml",
        None,
        "curency",
        "currency",
    ),
    "days": (replaced("case.toml", "days = 3", "days = 3.03"), "days_slots", "case.toml", None, "days", "whole number"),
    "slots": (
        replaced("case.toml", "slot_hours = 2", "slot_hours = 5"),
        "slot_hours",
        "case.toml",
        None,
        "slot_hours",
        "24",
    ),
    "start": (
        replaced("case.toml", "2022-11-10T00:00", "2022-11-10T01:00"),
        "start_slot",
        "case.toml",
        None,
        "start",
        "midnight",
    ),
    "zone": (
        replaced("case.toml", "Asia/Shanghai", "Asia/Shangai"),
        "setting_type",
        "case.toml",
        None,
        "timezone",
        "IANA",
    ),
    "offset change": (
        both(
            replaced("case.toml", "Asia/Shanghai", "Europe/Berlin"), replaced("case.toml", "2022-11-10", "2022-10-29")
        ),
        "offset_change",
        "case.toml",
        None,
        "timezone",
        "offset",
    ),
    "time value": (
        replaced("case.toml", "time_value = 0.3", "time_value = -0.3"),
        "setting_type",
        "case.toml",
        None,
        "class[1].time_value",
        "at least",
    ),
    "point as area": (
        written("areas.geojson", json.dumps(AREA).encode()),
        "not_geojson",
        "areas.geojson",
        1,
        "geometry",
        "Point",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cw.Case.read("tiny").write(tmp_path / "case")
    return tmp_path / "case"


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named(folder: Path, name: str) -> None:
    """The fault stands in the list with its place, and its words hold what would be right."""
    edit, code, file, row, column, hint = FAULTS[name]
    edit(folder)
    with pytest.raises(cw.InputError) as caught:
        cw.Case.read(folder)
    found = [f for f in caught.value.faults if (f.code, f.file, f.row, f.column) == (code, file, row, column)]
    assert found, caught.value.summary()
    assert hint in found[0].text()
    assert found[0].text("zh") != found[0].text("en")


def test_every_fault_is_listed(folder: Path) -> None:
    """Three faults in three tables come back together."""
    for edit in (
        cell("lanes", 2, "hours", "x"),
        cell("demand", 3, "parcels", "-1"),
        cell("facilities", 2, "kind", "hub"),
    ):
        edit(folder)
    with pytest.raises(cw.InputError) as caught:
        cw.Case.read(folder)
    assert {(f.file, f.column) for f in caught.value.faults} == {
        ("lanes.csv", "hours"),
        ("demand.csv", "parcels"),
        ("facilities.csv", "kind"),
    }


def test_rows_keep_their_numbers_behind_a_ragged_one(folder: Path) -> None:
    """A row with too few fields does not shift the numbers of the faults after it."""
    path = folder / "demand.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] = "310100,420100"
    lines[4] = "x,y,z,u,v,w"
    lines[7] = lines[7].rsplit(",", 1)[0] + ",many"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(cw.InputError) as caught:
        cw.Case.read(folder)
    assert {(f.code, f.row) for f in caught.value.faults} == {("ragged", 3), ("ragged", 5), ("not_number", 8)}


def test_gcj02_may_be_declared(folder: Path) -> None:
    """Declared GCJ-02 is taken as such."""
    both(cell("facilities", 4, "lon", GCJ[0]), cell("facilities", 4, "lat", GCJ[1]))(folder)
    replaced("case.toml", 'currency = "CNY"', 'currency = "CNY"\ncoordinates = "GCJ-02"')(folder)
    assert cw.Case.read(folder).settings.coordinates == "GCJ-02"


def test_a_column_that_is_not_used_is_a_warning(folder: Path) -> None:
    """A factor on a closure has no effect and is said to have none."""
    cell("disruptions", 2, "factor", "0.5")(folder)
    case = cw.Case.read(folder)
    assert [w.code for w in case.warnings] == ["not_used"]


def test_every_message_speaks_both_languages() -> None:
    """Each entry of the catalogue has English and Chinese with the same places to fill."""
    import string

    from clearway.core.errors import _catalogue

    for code, texts in _catalogue().items():
        # a place may be filled in each language with its own words: reason and reason_zh
        fields = [
            {f.removesuffix("_zh") for _, f, _, _ in string.Formatter().parse(texts[lang]) if f}
            for lang in ("en", "zh")
        ]
        assert fields[0] == fields[1], code
