"""Typed records into the lake: repeats left out, corrections put in their place, all in one commit.

In:     a typed frame of one type, what came in beside it
Out:    counts; rows refused for their key
Not:    reading and checking (records.inputs, records.values)
Words:  known = when a record became known: as it says (``known_from``), else when it was received;
        current = not superseded: ``_until`` is empty; withdrawn = an event declared wrong by its sender

Versions of one key form a chain ordered by when they were known. Each ends (``_until``) where the next begins;
a withdrawal ends where it begins, so that nothing is current after it. The chain does not depend on the order
in which versions arrive, as long as they say when they were known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clearway.records.declared import RecordType
from clearway.records.lake.journal import Commit
from clearway.records.lake.keys import (
    Hashes,
    Index,
    key_hashes,
    paths_of_days,
    version_hashes,
)
from clearway.records.lake.layout import Layout
from clearway.records.values import record_days

MARKS = {
    "_known": pl.Datetime("us"),
    "_until": pl.Datetime("us"),
    "_withdrawn": pl.Boolean(),
    "_batch": pl.String(),
    "_row": pl.Int64(),
    "_origin": pl.String(),
}


@dataclass
class Stored:
    """What became of some records; positions are those of their rows.

    ``conflicts`` are rows refused, by the fault's code; ``superseded`` the keys that a version was superseded of.
    """

    accepted: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    repeated: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    superseded: list[str] = field(default_factory=list)
    conflicts: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """One file of input on its way in."""

    name: str
    received: datetime
    origin: str
    file: str


def empty_frame(rtype: RecordType) -> pl.DataFrame:
    """The columns a type has in the lake, without rows."""
    return pl.DataFrame(schema={**{f.name: f.dtype for f in rtype.fields}, **MARKS})


def store(
    layout: Layout,
    rtype: RecordType,
    typed: pl.DataFrame,
    raw: pl.DataFrame | None,
    batch: Batch,
    part: int,
    told: tuple[Hashes, Hashes] | None = None,
) -> Stored:
    """Keep what is new of a frame, in one commit.

    Parameters
    ----------
    typed
        Declared fields, and ``_stated`` (when it was known, as the record says, or null), ``_withdrawn``, ``_row``.
    raw
        What came in, row by row like ``typed``, without what is about people.
    part
        Number of the frame within its batch.
    told
        Hashes of keys and of contents, where they are known already.
    """
    out = Stored()
    if not len(typed):
        return out
    keys, versions = told or (key_hashes(typed, rtype), version_hashes(typed, rtype))
    order = np.lexsort((versions, keys))
    keys, versions = keys[order], versions[order]
    same_key = np.concatenate([[False], keys[1:] == keys[:-1]])
    again = same_key & np.concatenate([[False], versions[1:] == versions[:-1]])
    index = Index(layout, rtype.name)
    found = index.find(keys, versions)
    repeated = found.repeated | again
    group = np.cumsum(~same_key) - 1
    fresh = ~repeated
    # several versions of one key in one frame
    several = np.bincount(group[fresh], minlength=int(group[-1]) + 1)[group] > 1
    stated = typed["_stated"].is_not_null().to_numpy()[order]
    withdrawn = typed["_withdrawn"].to_numpy()[order]
    unclear = fresh & several & ~stated & ~withdrawn
    groups_unclear = np.bincount(group[unclear], minlength=int(group[-1]) + 1)[group] > 1
    refused = fresh & groups_unclear & ~stated & ~withdrawn
    if refused.any():
        out.conflicts["key_conflict"] = order[refused].tolist()
    take = fresh & ~refused
    chained = take & (found.known | (several & ~refused))
    marked = _marked(typed, batch)
    chain = _Chain(layout, rtype, batch)
    if chained.any():
        days = {d for i in np.flatnonzero(chained) for d in found.days.get(int(i), ())}
        chain.build(marked[order[chained]], days)
        bad = chain.refused
        for code, rows in bad.items():
            positions = order[chained][rows]
            out.conflicts.setdefault(code, []).extend(positions.tolist())
            take[np.flatnonzero(chained)[rows]] = False
    positions = order[take]
    out.repeated, out.accepted = order[repeated], positions
    out.superseded = chain.superseded
    if not len(positions):
        return out
    kept = marked.with_row_index("_at")
    if chain.until is not None:
        kept = kept.update(
            chain.until.with_columns(_at=pl.Series(order[chained][chain.new_rows], dtype=pl.UInt32)), on="_at"
        )
    there = np.sort(positions)
    kept = _rows(kept, there).drop("_at")
    day = record_days(kept, rtype)
    when = np.zeros(len(typed), dtype=np.int64)
    when[there] = day.to_physical().to_numpy()
    with Commit(layout, f"{batch.name}-{part:05d}-{rtype.name}") as commit:
        for folder, frame in _by_day(layout, rtype, kept, day):
            commit.frame(frame, folder)
        chain.rewrite(commit)
        if raw is not None:
            came = _rows(raw, there).with_columns(_row=kept["_row"], _day=day)
            commit.frame(came, f"raw/{rtype.name}")
        index.add(commit, keys[take], versions[take], when[positions])
    return out


def _rows(frame: pl.DataFrame, positions: NDArray[np.intp]) -> pl.DataFrame:
    """Some rows in order; all of them without a copy."""
    return frame if len(positions) == len(frame) else frame[positions]


def _marked(typed: pl.DataFrame, batch: Batch) -> pl.DataFrame:
    received = pl.lit(batch.received, dtype=pl.Datetime("us"))
    known = pl.coalesce(pl.col("_stated"), received)
    return typed.with_columns(
        _known=known,
        _until=pl.when(pl.col("_withdrawn")).then(known),
        _batch=pl.lit(batch.name),
        _row=pl.col("_row").cast(pl.Int64),
        _origin=pl.lit(batch.origin),
    )


def _by_day(layout: Layout, rtype: RecordType, kept: pl.DataFrame, day: pl.Series) -> list[tuple[str, pl.DataFrame]]:
    columns = [*rtype.names, *MARKS]
    if not rtype.by_day:
        return [(layout.folder(rtype.name, None), kept.select(columns))]
    parts = (
        kept.select(columns)
        .with_columns(_day=day)
        .partition_by("_day", as_dict=True, include_key=False, maintain_order=True)
    )
    return [
        (layout.folder(rtype.name, key[0]), frame) for key, frame in sorted(parts.items(), key=lambda p: str(p[0][0]))
    ]


class _Chain:
    """Versions of some keys, old and new, put in order; and the files this changes."""

    def __init__(self, layout: Layout, rtype: RecordType, batch: Batch) -> None:
        self.layout = layout
        self.rtype = rtype
        self.batch = batch
        self.refused: dict[str, list[int]] = {}
        self.superseded: list[str] = []
        self.until: pl.DataFrame | None = None
        self.new_rows: list[int] = []
        self._old: list[tuple[Path, pl.DataFrame]] = []
        self._changed: pl.DataFrame | None = None

    def build(self, new: pl.DataFrame, days: set[int]) -> None:
        """Order the versions of the keys of ``new`` with those in the files of some days."""
        key = list(self.rtype.key)
        new = new.with_columns(_file=pl.lit(-1), _place=pl.int_range(len(new)))
        wanted = new.select(key).unique()
        old = []
        for number, path in enumerate(paths_of_days(self.layout, self.rtype, days)):
            frame = pl.read_parquet(path)
            self._old.append((path, frame))
            hit = frame.with_columns(_place=pl.int_range(len(frame)), _file=pl.lit(number)).join(
                wanted, on=key, how="semi"
            )
            if len(hit):
                old.append(hit)
        columns = [*key, "_known", "_until", "_withdrawn", "_batch", "_file", "_place"]
        new = self._refuse(new, old, key)
        if not len(new):
            return
        every = pl.concat([new.select(columns), *[o.select(columns) for o in old]], how="vertical_relaxed")
        every = every.sort([*key, "_known", "_batch", "_place"], maintain_order=True)
        chained = every.with_columns(
            _next=pl.col("_known").shift(-1).over(key),
            _gone=pl.col("_known").filter(pl.col("_withdrawn")).min().over(key),
        ).with_columns(
            # nothing of a withdrawn event is current, in whatever order its versions came
            _end=pl.when(pl.col("_withdrawn"))
            .then(pl.col("_known"))
            .when(pl.col("_gone").is_not_null())
            .then(pl.max_horizontal("_known", "_gone"))
            .otherwise(pl.col("_next"))
        )
        mine = chained.filter(pl.col("_file") < 0).sort("_place")
        theirs = chained.filter((pl.col("_file") >= 0) & pl.col("_end").ne_missing(pl.col("_until")))
        gone = [theirs.filter(pl.col("_until").is_null())]
        gone.append(mine.filter(pl.col("_end").is_not_null() & ~pl.col("_withdrawn")))
        self.superseded = [str(k) for part in gone for k in part[key[0]].to_list()]
        self.until = mine.select(_until=pl.col("_end"))
        self.new_rows = mine["_place"].to_list()
        self._changed = theirs

    def _refuse(self, new: pl.DataFrame, old: list[pl.DataFrame], key: list[str]) -> pl.DataFrame:
        """Take out what may not supersede: rows of one batch that differ, and events that changed silently."""
        if not old:
            return new
        there = pl.concat([o.select([*key, "_batch", "_withdrawn"]) for o in old], how="vertical_relaxed")
        silent = pl.col("_stated").is_null() & ~pl.col("_withdrawn")
        same_batch = there.filter((pl.col("_batch") == self.batch.name) & ~pl.col("_withdrawn")).select(key).unique()
        twice = new.filter(silent).join(same_batch, on=key, how="semi")
        if len(twice):
            self.refused["key_conflict"] = twice["_place"].to_list()
        changed = new.clear()
        if self.rtype.family == "event":
            # an original that comes after its own withdrawal is no change
            standing = there.filter(~pl.col("_withdrawn")).select(key).unique()
            changed = new.filter(silent).join(standing, on=key, how="semi").join(twice, on="_place", how="anti")
            if len(changed):
                self.refused["event_conflict"] = changed["_place"].to_list()
        gone = {p for rows in self.refused.values() for p in rows}
        return new.filter(~pl.col("_place").is_in(list(gone))) if gone else new

    def rewrite(self, commit: Commit) -> None:
        """Replace the files in which something was superseded."""
        if self._changed is None or not len(self._changed):
            return
        for (number,), rows in self._changed.partition_by("_file", as_dict=True).items():
            path, frame = self._old[number]
            ends = frame["_until"].scatter(rows["_place"].to_list(), rows["_end"])
            folder = path.parent.relative_to(self.layout.root).as_posix()
            commit.frame(frame.with_columns(_until=ends), folder)
            commit.remove(path)
