"""Queries as text: building one takes ten times as long as running it, so each is built once on a machine.

In:     texts of queries and what they depend on
Out:    the user's cache folder/texts.sqlite
Not:    building and running them (bench.py)
"""

from __future__ import annotations

import sqlite3
from functools import cache
from importlib.metadata import version
from pathlib import Path

from clearway.core.caches import cache_folder, digest_of_sources

_MOST = 5_000
_ROOM = Path(__file__).parents[1]
# those this process has met
_known: dict[str, str] = {}


class Texts:
    """Texts that this code made, with these versions of what builds and runs them; for one thread."""

    def __init__(self) -> None:
        self._new: dict[str, str] = {}
        self._db: sqlite3.Connection | None = None

    def __getitem__(self, key: str) -> str | None:
        if key not in _known:
            try:
                found = self._open().execute("SELECT text FROM texts WHERE key = ?", (key,)).fetchone()
            except sqlite3.DatabaseError:
                return None
            if found is None:
                return None
            _known[key] = found[0]
        return _known[key]

    def add(self, key: str, text: str) -> None:
        """Keep a text."""
        _known[key] = self._new[key] = text

    def write(self) -> None:
        """Write what is new; where that is not possible it is built again some other time."""
        try:
            if self._new:
                with self._open() as db:
                    rows = list(self._new.items())
                    db.executemany("INSERT OR IGNORE INTO texts (key, text) VALUES (?, ?)", rows)
                    db.execute("DELETE FROM texts WHERE id <= (SELECT max(id) FROM texts) - ?", (_MOST,))
        except sqlite3.OperationalError:
            pass  # another process is writing, or the disk is full
        except sqlite3.DatabaseError:
            _file().unlink(missing_ok=True)
        if self._db is not None:
            self._db.close()
        self._new, self._db = {}, None

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = sqlite3.connect(_file(), timeout=5.0)
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, key TEXT UNIQUE, text TEXT)")
        return self._db


@cache
def _file() -> Path:
    return cache_folder(_ROOM, f"-{_versions()}") / "texts.sqlite"


@cache
def made_by() -> str:
    """What tells rows of this code from those of another."""
    return f"{digest_of_sources(_ROOM)}-{_versions()}"


@cache
def _versions() -> str:
    return "-".join(version(name) for name in ("ibis-framework", "duckdb"))
