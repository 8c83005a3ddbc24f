"""A world and its truth: what was planted is found, nothing else is, and both engines agree."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import clearway as cw
from clearway.core.errors import ClearwayError
from clearway.records import Lake
from clearway.rules import interpret, load_packs
from clearway.rules.figures import Window
from clearway.world import make_world, units_of, usual_records

# figures of a whole province or of the country: what is planted in it changes them, so they are not planted
TOGETHER = ("flow-postal-outlet", "flow-postal-site", "rur-village-stations")
WINDOWS = {
    "2022-04": (date(2022, 4, 1), date(2022, 4, 30)),
    "2022-07": (date(2022, 7, 1), date(2022, 7, 31)),
    "peak 2022": (date(2022, 10, 25), date(2022, 12, 20)),
    "2023-Q3": (date(2023, 7, 1), date(2023, 9, 30)),
    "2024, returns only": (date(2024, 1, 1), date(2024, 12, 31)),
}
SMALL = os.environ.get("CLEARWAY_SOAK_SHARE") == "small"


def lake_of(folder: Path, world: object) -> Lake:
    made = world.write(folder / "world")  # type: ignore[attr-defined]
    lake = Lake.open(folder / "lake")
    for part in ("records", "later"):
        report = lake.ingest(sorted((made / part).glob("*.parquet")), origin="generated")
        assert report.refused == 0, [f.text() for f in report.faults[:3]]
    return lake


def judged(folder: Path, first: date, last: date, seed: int, *, items: int, each: int, plain: bool) -> None:
    world = make_world(cw.Case.read("china-2022/tiny"), first, last, seed, items=items, each=each)
    lake = lake_of(folder, world)
    packs = load_packs()
    findings = cw.check(lake, first, last, packs=packs)
    frame, truth = findings.frame, world.truth
    asked = truth.join(frame.select("rule", "unit", "period", got="state"), on=["rule", "unit", "period"], how="left")
    wrong = asked.filter(pl.col("got").ne_missing(pl.col("state")))
    assert wrong.rows() == []
    breached = frame.filter((pl.col("state") == "breached") & ~pl.col("rule").is_in(TOGETHER))
    strange = breached.join(truth.filter(pl.col("state") == "breached"), on=["rule", "unit", "period"], how="anti")
    assert strange.select("rule", "unit", "period").rows() == []
    if plain:
        window = Window(first, last, findings.window.now)
        rows = {
            (r["rule"], r["unit"], r["period"]): r for r in interpret(lake, packs, window, list(packs.rules.values()))
        }
        names = ("state", "value", "numerator", "denominator", "expected", "reported", "left_out", "edition")
        assert len(rows) == len(frame)
        for row in frame.iter_rows(named=True):
            other = rows[row["rule"], row["unit"], row["period"]]
            assert {n: row[n] for n in names} == {n: other[n] for n in names}


def test_what_is_planted_is_found_and_nothing_else(tmp_path: Path) -> None:
    """A fortnight of November with two of each: recall and precision 1, and the interpreter says the same."""
    judged(tmp_path, date(2022, 11, 14), date(2022, 11, 27), 1, items=20, each=2, plain=True)


@pytest.mark.soak
@pytest.mark.parametrize("name", list(WINDOWS)[:1] if SMALL else list(WINDOWS))
@pytest.mark.parametrize("seed", [1] if SMALL else [1, 2, 3])
def test_twenty_violations_and_near_misses_of_each_rule(tmp_path: Path, name: str, seed: int) -> None:
    """Recall and precision on the planted truth are 1 in every window; every finding equals the interpreter's."""
    first, last = WINDOWS[name]
    items = 0 if "returns only" in name else 40
    judged(tmp_path, first, last, seed, items=items, each=4 if SMALL else 20, plain=True)


def test_the_usual_breaches_nothing(tmp_path: Path) -> None:
    """Without plants no rule is breached anywhere."""
    first, last = date(2022, 11, 1), date(2022, 11, 14)
    lake = lake_of(tmp_path, make_world(cw.Case.read("china-2022/tiny"), first, last, 1, items=30, each=0))
    findings = cw.check(lake, first, last)
    assert findings.frame.filter(pl.col("state") == "breached").rows() == []
    assert findings.frame.filter(pl.col("state") == "met").height > 300


def test_one_seed_one_world() -> None:
    """The same seed gives the same records, another seed others."""
    case, days = cw.Case.read("china-2022/tiny"), (date(2022, 7, 4), date(2022, 7, 6))
    one, same, other = (make_world(case, *days, seed, items=10, each=1) for seed in (7, 7, 8))
    assert one.truth.equals(same.truth)
    assert all(one.records[n].equals(same.records[n]) for n in one.records)
    assert not one.records["scan"].equals(other.records["scan"])


def test_units_have_places_of_their_year() -> None:
    """Every outlet lies in a county whose code stood when it opened."""
    units = units_of(cw.Case.read("china-2022/tiny"), date(2022, 11, 1), outlets=3)
    kinds = {u["kind"] for u in units}
    assert {"sorting-centre", "outlet", "village", "station", "operator", "bureau"} <= kinds
    frames = usual_records(units, date(2022, 11, 1), date(2022, 11, 2), 1, items=5)
    assert frames["scan"]["item_id"].n_unique() == 10


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """No two worlds mix."""
    world = make_world(cw.Case.read("china-2022/tiny"), date(2022, 7, 4), date(2022, 7, 4), items=0, each=0)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ClearwayError, match="not empty"):
        world.write(tmp_path)
    with pytest.raises(ClearwayError, match="other way round"):
        make_world(cw.Case.read("china-2022/tiny"), date(2022, 7, 5), date(2022, 7, 4))
