"""More than one core, and the engine that reads records in place: local processes and DuckDB here.

In:     lists of Parquet files, their columns; functions by name
Out:    a DuckDB connection within bounds of memory and threads; relations; Ibis tables; results of local processes
Not:    what a record means (records), measures (rules)
Words:  relation = rows not yet read; Ibis = one way to say a query for several engines
"""

from clearway.scale.engine import RecordEngine
from clearway.scale.processes import Processes

__all__ = ["Processes", "RecordEngine"]
