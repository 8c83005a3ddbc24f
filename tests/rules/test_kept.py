"""What is kept from one evaluation to the next: the same findings as without it, and only what is touched is read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from clearway.records import Lake
from clearway.rules import Packs, check, evaluating, load_packs
from clearway.rules.compiled.bench import Bench
from clearway.rules.compiled.keeping import Keeping
from clearway.rules.testing import fill
from tests.rules import test_engines as engines
from tests.rules.conftest import HEAD, TOPIC

SMALL = os.environ.get("CLEARWAY_SOAK_SHARE") == "small"
FIRST, LAST = engines.FIRST, engines.LAST
MOMENTS = (datetime(2022, 11, 17, 9), datetime(2022, 11, 20, 23), datetime(2022, 11, 21, 6), datetime(2023, 6, 1))
PACK = """
rules:
  - id: own-delivered
    title: {zh: 三日, en: delivered}
    measure:
      unit: share
      kind: share
      of: scan
      base: step = 'accepted'
      match: {related: {where: step = 'delivered', after: true, within: 72 hours}}
      per: [facility, day]
    values: {2020-01-01: {at_least: 0.9, cite: x}}
    authority: {place: CN}
    force: order
    basis: text
    last_checked: 2026-01-01
  - id: own-outlets
    title: {zh: 网点, en: outlets}
    measure: {unit: count, kind: count, of: scan, base: facility.kind = 'outlet', per: [facility, day]}
    values: {2020-01-01: {at_least: 1, cite: x}}
    authority: {place: CN}
    force: order
    basis: text
    last_checked: 2026-01-01
"""


def judged(lake: Lake, packs: Packs, now: datetime, *, keep: bool) -> pl.DataFrame:
    """Findings as on a day: the clock stands still at ``now``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluating, "_known", lambda lake, at: (lake, now))
        if not keep:
            patch.setattr(Keeping, "of", lambda lake: Keeping(None))
        return check(lake, FIRST, LAST, packs=packs).frame


@contextmanager
def reading() -> Iterator[list[tuple[str, date, date]]]:
    """The record types and days that are asked for meanwhile."""
    asked: list[tuple[str, date, date]] = []
    plain = Bench.ask

    def ask(self: Bench, what: object, source: Any, first: date, last: date, *words: Any, **more: Any) -> Any:
        asked.append((source.rtype.name, first, last))
        return plain(self, what, source, first, last, *words, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bench, "ask", ask)
        yield asked


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_kept_rows_change_no_finding(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Records, corrections and registers that come in any order, evaluated as they come."""
    _grow(tmp_path_factory.mktemp("kept"), data)


@pytest.mark.soak
@settings(max_examples=40 if SMALL else 600, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_kept_rows_change_no_finding_at_length(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """The same on many more."""
    _grow(tmp_path_factory.mktemp("kept"), data)


def _grow(folder: Path, data: Any) -> None:
    scans = [{**r, "event_id": f"e{i}"} for i, r in enumerate(data.draw(engines.scans, label="scans"))]
    volumes = data.draw(engines.volumes, label="volumes")
    complaints = [{**r, "case_id": f"c{i}"} for i, r in enumerate(data.draw(engines.complaints, label="complaints"))]
    rows: list[tuple[str, dict[str, Any]]] = [("scan", r) for r in scans]
    rows += [("daily_volume", r) for r in volumes] + [("complaint", r) for r in complaints]
    rows += [("shift", r) for r in data.draw(engines.shifts, label="shifts")]
    registers = data.draw(engines.registers, label="registers")
    rows += [(name, r) for name, mine in registers.items() for r in mine]
    units = engines.unit_rows(True)
    rows.append(("unit", units.pop()))
    steps: list[list[tuple[str, dict[str, Any]]]] = [[("unit", r) for r in units], [], [], []]
    for row in rows:
        steps[data.draw(st.integers(0, 3))].append(row)
    for step in (2, 3):  # corrections
        before = [r for s in steps[:step] for n, r in s if n == "daily_volume"]
        again = data.draw(st.lists(st.sampled_from(before), max_size=2, unique_by=id)) if before else []
        steps[step] += [("daily_volume", {**r, "accepted": 4, "delivered": step}) for r in again]
    declared = data.draw(st.lists(engines.rules(), min_size=3, max_size=5), label="rules")
    engines.write_declared(folder / "pack", declared)
    packs = load_packs([str(folder / "pack")])
    lake = Lake.open(folder / "lake")
    for n, (step_rows, now) in enumerate(zip(steps, MOMENTS, strict=True)):
        by_type: dict[str, list[dict[str, Any]]] = {}
        for name, row in step_rows:
            by_type.setdefault(name, []).append(row)
        fill(lake, [by_type], received=datetime(2022, 11, 21) + timedelta(days=n))
        assert_frame_equal(judged(lake, packs, now, keep=True), judged(lake, packs, now, keep=False))


@pytest.fixture
def grown(tmp_path: Path) -> tuple[Lake, Packs]:
    """A week of two outlets, evaluated once."""
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(HEAD, encoding="utf-8")
    (folder / "topic.yaml").write_text(TOPIC + PACK, encoding="utf-8")
    packs = load_packs([str(folder)])
    lake = Lake.open(tmp_path / "lake")
    scans = [
        {"event_id": f"{unit}{n}{step}", "item_id": f"{unit}{n}", "step": step, "facility": unit,
         "time": datetime(2022, 11, 14, 9) + timedelta(days=n, hours=late)}
        for unit in ("u1", "u2") for n in range(7) for step, late in (("accepted", 0), ("delivered", 40))
    ]  # fmt: skip
    fill(lake, [{"unit": engines.unit_rows(False), "scan": scans}])
    judged(lake, packs, MOMENTS[-1], keep=True)
    return lake, packs


def late(day: date, name: str = "late") -> dict[str, Any]:
    return {"event_id": name, "item_id": name, "step": "accepted", "facility": "u1",
            "time": datetime(day.year, day.month, day.day, 20)}  # fmt: skip


def test_nothing_new_reads_nothing(grown: tuple[Lake, Packs]) -> None:
    """A second evaluation asks for no records at all and finds the same."""
    lake, packs = grown
    with reading() as asked:
        again = judged(lake, packs, MOMENTS[-1], keep=True)
    assert asked == []
    assert_frame_equal(again, judged(lake, packs, MOMENTS[-1], keep=False))


def test_a_late_record_touches_its_day_and_those_that_look_at_it(grown: tuple[Lake, Packs]) -> None:
    """Within 72 hours after: a record of the 18th is looked at from the 15th on."""
    lake, packs = grown
    fill(lake, [{"scan": [late(date(2022, 11, 18))]}])
    with reading() as asked:
        judged(lake, packs, MOMENTS[-1], keep=True)
    assert set(asked) == {
        ("scan", date(2022, 11, 15), date(2022, 11, 18)),
        ("scan", date(2022, 11, 18), date(2022, 11, 18)),
    }


def test_days_that_still_wait_are_read_again(grown: tuple[Lake, Packs]) -> None:
    """In the night of the 20th the parcels of the 18th and later may still arrive in 72 hours: not kept."""
    lake, packs = grown
    now = datetime(2022, 11, 20, 23)
    (lake.folder / "measures" / "kept.sqlite").unlink()
    judged(lake, packs, now, keep=True)
    with reading() as asked:
        judged(lake, packs, now, keep=True)
    assert set(asked) == {("scan", date(2022, 11, 18), LAST)}


def test_another_register_touches_what_was_joined_with_it(grown: tuple[Lake, Packs]) -> None:
    """Units that change are another reading for the rule that asks for their kind, not for the other."""
    lake, packs = grown
    fill(lake, [{"unit": [engines.unit_rows(True)[-1]]}])
    with reading() as asked:
        judged(lake, packs, MOMENTS[-1], keep=True)
    assert asked == [("scan", FIRST, LAST)]


def test_expired_detail_leaves_its_values(grown: tuple[Lake, Packs]) -> None:
    """After the scans of these days have expired, what was kept of them still stands."""
    lake, packs = grown
    before = judged(lake, packs, MOMENTS[-1], keep=True)
    fill(lake, [{"scan": [late(date(2023, 5, 1))]}])
    assert lake.expire(date(2023, 5, 2))["scan"] == 28
    assert judged(lake, packs, MOMENTS[-1], keep=False).is_empty()
    assert_frame_equal(judged(lake, packs, MOMENTS[-1], keep=True), before)


def test_single_records_of_what_expires_are_not_kept(grown: tuple[Lake, Packs], tmp_path: Path) -> None:
    """Gaps between scans need single scans: their item ids are not in what is kept, days of returns are."""
    lake, _ = grown
    folder = tmp_path / "single"
    engines.write_declared(
        folder,
        [
            {"title": {"zh": "甲", "en": "a"}, "values": {"2022-01-01": {"at_most": 1, "cite": "x"}}, "basis": "text",
             "authority": {"place": "CN"}, "force": "order", "last_checked": "2026-01-01",
             "measure": {"unit": "hours", "kind": "interval", "of": "scan", "subject": "item_id",
                         "per": ["facility", "week"]}},
            {"title": {"zh": "甲", "en": "a"}, "values": {"2022-01-01": {"at_most": 1, "cite": "x"}}, "basis": "text",
             "authority": {"place": "CN"}, "force": "order", "last_checked": "2026-01-01",
             "measure": {"unit": "hours", "kind": "level", "of": "daily_volume", "value": "oldest_waiting_h",
                         "per": ["facility", "week"]}},
        ],
    )  # fmt: skip
    packs = load_packs([str(folder)])
    (lake.folder / "measures" / "kept.sqlite").unlink()
    assert not judged(lake, packs, MOMENTS[-1], keep=True).is_empty()
    with reading() as asked:
        judged(lake, packs, MOMENTS[-1], keep=True)
    assert {name for name, *_ in asked} == {"scan"}


def test_what_is_kept_may_go_or_break(grown: tuple[Lake, Packs], monkeypatch: pytest.MonkeyPatch) -> None:
    """Removed, overwritten, locked or without the right to write: the findings are the same."""
    lake, packs = grown
    right = judged(lake, packs, MOMENTS[-1], keep=False)
    file = lake.folder / "measures" / "kept.sqlite"
    file.write_bytes(b"not a database, though as long as one has to be" * 100)
    assert_frame_equal(judged(lake, packs, MOMENTS[-1], keep=True), right)
    with reading() as asked:
        judged(lake, packs, MOMENTS[-1], keep=True)
    assert asked == []
    file.unlink()
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("clearway.rules.compiled.keeping.PATIENCE_S", 0.01)
    assert_frame_equal(judged(lake, packs, MOMENTS[-1], keep=True), right)
    holder.close()
