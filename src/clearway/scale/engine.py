"""DuckDB over Parquet files, directly and through Ibis.

In:     files of one table, an empty frame that tells its columns
Out:    relations (DuckDB), table expressions (Ibis), the rows of queries kept as text (Polars)
Not:    which files are current (records.lake)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import duckdb


class RecordEngine:
    """One DuckDB in memory that reads Parquet in place.

    Parameters
    ----------
    memory
        What it may hold before it spills, e.g. ``1GB``; ``None`` for DuckDB's own bound.
    threads
        How many at once; ``None`` for all cores.
    """

    def __init__(self, memory: str | None = None, threads: int | None = None) -> None:
        import duckdb

        settings: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        if memory is not None:
            settings["memory_limit"] = memory
        if threads is not None:
            settings["threads"] = threads
        self.connection = duckdb.connect(config=settings)
        self.connection.execute("SET parquet_metadata_cache = true")  # files of a lake never change
        self._said: dict[str, date] = {}

    def relation(self, files: Sequence[Path], empty: pl.DataFrame) -> duckdb.DuckDBPyRelation:
        """The rows of some files as a relation; without files none, with the columns of ``empty``."""
        if not files:
            return self.connection.from_arrow(empty.to_arrow())
        return self.connection.read_parquet([str(f) for f in files], union_by_name=True, hive_partitioning=False)

    @cached_property
    def ibis(self) -> Any:
        """The same DuckDB as an Ibis backend."""
        import ibis

        return ibis.duckdb.from_connection(self.connection)

    def table(self, name: str, files: Sequence[Path], empty: pl.DataFrame, where: str = "true") -> Any:
        """The rows of some files as an Ibis table of a name."""
        self.view(name, files, empty, where)
        return self.ibis.table(name)

    def view(self, name: str, files: Sequence[Path], empty: pl.DataFrame, where: str = "true") -> None:
        """Give the rows of some files a name, for queries to come."""
        self.relation(files, empty).filter(where).create_view(name, replace=True)

    def frame(self, name: str, frame: pl.DataFrame) -> None:
        """Give a frame a name, for queries to come."""
        self.connection.register(name, frame.to_arrow())

    def moments(self, **values: date) -> None:
        """Give days and times names: a query may say ``first()`` and be kept as text whatever day it is asked for."""
        for name, value in values.items():
            if self._said.get(name) == value:
                continue
            self._said[name] = value
            kind = "TIMESTAMP" if isinstance(value, datetime) else "DATE"
            self.connection.execute(f"CREATE OR REPLACE MACRO {name}() AS {kind} '{value}'")

    def text(self, expression: Any) -> str:
        """An Ibis table expression as SQL."""
        import ibis

        return str(ibis.to_sql(expression, dialect="duckdb", pretty=False))

    def rows(self, sql: str) -> pl.DataFrame:
        """The rows of a query; whole numbers as Int64."""
        frame = pl.DataFrame(self.connection.sql(sql).to_arrow_table())
        whole = [c for c, t in frame.schema.items() if t.is_integer() or (isinstance(t, pl.Decimal) and t.scale == 0)]
        return frame.with_columns(pl.col(whole).cast(pl.Int64))
