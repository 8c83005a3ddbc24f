"""Upkeep of a lake: files put together, detail that is past its time removed, everything looked at.

In:     a lake's layout, its types and retention
Out:    fewer files; daily values in place of detail; what verify found
Not:    taking in (store.py)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import xxhash

from clearway.records.declared import RecordType
from clearway.records.lake import storage
from clearway.records.lake.journal import Commit
from clearway.records.lake.keys import Index, key_hashes
from clearway.records.lake.layout import Layout
from clearway.records.lake.store import Batch, empty_frame, store
from clearway.records.values import record_days

# files larger than this are left as they are
_FULL = 256 << 20


def compact(layout: Layout, types: Mapping[str, RecordType], told: Callable[[int], None]) -> dict[str, int]:
    """One file for each type and day, where there are several."""
    before = after = 0
    for kind in list(layout.kinds()):
        rtype = types.get(kind)
        groups: dict[Path, list[Path]] = {}
        for path in layout.current(kind):
            groups.setdefault(path.parent, []).append(path)
            before += 1
        for folder, paths in groups.items():
            small = [p for p in paths if p.stat().st_size < _FULL]
            after += len(paths) - len(small) + bool(small)
            if len(small) < 2 or rtype is None:
                continue
            frame = pl.concat([pl.read_parquet(p, hive_partitioning=False) for p in small], how="vertical_relaxed")
            order = [c for c in (rtype.unit, rtype.time, *rtype.key) if c is not None]
            with Commit(layout, _name(f"compact-{kind}", small)) as commit:
                commit.frame(
                    frame.sort(list(dict.fromkeys(order)), maintain_order=True),
                    folder.relative_to(layout.root).as_posix(),
                )
                for path in small:
                    commit.remove(path)
            told(len(small))
    return {"before": before, "after": after}


def _name(stem: str, paths: Iterable[Path]) -> str:
    """A commit's name: what it does, and a digest of the files it is about, which no later one shares."""
    return f"{stem}-{xxhash.xxh3_64_hexdigest('|'.join(sorted(p.name for p in paths)).encode())}"


def expire(
    layout: Layout, types: Mapping[str, RecordType], retention: Mapping[str, int], today: date
) -> dict[str, int]:
    """Remove records, raw copies, refused rows and keys of days past their retention."""
    removed: dict[str, int] = {}
    for kind, days in retention.items():
        first = today - timedelta(days=days)
        rtype = types.get(kind)
        old = [d for d in layout.days(kind) if d < first]
        if kind == "scan":
            for day in old:
                _keep_daily(layout, types, day, today)
        for day in old:
            paths = layout.current(kind, day, day)
            removed[kind] = removed.get(kind, 0) + sum(_rows(p) for p in paths)
            with Commit(layout, _name(f"expire-{kind}", paths)) as commit:
                for path in paths:
                    commit.remove(path)
        if rtype is not None:
            index = Index(layout, kind)
            with Commit(layout, _name(f"expire-{kind}-keys", index.paths)) as commit:
                index.keep_from(commit, first)
        _expire_raw(layout, kind, first)
    oldest = today - timedelta(days=min(retention.values(), default=36_500))
    for path in layout.rejected.iterdir():
        if not path.name.endswith(".part") and path.name[:8].isdigit() and path.name[:8] < f"{oldest:%Y%m%d}":
            path.unlink()
    return removed


def _rows(path: Path) -> int:
    return int(pl.scan_parquet(path, hive_partitioning=False).select(pl.len()).collect().item())


def _keep_daily(layout: Layout, types: Mapping[str, RecordType], day: date, today: date) -> None:
    """Counts of a day's scans, kept under a type of their own; made once, before the first of the day goes.

    What is sent for such a day later cannot be told from repeats, since keys go with the detail: it does not
    change the counts.
    """
    daily = types["scan_daily"]
    if layout.current("scan_daily", day, day):
        return
    scans = pl.scan_parquet(layout.current("scan", day, day), hive_partitioning=False).filter(
        pl.col("_until").is_null()
    )
    for (origin,), part in scans.collect().partition_by("_origin", as_dict=True).items():
        counts = (
            part.group_by("facility", pl.col("step"), pl.col("item_class").fill_null("other"))
            .len("scans")
            .with_columns(day=pl.lit(day), scans=pl.col("scans").cast(pl.Int64))
            .sort("facility", "step", "item_class")
            .with_columns(_stated=pl.lit(None, dtype=pl.Datetime("us")), _withdrawn=pl.lit(False), _row=pl.lit(0))
        )
        received = datetime.combine(today, datetime.min.time())
        batch = Batch(f"{today:%Y%m%d}T000000000000-daily-{day:%Y%m%d}-{origin}", received, str(origin), "expiry")
        store(layout, daily, counts, None, batch, 0)


def _expire_raw(layout: Layout, kind: str, first: date) -> None:
    for path in layout.current(kind, tree="raw"):
        days = pl.scan_parquet(path, hive_partitioning=False).select(pl.col("_day").min()).collect().item()
        if days is None or days >= first:
            continue
        kept = pl.read_parquet(path, hive_partitioning=False).filter(pl.col("_day") >= first)
        with Commit(layout, _name(f"expire-raw-{kind}", [path])) as commit:
            commit.remove(path)
            if len(kept):
                commit.frame(kept, f"raw/{kind}")


@dataclass
class Verified:
    """What a look at every file found; ``problems`` is empty where all is well."""

    files: int = 0
    rows: int = 0
    types: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify(layout: Layout, types: Mapping[str, RecordType]) -> Verified:
    """Read the whole lake."""
    found = Verified()
    counted: Counter[tuple[str, str]] = Counter()
    indexed = {p.name for p in layout.index.iterdir()}
    for kind in sorted({*layout.kinds(), *indexed}):
        rtype = types.get(kind)
        if rtype is None:
            found.problems.append(f"data/{kind}: no such record type; put its declaration back into types/")
            continue
        entries = []
        for path in layout.current(kind):
            frame = _verified_file(path, rtype, layout, found)
            if frame is not None:
                found.rows += len(frame)
                found.types[kind] = found.types.get(kind, 0) + frame["_until"].null_count()
                for batch, rows in frame.group_by("_batch").len().iter_rows():
                    counted[(batch, kind)] += rows
                entries.append(_entries(frame, rtype))
        _verify_keys(layout, rtype, entries, found)
    for kind in list(layout.kinds("raw")):
        for path in layout.current(kind, tree="raw"):
            _verified_digest(path, layout, found)
    _verify_receipts(layout, counted, found)
    for name in ("journal", "staging"):
        left = [p.name for p in (layout.root / name).iterdir()]
        if left:
            found.problems.append(f"{name}/: left over: {', '.join(left[:5])}")
    return found


def _verified_digest(path: Path, layout: Layout, found: Verified) -> bool:
    found.files += 1
    name = path.relative_to(layout.root).as_posix()
    try:
        right = storage.digest(path) == path.stem.rsplit(".", 1)[-1]
    except OSError as error:
        found.problems.append(f"{name}: {error.strerror}")
        return False
    if not right:
        found.problems.append(f"{name}: its bytes are not those that were written; take it from a backup")
    return right


def _verified_file(path: Path, rtype: RecordType, layout: Layout, found: Verified) -> pl.DataFrame | None:
    if not _verified_digest(path, layout, found):
        return None
    name = path.relative_to(layout.root).as_posix()
    try:
        frame = pl.read_parquet(path, hive_partitioning=False)
    except Exception as error:
        found.problems.append(f"{name}: cannot be read ({type(error).__name__})")
        return None
    if frame.schema != empty_frame(rtype).schema:
        found.problems.append(f"{name}: its columns are not those of {rtype.name}")
        return None
    if rtype.by_day and len(frame):
        days = record_days(frame, rtype).unique().to_list()
        if days != [date.fromisoformat(path.parent.name[5:])]:
            found.problems.append(f"{name}: holds records of other days")
    return frame


def _entries(frame: pl.DataFrame, rtype: RecordType) -> pl.DataFrame:
    """Keys of a file's rows, told anew from their contents, and which are current."""
    return pl.DataFrame({"k": key_hashes(frame, rtype), "current": frame["_until"].is_null()})


def _verify_keys(layout: Layout, rtype: RecordType, entries: list[pl.DataFrame], found: Verified) -> None:
    every = pl.concat(entries) if entries else pl.DataFrame(schema={"k": pl.UInt64, "current": pl.Boolean})
    twice = every.filter("current").group_by("k").len().filter(pl.col("len") > 1).height
    if twice:
        found.problems.append(f"data/{rtype.name}: {twice} keys have more than one current record")
    keys = Index(layout, rtype.name).entries()[0]
    missing = int((~np.isin(every["k"].to_numpy(), keys)).sum())
    if missing:
        found.problems.append(f"index/{rtype.name}: lacks {missing} keys that are in the data")
    if len(keys) != len(every):
        found.problems.append(f"index/{rtype.name}: has {len(keys)} entries for {len(every)} records")


def _verify_receipts(layout: Layout, counted: Mapping[tuple[str, str], int], found: Verified) -> None:
    for path in sorted(layout.batches.glob("*.json")):
        try:
            receipt = json.loads(path.read_text(encoding="utf-8"))
            figures = receipt["rows"].items()
        except (OSError, ValueError, KeyError, AttributeError):
            found.problems.append(f"batches/{path.name}: cannot be read")
            continue
        for kind, said in figures:
            there = counted.get((receipt["batch"], kind), 0)
            # expiry removes records, never adds any
            if there > said or (there < said and kind not in layout.settings().retention):
                found.problems.append(f"batches/{path.name}: accepted {said} of {kind}, {there} are there")
