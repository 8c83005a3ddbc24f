"""DuckDB over Parquet files, directly and through Ibis.

In:     files of one table, an empty frame that tells its columns
Out:    relations (DuckDB), table expressions (Ibis)
Not:    which files are current (records.lake)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import polars as pl


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

    def relation(self, files: Sequence[Path], empty: pl.DataFrame) -> duckdb.DuckDBPyRelation:
        """The rows of some files as a relation; without files none, with the columns of ``empty``."""
        if not files:
            return self.connection.from_arrow(empty.to_arrow())
        return self.connection.read_parquet([str(f) for f in files], union_by_name=True, hive_partitioning=False)

    def ibis(self) -> Any:
        """The same DuckDB as an Ibis backend."""
        import ibis

        return ibis.duckdb.from_connection(self.connection)

    def table(self, name: str, files: Sequence[Path], empty: pl.DataFrame, where: str = "true") -> Any:
        """The rows of some files as an Ibis table of a name."""
        self.relation(files, empty).filter(where).create_view(name, replace=True)
        return self.ibis().table(name)

    def frame(self, name: str, frame: pl.DataFrame) -> Any:
        """A frame as an Ibis table of a name, kept in this DuckDB."""
        self.connection.register("_incoming", frame.to_arrow())
        self.connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM _incoming')
        self.connection.unregister("_incoming")
        return self.ibis().table(name)
