"""Rows of days that one evaluation leaves for the next.

In:     a lake
Out:    LAKE/measures/kept.sqlite
Not:    whether rows still hold (daily.py), texts of queries (texts.py)
Words:  chunk = rows of some days of one query, as they were found together

Nothing here is needed: it can be removed at any time and is made again from the records, but for days whose detail
has expired. A lake seen as of a time keeps nothing, since files tell only what is known now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from clearway.records import Lake

FORMAT = 1
PATIENCE_S = 10.0
_UNUSED_DAYS = 400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS queries (id INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, used TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (id INTEGER PRIMARY KEY, query INTEGER NOT NULL, rows BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS days (
  query INTEGER NOT NULL, day TEXT NOT NULL, chunk INTEGER NOT NULL, made_of TEXT NOT NULL, PRIMARY KEY (query, day)
) WITHOUT ROWID;
"""


class Held(NamedTuple):
    """Rows of one day: where they are and what they were made of."""

    chunk: int
    made_of: str


class Keeping:
    """Rows of one lake; without a connection nothing is kept."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._db = connection
        self._new_rows: list[tuple[str, pl.DataFrame, Mapping[date, str]]] = []
        self._used: set[str] = set()

    @staticmethod
    def of(lake: Lake) -> Keeping:
        """What is kept of a lake; nothing where it is seen as of a time or cannot be written to."""
        if lake.seen_as_of is not None:
            return Keeping(None)
        file = lake.folder / "measures" / "kept.sqlite"
        try:
            return Keeping(_opened(file))
        except sqlite3.OperationalError:
            return Keeping(None)  # read-only, or in use for longer than anybody waits
        except sqlite3.DatabaseError:
            file.unlink(missing_ok=True)  # not what was written: it is made again
            return Keeping(_opened(file))

    @property
    def keeps_rows(self) -> bool:
        """Whether rows are kept at all."""
        return self._db is not None

    def held(self, key: str, first: date, last: date) -> dict[date, Held]:
        """The days of a query of which rows are there."""
        if self._db is None:
            return {}
        self._used.add(key)
        found = self._db.execute(
            "SELECT day, chunk, made_of FROM days JOIN queries ON queries.id = query "
            "WHERE key = ? AND day BETWEEN ? AND ?",
            (key, first.isoformat(), last.isoformat()),
        )
        return {date.fromisoformat(day): Held(chunk, made) for day, chunk, made in found}

    def rows(self, held: Mapping[date, Held]) -> list[pl.LazyFrame] | None:
        """Rows of some days, chunk by chunk; ``None`` where another evaluation has put others in their place."""
        if self._db is None:
            return []
        days_of: dict[int, list[date]] = {}
        for day, one in held.items():
            days_of.setdefault(one.chunk, []).append(day)
        frames = []
        for chunk, days in days_of.items():
            found = self._db.execute("SELECT rows FROM chunks WHERE id = ?", (chunk,)).fetchone()
            if found is None:
                return None
            frame = pl.DataFrame(pa.ipc.open_file(found[0]).read_all())
            frames.append(frame.lazy().filter(pl.col("_day").is_in(days)))
        return frames

    def add_rows(self, key: str, frame: pl.DataFrame, days: Mapping[date, str]) -> None:
        """Keep rows of some days: what each was made of."""
        if self._db is not None:
            self._new_rows.append((key, frame, days))

    def write(self, today: date) -> None:
        """Write what is new, all of it or none."""
        if self._db is None or not self._new_rows:
            return
        try:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                for key, frame, days in self._new_rows:
                    self._write_rows(key, frame, days, today)
                self._forget(today)
        except sqlite3.OperationalError:
            return  # another evaluation is writing, or the disk is full: nothing is lost but time
        self._new_rows.clear()

    def _write_rows(self, key: str, frame: pl.DataFrame, days: Mapping[date, str], today: date) -> None:
        assert self._db is not None
        self._db.execute(
            "INSERT INTO queries (key, used) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET used = excluded.used",
            (key, today.isoformat()),
        )
        (query,) = self._db.execute("SELECT id FROM queries WHERE key = ?", (key,)).fetchone()
        table, sink = frame.to_arrow(), pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(table)
        blob = memoryview(sink.getvalue())
        chunk = self._db.execute("INSERT INTO chunks (query, rows) VALUES (?, ?)", (query, blob)).lastrowid
        rows = [(query, day.isoformat(), chunk, made_of) for day, made_of in days.items()]
        self._db.executemany("INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?)", rows)

    def _forget(self, today: date) -> None:
        """Chunks no day of which is the latest, and what nobody has asked for in a long time."""
        assert self._db is not None
        self._db.executemany(
            "UPDATE queries SET used = ? WHERE key = ?", [(today.isoformat(), key) for key in sorted(self._used)]
        )
        old = date.fromordinal(today.toordinal() - _UNUSED_DAYS).isoformat()
        self._db.execute("DELETE FROM days WHERE query IN (SELECT id FROM queries WHERE used < ?)", (old,))
        self._db.execute("DELETE FROM queries WHERE used < ?", (old,))
        self._db.execute("DELETE FROM chunks WHERE id NOT IN (SELECT chunk FROM days)")


def _opened(file: Path) -> sqlite3.Connection:
    try:
        file.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise sqlite3.OperationalError(str(error)) from error
    db = sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)
    if _format(db) != FORMAT:
        with db:
            db.execute("BEGIN IMMEDIATE")
            if _format(db) == FORMAT:
                return db  # another evaluation was first
            for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                db.execute(f'DROP TABLE "{name}"')
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {FORMAT}")
    return db


def _format(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
