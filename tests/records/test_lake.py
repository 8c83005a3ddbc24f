"""The lake loses nothing: any split, order, repetition or interruption of the same input gives the same records."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearway.core.errors import ClearwayError
from clearway.records import Lake, Report
from clearway.records.lake import storage

from .conftest import NOW

Take = Callable[..., Report]
ROW = st.fixed_dictionaries(
    {
        "facility": st.sampled_from(["330100", "330200", "a-1", "乙站"]),
        "day": st.dates(date(2022, 11, 1), date(2022, 11, 5)),
        "accepted": st.integers(0, 3),
        "known_from": st.datetimes(datetime(2022, 11, 6), datetime(2022, 11, 9)).map(
            lambda t: t.replace(microsecond=0)
        ),
    }
)


def write(rows: list[dict[str, Any]], path: Path, kind: str) -> None:
    """Rows as a file of a kind."""
    frame = pl.DataFrame(
        rows, schema={"facility": pl.String, "day": pl.Date, "accepted": pl.Int64, "known_from": pl.Datetime("us")}
    )
    if kind == "csv":
        frame.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
    elif kind == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_excel(path, worksheet="daily_volume")


def contents(lake: Lake) -> tuple[Any, Any]:
    """All a lake holds, but for when and from where it came."""
    history = lake.history("daily_volume").drop("_batch", "_row").sort(pl.all())
    return lake.read("daily_volume").rows(), history.rows()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(ROW, max_size=12, unique_by=lambda r: (r["facility"], r["day"], r["known_from"])),
    st.lists(st.integers(0, 11), max_size=3),
    st.randoms(use_true_random=False),
    st.lists(st.sampled_from(["csv", "parquet", "xlsx"]), min_size=5, max_size=5),
)
def test_any_split_order_and_repetition(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    cuts: list[int],
    shuffle: random.Random,
    kinds: list[str],
) -> None:
    """One file in order, or several in any order, twice, in any format, compacted in between: the same lake."""
    folder = tmp_path_factory.mktemp("p")
    one = Lake.open(folder / "one")
    write(rows, folder / "daily_volume.csv", "csv")
    one.ingest([folder / "daily_volume.csv"], received=NOW)
    mixed = list(rows)
    shuffle.shuffle(mixed)
    edges = sorted({0, len(mixed), *(c for c in cuts if c <= len(mixed))})
    pieces = [mixed[a:b] for a, b in itertools.pairwise(edges)] or [[]]
    pieces += [shuffle.choice(pieces)]
    shuffle.shuffle(pieces)
    two = Lake.open(folder / "two")
    total = 0
    for number, piece in enumerate(pieces):
        path = folder / f"daily_volume_{number}.{kinds[number]}"
        write(piece, path, kinds[number])
        report = two.ingest([path], received=NOW + timedelta(hours=number), type="daily_volume")
        assert not report.faults and report.accepted + report.repeated == len(piece)
        total += report.accepted
        if shuffle.random() < 0.3:
            two.compact()
    assert total == len(rows)
    assert contents(one) == contents(two)
    assert one.verify().clean and two.verify().clean
    moment = datetime(2022, 11, 7, 12)
    assert one.as_of(moment).read("daily_volume").equals(two.as_of(moment).read("daily_volume"))
    # what goes in comes out: of each key the version known last
    last: dict[Any, Any] = {}
    for row in sorted(rows, key=lambda r: r["known_from"]):
        last[row["facility"], row["day"]] = row["accepted"]
    assert {(r[0], r[1]): r[2] for r in one.read("daily_volume").rows()} == last


def many(count: int, start: int = 0) -> str:
    """Scans over several days."""
    lines = ["event_id,item_id,step,facility,time"]
    lines += [
        f"e{i},SF{i},arrived,33{i % 7:04d},2022-11-{1 + i % 9:02d} 08:{i % 60:02d}" for i in range(start, start + count)
    ]
    return "\n".join(lines) + "\n"


class Faulty:
    """Raises at the n-th call of what touches the disk."""

    def __init__(self, at: int, code: int) -> None:
        self.calls, self.at, self.code = 0, at, code

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self.at:
                raise OSError(self.code, os.strerror(self.code))
            return real(*args, **options)

        return call


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_faults_of_the_disk_at_every_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """EIO on fsync, a full disk, a failed rename: at each call in turn; then the lake is clean and complete once sent again."""
    path = tmp_path / "scan.csv"
    path.write_text(many(300))
    correction = tmp_path / "daily_volume.csv"
    correction.write_text("facility,day,accepted\n330100,2022-11-18,2\n")
    base = Lake.open(tmp_path / "base")
    correction_before = tmp_path / "daily_volume_1.csv"
    correction_before.write_text("facility,day,accepted\n330100,2022-11-18,1\n")
    base.ingest([correction_before], received=NOW)
    for at in range(1, 200):
        shutil.rmtree(tmp_path / "lake", ignore_errors=True)
        shutil.copytree(base.folder, tmp_path / "lake")
        lake = Lake.open(tmp_path / "lake")
        faulty = Faulty(at, code)
        reported = 0
        with monkeypatch.context() as patch:
            for name in ("fsync", "write_frame", "write_array", "write_text", "move"):
                patch.setattr(storage, name, faulty.wrap(getattr(storage, name)))
            try:
                reported = lake.ingest([path, correction], received=datetime(2022, 12, 2)).accepted
                lake.compact()
            except OSError as error:
                assert error.errno == code
        again = Lake.open(tmp_path / "lake")
        verified = again.verify()
        assert verified.clean, (at, verified.problems)
        assert len(again.read("scan")) + len(again.read("daily_volume")) >= reported
        again.ingest([path, correction], received=datetime(2022, 12, 3))
        assert len(again.read("scan")) == 300 and again.read("daily_volume")["accepted"].to_list() == [2], at
        assert len(again.history("daily_volume")) == 2 and again.verify().clean
        if faulty.calls < at:
            return
    raise AssertionError("more calls than were tried")


def test_a_commit_half_moved_is_seen_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash in the middle of the moves: readers see the decided commit, the next writer finishes it."""
    path = tmp_path / "scan.csv"
    path.write_text(many(100))
    lake = Lake.open(tmp_path / "lake")
    real, moves = storage.move, [0]

    def move(source: Path, target: Path) -> None:
        if "journal" not in target.parts:
            moves[0] += 1
            if moves[0] == 4:
                raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "move", move)
        with pytest.raises(KeyboardInterrupt):
            lake.ingest([path], received=NOW)
    assert any((lake.folder / "journal").iterdir())
    assert len(Lake.open(lake.folder).read("scan")) == 100
    assert Lake.open(lake.folder).verify().clean and not any((lake.folder / "journal").iterdir())
    assert lake.ingest([path], received=NOW).repeated == 100


def test_compaction_and_expiry(lake: Lake, take: Take) -> None:
    """Fewer files, the same records; detail goes by its day with its raw copy and its keys, daily values stay."""
    for number in range(4):
        take(many(90, 90 * number), "scan.csv", received=NOW + timedelta(hours=number))
    take("facility,day,accepted\n330100,2022-11-01,5\n")
    before = lake.read("scan")
    figures = lake.compact()
    assert figures["after"] < figures["before"] and lake.read("scan").equals(before) and lake.verify().clean
    removed = lake.expire(date(2023, 2, 3))  # 90 days before is 5 November
    gone = before.filter(pl.col("time") < datetime(2022, 11, 5))
    assert removed == {"scan": len(gone)} and len(lake.read("scan")) == len(before) - len(gone)
    assert lake.verify().clean and len(lake.read("daily_volume")) == 1
    daily = lake.read("scan_daily")
    assert daily["scans"].sum() == len(gone) and daily["day"].max() == date(2022, 11, 4)
    raw = pl.concat([pl.read_parquet(p) for p in (lake.folder / "raw/scan").glob("*.parquet")])
    assert raw["_day"].min() == date(2022, 11, 5) and len(raw) == len(lake.read("scan"))
    assert gone["item_id"][0] not in raw["item_id"].to_list()
    assert lake.expire(date(2023, 2, 3)) == {} and len(lake.read("scan_daily")) == len(daily)


def test_verify_sees_what_is_not_as_written(lake: Lake, take: Take) -> None:
    """A flipped byte, a missing file, a missing index, a copied file."""
    take(many(50), "scan.csv")
    paths = sorted((lake.folder / "data/scan").rglob("*.parquet"))
    kept = paths[0].read_bytes()
    paths[0].write_bytes(kept[:-30] + bytes([kept[-30] ^ 1]) + kept[-29:])
    assert any("bytes are not those" in p for p in lake.verify().problems)
    paths[0].unlink()
    assert any("50 entries for" in p for p in lake.verify().problems)
    paths[0].write_bytes(kept)
    assert lake.verify().clean
    copy = paths[0].with_name("copy." + paths[0].name.split(".", 1)[1])
    copy.write_bytes(kept)
    assert any("more than one current" in p for p in lake.verify().problems)
    copy.unlink()
    shutil.rmtree(lake.folder / "index/scan")
    assert any("lacks" in p for p in lake.verify().problems)


def test_one_writer_at_a_time(lake: Lake, take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second writer waits, then says so; readers are not held up."""
    from clearway.records.lake import journal

    take(many(10), "scan.csv")
    with journal.writing(lake._layout):
        assert len(lake.read("scan")) == 10
        with (
            pytest.raises(ClearwayError, match="Another command is writing"),
            journal.writing(lake._layout, wait_seconds=0.05),
        ):
            pass


def test_settings_of_another_format(lake: Lake) -> None:
    """A lake of a later format is not touched."""
    settings_ = json.loads(lake._layout.settings_file.read_text())
    lake._layout.settings_file.write_text(json.dumps({**settings_, "format": 99}))
    with pytest.raises(ClearwayError, match="format 99"):
        Lake.open(lake.folder)


def test_own_types_are_added_never_changed(lake: Lake, take: Take) -> None:
    """A pack's type is read from the lake's folder; a changed type of the contract is a fault."""
    columns = "type,family,field,kind,key,subject,unit_of_record,time_of_record,required,meaning\n"
    own = lake.folder / "types/own.csv"
    own.write_text(
        columns
        + "belt,return,facility,unit,key,,unit,,required,\nbelt,return,day,date,key,,,time,required,\nbelt,return,rate,number,,,,,,\n"
    )
    assert take("facility,day,rate\n330100,2022-11-18,0.5\n", "belt.csv").accepted == 1
    assert Lake.open(lake.folder).read("belt")["rate"].to_list() == [0.5]
    own.write_text(columns + "drill,return,facility,unit,key,,unit,,required,\ndrill,return,day,date,key,,,time,required,\n"
                   "x,return,a,colour,key,,,time,,\n")  # fmt: skip
    with pytest.raises(ClearwayError) as error:
        _ = Lake.open(lake.folder).types
    assert "declared differently" in str(error.value) and "not a known kind" in str(error.value)
