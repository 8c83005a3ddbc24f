"""Keys already in the lake: sorted runs of hashes that tell new records from repeats and corrections.

In:     hashes of keys and of contents, days
Out:    for each record: new, repeated, or another version of a known key and the days where that lies
Not:    the records themselves (store.py)
Words:  run = one sorted array (3, n): key, version, day; version = hash of a record's contents
Source: log-structured merge trees (O'Neil et al. 1996): small runs are merged into larger ones

A repeat is told by 128 bits, key and version; that a key is known by 64 and then looked up in the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray

from clearway.records.declared import RecordType
from clearway.records.lake.journal import Commit
from clearway.records.lake.layout import Layout

Hashes = NDArray[np.uint64]
# merging larger runs would take more memory than looking through several
LARGEST_RUN = 4_000_000
_EPOCH = date(1970, 1, 1)
_SEPARATOR, _NULL = "\x1f", "\x00"


def canonical(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """The values of some columns as one text that is the same wherever and whenever it is made."""
    columns = []
    for name in names:
        dtype, column = frame.schema[name], pl.col(name)
        if frame[name].null_count() == len(frame):
            columns.append(pl.lit(_NULL))
            continue
        if dtype.is_float():  # to 6 decimals, as sums are kept
            column = (column * 1e6).round().cast(pl.Int64, strict=False)
        elif dtype.is_temporal():
            column = column.to_physical()
        columns.append(column.cast(pl.String).fill_null(_NULL))
    return frame.select(pl.concat_str(columns, separator=_SEPARATOR)).to_series()


def hashes(text: pl.Series) -> Hashes:
    """XXH3 of each text, the first 64 of 128 bits."""
    joined = b"".join(map(xxhash.xxh3_128_digest, text.cast(pl.Binary).to_list()))
    return np.frombuffer(joined, dtype=">u8")[::2].astype(np.uint64)


def key_hashes(frame: pl.DataFrame, rtype: RecordType) -> Hashes:
    """Hashes of the records' keys."""
    return hashes(canonical(frame, rtype.key))


def version_hashes(frame: pl.DataFrame, rtype: RecordType) -> Hashes:
    """Hashes of the records' contents, with what they say of when they were known."""
    return hashes(canonical(frame, (*rtype.names, "_stated", "_withdrawn")))


@dataclass(frozen=True)
class Found:
    """What is known of some records: a repeat of one there; a key that is there; the days it lies on."""

    repeated: NDArray[np.bool_]
    known: NDArray[np.bool_]
    days: dict[int, set[int]]


class Index:
    """The runs of one type."""

    def __init__(self, layout: Layout, kind: str) -> None:
        self.layout = layout
        self.kind = kind
        self.folder = layout.index / kind
        self.paths = sorted(self.folder.glob("*.npy"), key=lambda p: p.stat().st_size) if self.folder.is_dir() else []
        self.runs = [np.load(p, mmap_mode="r", allow_pickle=False) for p in self.paths]

    def find(self, keys: Hashes, versions: Hashes) -> Found:
        """Look up sorted keys."""
        repeated = np.zeros(len(keys), dtype=bool)
        known = np.zeros(len(keys), dtype=bool)
        days: dict[int, set[int]] = {}
        for run in self.runs:
            there, contents, when = run[0], run[1], run[2]
            at = np.searchsorted(there, keys, side="left")
            open_ = np.arange(len(keys))
            while len(open_):
                inside = at[open_] < there.shape[0]
                open_ = open_[inside]
                open_ = open_[there[at[open_]] == keys[open_]]
                known[open_] = True
                same = contents[at[open_]] == versions[open_]
                repeated[open_[same]] = True
                for index in open_[~same]:
                    days.setdefault(int(index), set()).add(int(when[at[index]].astype(np.int64)))
                at[open_] += 1
        return Found(repeated, known, days)

    def add(self, commit: Commit, keys: Hashes, versions: Hashes, days: NDArray[np.int64]) -> None:
        """Write a run of new entries, taking in the runs that are not much larger."""
        parts = [np.stack([keys, versions, days.astype(np.int64).view(np.uint64)])]
        size = len(keys)
        for path, run in zip(self.paths, self.runs, strict=True):
            if run.shape[1] > 2 * size or size + run.shape[1] > LARGEST_RUN:
                break
            parts.append(np.asarray(run))
            size += run.shape[1]
            commit.remove(path)
        commit.array(_sorted(np.concatenate(parts, axis=1)), f"index/{self.kind}")

    def entries(self) -> NDArray[np.uint64]:
        """All entries, sorted by key."""
        if not self.runs:
            return np.zeros((3, 0), dtype=np.uint64)
        return _sorted(np.concatenate([np.asarray(r) for r in self.runs], axis=1))

    def keep_from(self, commit: Commit, first: date) -> None:
        """Forget entries of days before one."""
        limit = days_since(first)
        for path, run in zip(self.paths, self.runs, strict=True):
            kept = np.asarray(run)[:, np.asarray(run[2]).view(np.int64) >= limit]
            if kept.shape[1] < run.shape[1]:
                commit.remove(path)
                if kept.shape[1]:
                    commit.array(np.ascontiguousarray(kept), f"index/{self.kind}")


def _sorted(entries: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(entries[:, np.argsort(entries[0], kind="stable")])


def days_since(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day of such a number."""
    return _EPOCH + timedelta(days=number)


def paths_of_days(layout: Layout, rtype: RecordType, numbers: set[int]) -> list[Path]:
    """The data files in which records of some days lie."""
    if not rtype.by_day:
        return layout.current(rtype.name)
    paths: list[Path] = []
    for number in sorted(numbers):
        day = day_of(number)
        paths += sorted((layout.root / layout.folder(rtype.name, day)).glob("*.parquet"))
    return paths
