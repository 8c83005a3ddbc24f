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


class Texts:
    """Texts that this code made, with these versions of what builds and runs them."""

    def __init__(self) -> None:
        self._file = cache_folder(_ROOM, f"-{_versions()}") / "texts.sqlite"
        self._known: dict[str, str] = {}
        self._new: dict[str, str] = {}
        try:
            with sqlite3.connect(self._file, timeout=5.0) as db:
                db.execute("CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY, key TEXT UNIQUE, text TEXT)")
                self._known.update(db.execute("SELECT key, text FROM texts"))
            db.close()
        except sqlite3.DatabaseError:
            self._file.unlink(missing_ok=True)

    def __getitem__(self, key: str) -> str | None:
        return self._known.get(key)

    def add(self, key: str, text: str) -> None:
        """Keep a text."""
        self._known[key] = self._new[key] = text

    def write(self) -> None:
        """Write what is new; where that is not possible it is built again some other time."""
        if not self._new:
            return
        try:
            with sqlite3.connect(self._file, timeout=5.0) as db:
                db.execute("PRAGMA synchronous = OFF")
                rows = list(self._new.items())
                db.executemany("INSERT OR IGNORE INTO texts (key, text) VALUES (?, ?)", rows)
                db.execute("DELETE FROM texts WHERE id <= (SELECT max(id) FROM texts) - ?", (_MOST,))
            db.close()
        except sqlite3.DatabaseError:
            return
        self._new.clear()


@cache
def texts() -> Texts:
    """Those of this process, whatever lake they are for."""
    return Texts()


@cache
def made_by() -> str:
    """What tells rows of this code from those of another."""
    return f"{digest_of_sources(_ROOM)}-{_versions()}"


@cache
def _versions() -> str:
    return "-".join(version(name) for name in ("ibis-framework", "duckdb"))
