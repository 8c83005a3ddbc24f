"""The engine that reads records in place: DuckDB here, another where the country's records lie.

In:     lists of Parquet files, their columns
Out:    a DuckDB connection within bounds of memory and threads; relations; Ibis tables over them
Not:    what a record means (records), measures (rules)
Words:  relation = rows not yet read; Ibis = one way to say a query for several engines
"""

from clearway.scale.engine import RecordEngine

__all__ = ["RecordEngine"]
